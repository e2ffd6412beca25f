"""Unified diffs, as `diff -u` and git write them. Line numbers are no evidence: models count badly, files change. They
only tell in which order hunks are meant, and the line that git writes beside them what is above a hunk."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from pillion.errors import ToolError

from ..hunk import FileEdit, Hunk

_TIME = re.compile(r"\t.*$")
_BETWEEN = ("diff ", "index ", "old mode ", "new mode ", "similarity ", "rename ", "deleted file ", "new file ")
_NUMBER = re.compile(r"@@ -(\d{1,9})(?:,\d+)? \+\d+(?:,\d+)? @@ ?(.*)")
_NOTHING = "/dev/null"


def read_unified(text: str) -> list[FileEdit]:
    """Raises ToolError, which names the line (from 1) that can't be read."""
    lines = text.replace("\r\n", "\n").split("\n")
    starts = [i for i in range(len(lines) - 1) if lines[i].startswith("--- ") and lines[i + 1].startswith("+++ ")]
    edits = list(_renames(lines))
    for start, end in pairwise([*starts, len(lines)]):
        edits.append(_file(lines, start, end))
    if not edits:
        raise ToolError("A diff has, for each file, a line --- and a line +++ with its path.")
    return edits


def _renames(lines: Sequence[str]) -> Iterator[FileEdit]:
    """Files that are renamed and not changed: git gives them no lines --- and +++."""
    for number in range(len(lines) - 1):
        if lines[number].startswith("rename from ") and lines[number + 1].startswith("rename to "):
            old, new = lines[number].removeprefix("rename from "), lines[number + 1].removeprefix("rename to ")
            rest = next((line for line in lines[number + 2 :] if line.startswith(("--- ", "diff "))), "diff ")
            if rest.startswith("diff ") or _path(rest) != old:
                yield FileEdit(old, moved=new, ordered=True)


def _file(lines: Sequence[str], start: int, end: int) -> FileEdit:
    before, after = _path(lines[start]), _path(lines[start + 1])
    hunks, closed = _hunks(lines, start + 2, end)
    if before == _NOTHING:
        content = "\n".join(line for hunk in hunks for line in hunk.new)
        return FileEdit(after, "create", content=content + "\n" if hunks and closed else content)
    if after == _NOTHING:
        return FileEdit(before, "delete", hunks=tuple(hunks))
    if not hunks and before == after:
        raise ToolError(f"Line {start + 1} of the diff: nothing is changed in {before}.")
    return FileEdit(before, hunks=tuple(hunks), moved=after if after != before else "", ordered=True)


def _path(line: str) -> str:
    name = _TIME.sub("", line[4:]).strip()
    return name[2:] if name[:2] in ("a/", "b/") else name


def _hunks(lines: Sequence[str], at: int, end: int) -> tuple[list[Hunk], bool]:
    """The hunks, and whether the new file ends with a line feed."""
    bodies: list[tuple[int, str, list[str]]] = []
    closed, inside = True, False
    for number in range(at, end):
        line = lines[number]
        if line.startswith("@@"):
            numbered = _NUMBER.match(line)
            place = int(numbered[1]) if numbered else bodies[-1][0] if bodies else 0
            bodies.append((place, numbered[2].rstrip() if numbered else "", []))
            inside = True
        elif not inside or line.startswith(_BETWEEN):
            inside = False  # git's lines between the files
        elif line.startswith("\\"):
            closed = closed and lines[number - 1][:1] not in "+ "
        elif line[:1] in " -+" or not line:
            bodies[-1][2].append(line)
        else:
            raise ToolError(f"Line {number + 1} of the diff: a line of a hunk begins with a space, + or -.")
    return [_hunk(body, head) for _, head, body in sorted(bodies, key=lambda one: one[0]) if body], closed


def _hunk(body: list[str], head: str) -> Hunk:
    while body and not body[-1]:
        body.pop()  # blank lines before the next file; a blank line of the hunk has its space
    old = tuple(line[1:] for line in body if line[:1] in ("", " ", "-"))
    return Hunk(old, tuple(line[1:] for line in body if line[:1] in ("", " ", "+")), behind=head)
