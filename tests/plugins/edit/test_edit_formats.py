"""Each format is read into the same hunks, also cut anywhere, and what can't be read says where."""

from __future__ import annotations

import pytest

from pillion.errors import ToolError
from pillion_edit.formats.blocks import BlockReader, read_blocks
from pillion_edit.formats.patch import read_patch
from pillion_edit.formats.unified import read_unified
from pillion_edit.formats.whole import read_whole
from pillion_edit.hunk import FileEdit, Hunk

BLOCKS = """\
I change two files.

src/lamp.py
```python
<<<<<<< SEARCH
def shine():
    pass
=======
def shine():
    return True
>>>>>>> REPLACE
<<<<<<< SEARCH
import os
=======
>>>>>>> REPLACE
```

**docs/new file.md**
<<<<<<< SEARCH
=======
# Lamp
>>>>>>> REPLACE
That is all."""
READ = [
    FileEdit("src/lamp.py", hunks=(Hunk(("def shine():", "    pass"), ("def shine():", "    return True")),)),
    FileEdit("src/lamp.py", hunks=(Hunk(("import os",), ()),)),
    FileEdit("docs/new file.md", "create", content="# Lamp\n"),
]


def test_blocks_are_read_with_their_paths() -> None:
    assert read_blocks(BLOCKS) == READ
    assert read_blocks(BLOCKS.replace("\n", "\r\n")) == READ


def test_blocks_come_as_soon_as_they_are_whole_wherever_the_reply_is_cut() -> None:
    for cut in range(len(BLOCKS)):
        reader = BlockReader()
        first = list(reader.feed(BLOCKS[:cut]))
        rest = [*reader.feed(BLOCKS[cut:]), *reader.finish()]
        assert first + rest == READ, cut
        assert len(first) >= BLOCKS[:cut].count(">>>>>>> REPLACE\n"), cut


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<<<<<<< SEARCH\nx\n=======\ny\n>>>>>>> REPLACE", "must have the path"),
        ("f.py\n<<<<<<< SEARCH\nx\n=======\ny\n", "has no end"),
        ("f.py\n<<<<<<< SEARCH\nx\n>>>>>>> REPLACE", "lacks its line ======="),
        ("f.py\n<<<<<<< SEARCH\nx\n=======\ny\n<<<<<<< SEARCH\n", "has no end"),
    ],
)
def test_a_block_out_of_order_says_so(text: str, said: str) -> None:
    with pytest.raises(ToolError, match=said):
        read_blocks(text)


PATCH = """\
*** Begin Patch
*** Update File: src/lamp.py
@@ class Lamp:
@@     def shine(self):
     def shine(self):
-        pass
+        return True

@@
 last
+line
*** End of File
*** Update File: a.txt
*** Move to: b/c.txt
*** Add File: new.txt
+one
+
+two
*** Delete File: old.txt
*** End Patch
"""


def test_a_patch_is_read() -> None:
    assert read_patch(f"Here:\n{PATCH}") == [
        FileEdit(
            "src/lamp.py",
            hunks=(
                Hunk(
                    ("    def shine(self):", "        pass", ""),
                    ("    def shine(self):", "        return True", ""),
                    ("class Lamp:", "def shine(self):"),
                ),
                Hunk(("last",), ("last", "line"), at_end=True),
            ),
            ordered=True,
        ),
        FileEdit("a.txt", moved="b/c.txt", ordered=True),
        FileEdit("new.txt", "create", content="one\n\ntwo\n"),
        FileEdit("old.txt", "delete"),
    ]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("", "has no file"),
        ("nonsense", "Line 2 of the patch: 'nonsense' is none of"),
        ("*** Update File: a\n?x", "Line 3 of the patch: a line of a change begins with a space"),
        ("*** Update File: a", "nothing is changed in this file"),
        ("*** Add File: a\nx", "Line 3 of the patch: each line of an added file begins with"),
        ("*** Delete File: a\nx", "a deleted file has no content"),
    ],
)
def test_a_wrong_patch_names_the_line(body: str, said: str) -> None:
    with pytest.raises(ToolError, match=said):
        read_patch(f"*** Begin Patch\n{body}\n*** End Patch")


def test_a_patch_without_its_end_is_refused() -> None:
    with pytest.raises(ToolError, match="ends with"):
        read_patch(PATCH.replace("*** End Patch", ""))


def test_a_line_of_a_file_that_looks_like_the_end_does_not_end_the_patch() -> None:
    body = "*** Update File: a.md\n *** End Patch\n-one\n+two\n*** Delete File: b"
    edits = read_patch(f"*** Begin Patch\n{body}\n*** End Patch")
    assert edits[0].hunks == (Hunk(("*** End Patch", "one"), ("*** End Patch", "two")),) and len(edits) == 2


def test_a_patch_that_goes_on_behind_its_end_is_refused_whole() -> None:
    with pytest.raises(ToolError, match="Line 4 of the patch: it goes on"):
        read_patch("*** Begin Patch\n*** Delete File: a\n*** End Patch\n*** Delete File: b\n*** End Patch")


DIFF = """\
diff --git a/lamp.py b/lamp.py
index 1..2 100644
--- a/lamp.py\t2026-11-22
+++ b/lamp.py
@@ -1,3 +99,1 @@ def counted_badly():
 one
-two
---- a line of dashes
+2

@@ ... @@
-last
\\ No newline at end of file
+end
diff --git a/x b/y
similarity index 100%
rename from x
rename to y
--- /dev/null
+++ b/new.txt
@@ -0,0 +1 @@
+no end
\\ No newline at end of file
--- a/old.txt
+++ /dev/null
@@ -1 +0,0 @@
-gone
--- a/from.py
+++ b/to.py
@@ -1 +1 @@
-x
+y
"""


def test_a_diff_is_read_and_its_numbers_are_not_believed() -> None:
    assert read_unified(DIFF) == [
        FileEdit("x", moved="y", ordered=True),
        FileEdit(
            "lamp.py",
            hunks=(
                Hunk(("one", "two", "--- a line of dashes"), ("one", "2"), behind="def counted_badly():"),
                Hunk(("last",), ("end",)),
            ),
            ordered=True,
        ),
        FileEdit("new.txt", "create", content="no end"),
        FileEdit("old.txt", "delete", hunks=(Hunk(("gone",), ()),)),
        FileEdit("from.py", hunks=(Hunk(("x",), ("y",)),), moved="to.py", ordered=True),
    ]


def test_whole_files_are_read() -> None:
    text = "First:\n\n`a/b.py`\n```python\nx = 1\n```\n\n# File: c.md\n~~~~\n```\ninner\n```\n~~~~\n"
    assert read_whole(text) == [
        FileEdit("a/b.py", "write", content="x = 1\n"),
        FileEdit("c.md", "write", content="```\ninner\n```\n"),
    ]
    with pytest.raises(ToolError, match="There is no file"):
        read_whole("just words")
