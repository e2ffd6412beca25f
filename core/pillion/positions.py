"""Places in a text as editors name them: line and character from 0, a character being a UTF-16 code unit (as in LSP).

Python counts code points, so an emoji is one character here and two there. Lines end with LF, CR LF or CR.
"""

from __future__ import annotations

import bisect
import difflib
import re
from collections.abc import Iterator, Sequence

from msgspec import Struct

COMPARED = 1_000
"""Lines between the first change and the last up to which changes are told hunk by hunk; beyond it as one."""
_LINE_END = re.compile(r"\r\n|\n|\r")


class Position(Struct, frozen=True, order=True):
    """0-based. `character` counts UTF-16 code units from the line's beginning."""

    line: int
    character: int


class TextEdit(Struct, frozen=True):
    """What stands from `start` up to `end` becomes `text`. All edits of a list speak of the text before any of them."""

    start: Position
    end: Position
    text: str


class Places:
    """Offsets of a text, in code points, and their positions."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._begins = [0, *(found.end() for found in _LINE_END.finditer(text))]

    def position(self, offset: int) -> Position:
        """Of an offset; one beyond the end means the end."""
        offset = min(max(offset, 0), len(self._text))
        line = bisect.bisect_right(self._begins, offset) - 1
        return Position(line, _units(self._text[self._begins[line] : offset]))

    def offset(self, position: Position) -> int:
        """Of a position. As in LSP, one beyond its line's end means that end, one beyond the text the text's end.

        In the middle of a character of two units it means the character's beginning.
        """
        if position.line >= len(self._begins):
            return len(self._text)
        begin = self._begins[position.line]
        limit = self._begins[position.line + 1] if position.line + 1 < len(self._begins) else len(self._text)
        units, at = 0, begin
        while at < limit and self._text[at] not in "\r\n":
            units += 1 if self._text[at] <= "\uffff" else 2
            if units > position.character:
                break
            at += 1
        return at


def edits_between(before: str, after: str) -> tuple[TextEdit, ...]:
    """Edits that make `after` of `before`, line by line, in order and apart; none where the two are equal."""
    old, new = _lines(before), _lines(after)
    shorter = min(len(old), len(new))
    head = next((at for at in range(shorter) if old[at] != new[at]), shorter)
    tail = next((at for at in range(shorter - head) if old[-1 - at] != new[-1 - at]), shorter - head)
    old, new = old[: len(old) - tail], new[: len(new) - tail]
    begins, places = _begins(old), Places(before)
    return tuple(
        TextEdit(places.position(begins[a]), places.position(begins[b]), "".join(new[c:d]))
        for a, b, c, d in _hunks(old, new, head)
    )


def _hunks(old: Sequence[str], new: Sequence[str], head: int) -> Iterator[tuple[int, int, int, int]]:
    """Lines of `old`, from up to, that become lines of `new`, from up to. The first `head` of both are equal."""
    if len(old) == len(new) == head:
        return
    if max(len(old), len(new)) - head > COMPARED:
        yield head, len(old), head, len(new)
        return
    matcher = difflib.SequenceMatcher(None, old[head:], new[head:], autojunk=False)
    for kind, a, b, c, d in matcher.get_opcodes():
        if kind != "equal":
            yield head + a, head + b, head + c, head + d


def applied(text: str, edits: Sequence[TextEdit]) -> str:
    """The text with the edits. Raises ValueError when two of them overlap."""
    places = Places(text)
    parts, at = [], 0
    for edit in sorted(edits, key=lambda edit: (edit.start, edit.end)):
        start, end = places.offset(edit.start), places.offset(edit.end)
        if start < at or end < start:
            raise ValueError(f"The edit at line {edit.start.line} overlaps another one.")
        parts += [text[at:start], edit.text]
        at = end
    return "".join([*parts, text[at:]])


def _units(text: str) -> int:
    return len(text) + sum(character > "\uffff" for character in text)


def _lines(text: str) -> list[str]:
    """With their ends, split only where an editor splits."""
    ends = [found.end() for found in _LINE_END.finditer(text)]
    begins = [0, *ends]
    lines = [text[begin:end] for begin, end in zip(begins, [*ends, len(text)], strict=True)]
    return lines if lines[-1] else lines[:-1]


def _begins(lines: Sequence[str]) -> list[int]:
    """Where each line begins, and where the last one ends."""
    begins = [0]
    for line in lines:
        begins.append(begins[-1] + len(line))
    return begins
