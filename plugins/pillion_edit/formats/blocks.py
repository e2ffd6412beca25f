"""Search/replace blocks: a path on a line, then the lines to change and those that replace them. Read as they come.

    lamp.py
    <<<<<<< SEARCH
    def shine():
    =======
    def shine(bright):
    >>>>>>> REPLACE

A line of `=` may also be the file's: as long as the marks are, it is what parts the two; where several are, each
reading is kept, and the file must tell. A fence of backticks may stand round a block or round
several. A path holds for the blocks behind it, too. Without lines to search for, the block makes a file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from msgspec import structs

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
        self._body: list[str] = []
        self._mark = 0
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
        elif _REPLACE.fullmatch(line):
            yield self._edit()
        elif _SEARCH.fullmatch(line):
            raise ToolError(f"A block for {self._path} has no end: >>>>>>> REPLACE is missing.")
        else:
            self._body.append(line)

    def _outside(self, line: str) -> None:
        if _SEARCH.fullmatch(line):
            if not self._path:
                raise ToolError("A block must have the path of its file on the line before it.")
            self._state, self._body, self._mark = "block", [], line.count("<")
        elif _REPLACE.fullmatch(line):
            raise ToolError(f"A line {line.strip()} ends no block: one of {self._path or 'the file'} ended before it.")
        elif not _FENCE.fullmatch(line) and (named := _PATH.fullmatch(line)) and _is_path(named[1]):
            self._path = named[1]

    def _edit(self) -> FileEdit:
        self._state = "text"
        first, *others = self._readings()
        if any(line.strip() for line in first.old):
            return FileEdit(self._path, hunks=(structs.replace(first, others=tuple(others)),))
        return FileEdit(self._path, "create", content="".join(f"{line}\n" for line in first.new))

    def _readings(self) -> list[Hunk]:
        """One for each line that may part the old lines from the new ones. Raises ToolError."""
        found = [number for number, line in enumerate(self._body) if _MIDDLE.fullmatch(line)]
        if not found:
            raise ToolError(f"A block for {self._path} lacks its line =======.")
        asked = [number for number in found if self._body[number].count("=") == self._mark] or found
        read = [Hunk(tuple(self._body[:number]), tuple(self._body[number + 1 :])) for number in asked]
        return [one for one in read if not _cuts_conflict(one.old)] or read


def read_blocks(text: str, path: str = "") -> list[FileEdit]:
    """All edits of a whole reply; `path` is of those without one. Raises ToolError, also where there is none."""
    reader = BlockReader(path)
    found = [*reader.feed(text), *reader.finish()]
    if not found:
        raise ToolError("There is no block: a line <<<<<<< SEARCH, one ======= and one >>>>>>> REPLACE belong to each.")
    return found


def _cuts_conflict(old: Sequence[str]) -> bool:
    """Does it begin a merge's conflict, and not end it?"""
    return sum(line.startswith("<<<<<<< ") - line.startswith(">>>>>>> ") for line in old) != 0


def _is_path(name: str) -> bool:
    """A line of words is none: a path has a dot, a slash, or is a single word."""
    return ("/" in name or "." in name or " " not in name) and not name.endswith((".", ",", ";")) and len(name) < 1024
