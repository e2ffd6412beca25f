"""Where the lines of a text begin: bytes to lines and back."""

from __future__ import annotations

import re
from bisect import bisect_right

from msgspec import Struct

_END = re.compile(rb"\n")


class Span(Struct, frozen=True):
    """A piece of a text: its bytes from `start` to before `end`; and its lines from `first` to `last`, from 1."""

    start: int
    end: int
    first: int
    last: int

    def holds(self, other: Span) -> bool:
        return self.start <= other.start and other.end <= self.end


class Lines:
    """Those of one text, which end with a line feed."""

    def __init__(self, data: bytes) -> None:
        self._starts = [0, *(match.end() for match in _END.finditer(data))]
        self._size = len(data)

    def line(self, byte: int) -> int:
        """The line that this byte stands in, from 1."""
        return bisect_right(self._starts, byte)

    def start(self, line: int) -> int:
        """The first byte of that line; the end of the text, behind the last one."""
        return self._starts[line - 1] if line <= len(self._starts) else self._size

    def span(self, start: int, end: int) -> Span:
        return Span(start, end, self.line(start), self.line(max(start, end - 1)))
