"""The `apply_patch` envelope: files are added, updated, moved and deleted; hunks have context instead of line numbers.

*** Begin Patch
*** Update File: lamp.py
@@ class Lamp:
 def shine(self):
-    pass
+    return True
*** End Patch
"""

from __future__ import annotations

from collections.abc import Sequence

from pillion.errors import ToolError

from ..hunk import FileEdit, Hunk

BEGIN, END = "*** Begin Patch", "*** End Patch"
UPDATE, ADD, DELETE, MOVE = "*** Update File: ", "*** Add File: ", "*** Delete File: ", "*** Move to: "
HEADS = (UPDATE, ADD, DELETE)
END_OF_FILE = "*** End of File"


def read_patch(text: str) -> list[FileEdit]:
    """Raises ToolError, which names the line (from 1) that can't be read."""
    lines = text.replace("\r\n", "\n").split("\n")
    first = next((i for i, line in enumerate(lines, 1) if line.strip() == BEGIN), len(lines))
    last = next((i for i in range(first, len(lines)) if lines[i].rstrip() == END), len(lines))
    if last == len(lines):
        raise ToolError(f"A patch begins with the line {BEGIN} and ends with {END}.")
    late = next((i for i in range(last + 1, len(lines)) if lines[i].startswith(HEADS)), None)
    if late is not None:
        raise ToolError(
            f"Line {late + 1} of the patch: it goes on behind {END} in line {last + 1}. Nothing was changed."
        )
    edits: list[FileEdit] = []
    at = first
    while at < last:
        if not lines[at].strip():
            at += 1
            continue
        end = next((i for i in range(at + 1, last) if lines[i].startswith(HEADS)), last)
        edits.append(_file(lines, at, end))
        at = end
    if not edits:
        raise ToolError("The patch has no file.")
    return edits


def _file(lines: Sequence[str], at: int, end: int) -> FileEdit:
    head, body = lines[at].rstrip(), lines[at + 1 : end]
    if head.startswith(DELETE):
        if any(line.strip() for line in body):
            raise ToolError(f"Line {at + 2} of the patch: a deleted file has no content.")
        return FileEdit(head.removeprefix(DELETE).strip(), "delete")
    if head.startswith(ADD):
        while body and not body[-1].strip():
            body = body[:-1]
        for number, line in enumerate(body):
            if not line.startswith("+"):
                raise ToolError(f"Line {at + 2 + number} of the patch: each line of an added file begins with +.")
        return FileEdit(head.removeprefix(ADD).strip(), "create", content="".join(f"{line[1:]}\n" for line in body))
    if not head.startswith(UPDATE):
        raise ToolError(f"Line {at + 1} of the patch: {head[:80]!r} is none of {UPDATE}, {ADD}, {DELETE}.")
    moved = ""
    if body and body[0].startswith(MOVE):
        moved, body, at = body[0].removeprefix(MOVE).strip(), body[1:], at + 1
    hunks = _hunks(body, at + 2)
    if not hunks and not moved:
        raise ToolError(f"Line {at + 1} of the patch: nothing is changed in this file.")
    return FileEdit(head.removeprefix(UPDATE).strip(), hunks=tuple(hunks), moved=moved, ordered=True)


def _hunks(body: Sequence[str], number: int) -> list[Hunk]:
    hunks: list[Hunk] = []
    reading = _Reading()
    for line in body:
        if line.startswith("@@"):
            if reading.lines:
                hunks.append(reading.hunk())
                reading = _Reading()
            if scope := line[2:].strip().removesuffix("@@").strip():
                reading.scope.append(scope)
        elif line.rstrip() == END_OF_FILE:
            reading.at_end = True
        elif line[:1] in " +-" or not line:
            reading.lines.append(line or " ")
        else:
            raise ToolError(
                f"Line {number} of the patch: a line of a change begins with a space, + or -, not {line[:1]!r}."
            )
        number += 1
    while reading.lines and not reading.lines[-1].strip():
        reading.lines.pop()  # blank lines before the next file
    return [*hunks, reading.hunk()] if reading.lines else hunks


class _Reading:
    """A hunk while its lines are read."""

    def __init__(self) -> None:
        self.scope: list[str] = []
        self.lines: list[str] = []
        self.at_end = False

    def hunk(self) -> Hunk:
        old = tuple(line[1:] for line in self.lines if line[0] in " -")
        new = tuple(line[1:] for line in self.lines if line[0] in " +")
        return Hunk(old, new, tuple(self.scope), self.at_end)
