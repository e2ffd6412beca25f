"""Search/replace blocks: a path on a line, then the lines to change and those that replace them. Read as they come.

    lamp.py
    <<<<<<< SEARCH
    def shine():
    =======
    def shine(bright):
    >>>>>>> REPLACE

A fence of backticks may stand round a block or round several. A path holds for the blocks behind it, too. Without lines
to search for, the block makes a file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pillion.errors import ToolError

from ..hunk import FileEdit, Hunk

_SEARCH = re.compile(r"<{5,9} ?SEARCH:?\s*")
_MIDDLE = re.compile(r"={5,9}\s*")
_REPLACE = re.compile(r">{5,9} ?REPLACE\s*")
_FENCE = re.compile(r"\s*(```+|~~~+)\s*[\w+.-]*\s*")
_PATH = re.compile(
    r"""[\s#*`"'>]*(?:File(?:name)?:\s*)?[`"']?([^\s`"'*:<>|][^`"'*:<>|]*?)[`"']?[\s:*`]*""", re.IGNORECASE
)
LONGEST = 2_000_000
"""Characters of one block."""


class BlockReader:
    """Takes a reply piece by piece, gives each edit once its block is whole; what is no block is passed over."""

    def __init__(self, path: str = "") -> None:
        self._path = path
        self._rest = ""
        self._state = "text"
        self._old: list[str] = []
        self._new: list[str] = []
        self._size = 0

    def feed(self, text: str) -> Iterator[FileEdit]:
        """Raises ToolError for a block without a path, or that is out of order."""
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            yield from self._line(line.removesuffix("\r"))

    def finish(self) -> Iterator[FileEdit]:
        """At the end of the reply. Raises ToolError when a block has no end."""
        rest, self._rest = self._rest, ""
        if rest:
            yield from self._line(rest.removesuffix("\r"))
        if self._state != "text":
            raise ToolError(f"The last block for {self._path} has no end: >>>>>>> REPLACE is missing.")

    def _line(self, line: str) -> Iterator[FileEdit]:
        self._size = 0 if self._state == "text" else self._size + len(line)
        if self._size > LONGEST:
            raise ToolError(f"A block for {self._path} has more than {LONGEST} characters.")
        if self._state == "text":
            self._outside(line)
        elif self._state == "old":
            if _MIDDLE.fullmatch(line):
                self._state = "new"
            elif _SEARCH.fullmatch(line) or _REPLACE.fullmatch(line):
                raise ToolError(f"A block for {self._path} lacks its line =======.")
            else:
                self._old.append(line)
        elif _REPLACE.fullmatch(line):
            yield self._edit()
        elif _SEARCH.fullmatch(line):
            raise ToolError(f"A block for {self._path} has no end: >>>>>>> REPLACE is missing.")
        else:
            self._new.append(line)

    def _outside(self, line: str) -> None:
        if _SEARCH.fullmatch(line):
            if not self._path:
                raise ToolError("A block must have the path of its file on the line before it.")
            self._state, self._old, self._new = "old", [], []
        elif not _FENCE.fullmatch(line) and (named := _PATH.fullmatch(line)) and _is_path(named[1]):
            self._path = named[1]

    def _edit(self) -> FileEdit:
        self._state = "text"
        if any(line.strip() for line in self._old):
            return FileEdit(self._path, hunks=(Hunk(tuple(self._old), tuple(self._new)),))
        return FileEdit(self._path, "create", content="".join(f"{line}\n" for line in self._new))


def read_blocks(text: str, path: str = "") -> list[FileEdit]:
    """All edits of a whole reply; `path` is of those without one. Raises ToolError, also where there is none."""
    reader = BlockReader(path)
    found = [*reader.feed(text), *reader.finish()]
    if not found:
        raise ToolError("There is no block: a line <<<<<<< SEARCH, one ======= and one >>>>>>> REPLACE belong to each.")
    return found


def _is_path(name: str) -> bool:
    """A line of words is none: a path has a dot, a slash, or is a single word."""
    return ("/" in name or "." in name or " " not in name) and not name.endswith((".", ",", ";")) and len(name) < 1024
