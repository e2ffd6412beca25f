"""Where a change is shown that could stand in several places, as git's diff decides it: beside one of the other side,
else where the indentation says that something begins."""

from __future__ import annotations

from collections.abc import Sequence

SLIDES = 100
BLANKS = 20
WIDEST = 200

Marks = bytearray
"""Of each line: is it without a partner? One more at the end, which is never set."""


class _Group:
    """Marked lines that stand together, maybe none, between two that are not."""

    def __init__(self, marks: Marks, names: Sequence[int] = ()) -> None:
        self._marks, self._names = marks, names
        self._size = len(marks) - 1
        self.start = self.end = 0
        self._grow()

    def _grow(self) -> None:
        while self._marks[self.end]:
            self.end += 1

    def next(self) -> bool:
        if self.end == self._size:
            return False
        self.start = self.end = self.end + 1
        self._grow()
        return True

    def previous(self) -> None:
        self.end = self.start = self.start - 1
        while self.start and self._marks[self.start - 1]:
            self.start -= 1

    def up(self) -> bool:
        """Slides it up by a line, if that reads the same."""
        if self.start == 0 or self._names[self.start - 1] != self._names[self.end - 1]:
            return False
        self.start, self.end = self.start - 1, self.end - 1
        self._marks[self.start], self._marks[self.end] = 1, 0
        while self.start and self._marks[self.start - 1]:
            self.start -= 1
        return True

    def down(self) -> bool:
        if self.end >= self._size or self._names[self.start] != self._names[self.end]:
            return False
        self._marks[self.start], self._marks[self.end] = 0, 1
        self.start, self.end = self.start + 1, self.end + 1
        self._grow()
        return True


def tidy(lines: Sequence[bytes], names: Sequence[int], marks: Marks, others: Marks) -> None:
    """Slides each group to where it reads best: beside one of the other side, else as its indentation says."""
    group, other = _Group(marks, names), _Group(others)
    while True:
        if group.end > group.start:
            _place(lines, group, other)
        if not group.next():
            return
        other.next()


def _place(lines: Sequence[bytes], group: _Group, other: _Group) -> None:
    while True:
        size = group.end - group.start
        matching = -1
        while group.up():
            other.previous()
        earliest = group.end
        if other.end > other.start:
            matching = group.end
        while group.down():
            other.next()
            if other.end > other.start:
                matching = group.end
        if size == group.end - group.start:
            break
    if group.end == earliest:
        return
    if matching != -1:
        while other.end == other.start:
            group.up()
            other.previous()
        return
    best, best_score = -1, (0, 0)
    for end in range(max(earliest, group.end - size - 1, group.end - SLIDES), group.end + 1):
        first, second = _score(lines, end), _score(lines, end - size)
        score = (first[0] + second[0], first[1] + second[1])
        if best == -1 or _is_no_worse(score, best_score):
            best, best_score = end, score
    while group.end > best:
        group.up()
        other.previous()


def _is_no_worse(score: tuple[int, int], than: tuple[int, int]) -> bool:
    deeper = (score[0] > than[0]) - (score[0] < than[0])
    return 60 * deeper + (score[1] - than[1]) <= 0


def _score(lines: Sequence[bytes], at: int) -> tuple[int, int]:
    """How bad it is to cut before this line: its depth, and a penalty."""
    last = at >= len(lines)
    indent = -1 if last else _indent(lines[at])
    before, blanks_before = _nearest(lines, range(at - 1, -1, -1))
    after, blanks_after = _nearest(lines, range(at + 1, len(lines)))
    penalty = 1 if before == -1 and not blanks_before else 0
    penalty += 21 if last else 0
    behind = 1 + blanks_after if indent == -1 else 0
    blanks = blanks_before + behind
    penalty += -30 * blanks + 6 * behind
    depth = after if indent == -1 else indent
    if depth == -1 or before == -1 or depth == before:
        return depth, penalty
    if depth > before:
        return depth, penalty + (10 if blanks else -4)
    if after != -1 and after > depth:
        return depth, penalty + (17 if blanks else 24)
    return depth, penalty + (17 if blanks else 23)


def _nearest(lines: Sequence[bytes], places: range) -> tuple[int, int]:
    """The indentation of the next line that is not blank, -1 for none, and the blank ones up to it."""
    blanks = 0
    for place in places:
        indent = _indent(lines[place])
        if indent != -1:
            return indent, blanks
        blanks += 1
        if blanks == BLANKS:
            return 0, blanks
    return -1, blanks


def _indent(line: bytes) -> int:
    """Columns; -1 of a blank line."""
    columns = 0
    for sign in line:
        if sign == 32:
            columns += 1
        elif sign == 9:
            columns += 8 - columns % 8
        elif sign not in b"\n\r\v\f":
            return columns
        if columns >= WIDEST:
            return WIDEST
    return -1
