"""What a model is told when an edit can't be made, so that its next one can."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Literal

from pillion.errors import ToolError

from .document import Document
from .hunk import Hunk

COMPARED = 4_000
"""Lines that are looked through for one that resembles the wanted."""
AROUND = 2
SHOWN_PLACES = 20
SHOWN_LINES = 40
WIDEST = 500
"""Characters of a line that are shown."""
Why = Literal["ambiguous", "missing", "unsure", "placeless", "already"]


class Refused(ToolError):
    """The edit was not made; nothing of it was. `why` is for programs."""

    code = "edit_refused"

    def __init__(self, message: str, why: Why = "missing") -> None:
        super().__init__(message)
        self.why = why

    def of(self, number: int, count: int) -> Refused:
        """The same, which says of how many edits it was which."""
        return self if count == 1 else Refused(f"Change {number} of {count}: {self}", self.why)


def ambiguous(path: str, starts: Sequence[int]) -> Refused:
    lines = ", ".join(str(start + 1) for start in sorted(starts)[:SHOWN_PLACES])
    more = " and more" if len(starts) > SHOWN_PLACES else ""
    return Refused(
        f"The text to change occurs {len(starts)} times in {path}, at lines {lines}{more}. "
        "Add lines around it until it is unique.",
        "ambiguous",
    )


def placeless(document: Document) -> Refused:
    return Refused(f"The change of {document.path} does not say where: give lines that are there now.", "placeless")


def unsure(path: str, line: int, why: str) -> Refused:
    return Refused(
        f"The change of {path} almost fits at line {line + 1}, but {why}. Read those lines, and give them as they are.",
        "unsure",
    )


def left_out(path: str, line: int) -> Refused:
    return Refused(
        f"The new text for line {line + 1} of {path} leaves lines out by an ellipsis that the old text does "
        "not have: what it stands for would be lost. Give all lines, or the ellipsis in both.",
        "unsure",
    )


def outside(path: str, line: int, hunk: Hunk) -> Refused:
    where = f"inside {hunk.scope[-1]!r}" if hunk.scope else "at the end of the file"
    return Refused(
        f"The text to change stands at line {line + 1} of {path}, but not {where}. Read the file, and give the "
        "lines that are meant."
    )


def undivided(path: str, count: int) -> Refused:
    why = "the lines before more than one of them stand there" if count else "before none of them are lines of the file"
    return Refused(
        f"A block for {path} has several lines of = that may part the old lines from the new ones, and {why}. "
        "Choose lines without a heading of =, or begin and end the block with marks of another length: "
        "<<<<<<<< SEARCH, ========, >>>>>>>> REPLACE.",
        "unsure",
    )


def written_over(path: str) -> Refused:
    return Refused(
        f"The text to change was not in {path} before this edit; another change of it has written it, and lines like "
        "it were there before. Say which are meant by lines that are there now.",
        "ambiguous",
    )


def otherwise(path: str) -> Refused:
    return Refused(f"{path} is to be deleted, but does not hold what the diff takes away. Read it, then delete it.")


def missing(document: Document, hunk: Hunk) -> Refused:
    """Shows what is there that is most like it."""
    start, exact = _nearest(document.lines, hunk.old)
    if start is None:
        return Refused(f"The text to change is not in {document.path}, and nothing there resembles it.")
    first, last = max(0, start - AROUND), min(len(document.lines), start + len(hunk.old) + AROUND)
    there = "\n".join(line[:WIDEST] for line in document.lines[first:last][:SHOWN_LINES])
    why = "only its white space differs" if exact else "the nearest there is"
    return Refused(f"The text to change is not in {document.path}; {why}, lines {first + 1} to {last}:\n{there}")


def _nearest(lines: Sequence[str], wanted: Sequence[str]) -> tuple[int | None, bool]:
    """The index of the line where `wanted` most likely was meant to begin; whether just white space differs."""
    bare, sought = [line.split() for line in lines], [line.split() for line in wanted]
    for index in range(len(lines) - len(wanted) + 1):
        if bare[index] == sought[0] and bare[index : index + len(wanted)] == sought:
            return index, True
    number = max(range(len(wanted)), key=lambda place: len(wanted[place].strip()))
    matcher = difflib.SequenceMatcher(b=wanted[number].strip()[:200], autojunk=False)
    best, found = 0.5, None
    for index, line in enumerate(lines[:COMPARED]):
        matcher.set_seq1(line.strip()[:200])
        if matcher.real_quick_ratio() > best and matcher.quick_ratio() > best and (ratio := matcher.ratio()) > best:
            best, found = ratio, max(0, index - number)
    return found, False
