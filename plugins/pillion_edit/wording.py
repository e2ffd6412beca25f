"""How a model is told of each format in which it can write edits."""

PATCH = """\
Change files of the workspace by a patch; all of it is done, or nothing. The patch:
*** Begin Patch
*** Update File: path/of/file.py
@@ class Lamp:
 a line that stays (it begins with a space)
-a line that goes
+a line that comes
*** Add File: path/of/new.py
+each line of it
*** Delete File: path/of/old.py
*** End Patch
Give about three lines that stay before and behind each change, and where they are not unique, a line @@ with the class
or function it is in. `*** Move to: new/path.py` below `*** Update File` moves a file. Line numbers are not used."""
BLOCKS = """\
Change files of the workspace by search/replace blocks; all are done, or none. Each block:
path/of/file.py
<<<<<<< SEARCH
lines that are there now, exactly, and nowhere else in the file
=======
lines to put in their place
>>>>>>> REPLACE
Nothing between SEARCH and ======= makes a new file."""
UNIFIED = """\
Change files of the workspace by a unified diff with --- a/path and +++ b/path lines; all of it is done, or nothing.
Give three lines of context; line numbers are not used, so the context must be unique. /dev/null stands for a file that
is not there."""
WHOLE = """\
Write whole files of the workspace; all are written, or none. For each: its path on a line of its own, then its whole
new content between two lines ````, or longer ones where the content has such a line itself."""
