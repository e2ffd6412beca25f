"""What two texts differ in, as one range of whole lines and what stands there instead."""

from __future__ import annotations

from typing import Any

from msgspec import Struct, to_builtins

from .asked import Position, Range


class Change(Struct, frozen=True):
    """`range` goes from a line's beginning to the end of the same or another one."""

    range: Range
    text: str

    @property
    def place(self) -> Any:
        """The range, as it crosses."""
        return to_builtins(self.range)

    def again(self) -> Change:
        """The same text in the place of itself, once it stands there."""
        first, lines = self.range.start_position, self.text.split("\n")
        end = Position(first.line + len(lines) - 1, _units(lines[-1]), first.byte_offset + len(self.text.encode()))
        return Change(Range(first, end), self.text)


def change(before: str, after: str) -> Change:
    """What makes `after` of `before`, whose line ends are line feeds."""
    old, new = before.split("\n"), after.split("\n")
    shorter = min(len(old), len(new))
    head = next((n for n in range(shorter) if old[n] != new[n]), shorter)
    tail = next((n for n in range(shorter - head) if old[-1 - n] != new[-1 - n]), shorter - head)
    if head + tail == shorter:  # lines come or go: a line beside them takes part
        head, tail = (head - 1, tail) if head else (head, tail - 1)
    gone, come = old[head : len(old) - tail], new[head : len(new) - tail]
    above = sum(len(line.encode()) + 1 for line in old[:head])
    last = head + len(gone) - 1
    end = Position(last, _units(gone[-1]), above + len("\n".join(gone).encode()))
    return Change(Range(Position(head, 0, above), end), "\n".join(come))


def _units(line: str) -> int:
    """Editors count UTF-16."""
    return len(line.encode("utf-16-le")) // 2
