"""A file cut into pieces at syntax: put together they are the file, byte for byte."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from tree_sitter import Node, Tree

from .lines import Lines, Span

LARGEST = 2500
"""Bytes of neighbours that are packed together."""
SMALLEST = 100
"""Characters that are no space; a piece with no more is joined to the next one."""
SHORTEST = 100
"""The same, for the last piece, which is joined to the one before."""
PLAIN, BARE = 30, 50
"""Lines of a piece where no grammar is known: of a file with an extension, and of one without."""


_SPACES = re.compile(rb"[ \t\r\f\v]*")


def chunks(data: bytes, tree: Tree) -> list[Span]:
    """Children of a node are packed as long as they have LARGEST bytes; a larger one is cut the same way within.

    A border is where a node begins, or the line that it begins, with the comments before it. Within a leaf that is
    larger it is a line.
    """
    lines = Lines(data)
    borders = sorted({0, *_borders(tree.root_node, data, lines)} - {len(data)}) or [0]
    return [lines.span(start, end) for start, end in _joined(data, borders) if end > start]


def windows(data: bytes, count: int) -> list[Span]:
    """Pieces of `count` lines each."""
    lines = Lines(data)
    last = lines.line(len(data))
    starts = [lines.start(number) for number in range(1, last + 1, count)]
    pairs = zip(starts, [*starts[1:], len(data)], strict=True)
    return [lines.span(start, end) for start, end in pairs if end > start]


def _borders(root: Node, data: bytes, lines: Lines) -> Iterator[int]:
    """Where pieces begin, before small ones are joined."""
    rest: list[tuple[Sequence[Node], int]] = [([root], 0)]
    while rest:
        nodes, at = rest.pop()
        size = 0
        held = -1
        while at < len(nodes):
            node = nodes[at]
            length = node.end_byte - node.start_byte
            if length > LARGEST:
                yield _begin(node.start_byte if held < 0 else held, data, lines)
                yield from [] if node.child_count else _cut(node, lines)
                yield _end(node.end_byte, data)
                if node.child_count:
                    rest += [(nodes, at + 1), (node.children, 0)]
                    break
                size, held = 0, -1
            elif "comment" in node.type:
                held = node.start_byte if held < 0 else held
                size += length
            else:
                if size + length > LARGEST:
                    yield _begin(node.start_byte if held < 0 else held, data, lines)
                    size = 0
                size, held = size + length, -1
            at += 1


def _cut(leaf: Node, lines: Lines) -> Iterator[int]:
    """The lines at which a leaf is cut that is larger than a piece may be."""
    begin = leaf.start_byte
    for number in range(lines.line(leaf.start_byte) + 1, lines.line(leaf.end_byte) + 1):
        if lines.start(number + 1) - begin > LARGEST and lines.start(number) > begin:
            begin = lines.start(number)
            yield begin


def _begin(byte: int, data: bytes, lines: Lines) -> int:
    """The line's start, where only spaces stand before."""
    line = lines.start(lines.line(byte))
    spaces = _SPACES.match(data, line)
    return line if spaces is not None and spaces.end() >= byte else byte


def _end(byte: int, data: bytes) -> int:
    """Behind the line's end, where only spaces follow."""
    spaces = _SPACES.match(data, byte)
    end = spaces.end() if spaces is not None else byte
    return min(end + 1, len(data)) if data[end : end + 1] in (b"", b"\n") else byte


def _joined(data: bytes, borders: Sequence[int]) -> list[tuple[int, int]]:
    pieces: list[tuple[int, int]] = []
    start = 0
    for end in [*borders[1:], len(data)]:
        if _dense(data[start:end]) > SMALLEST or end == len(data):
            pieces.append((start, end))
            start = end
    if len(pieces) > 1 and _dense(data[pieces[-1][0] :]) <= SHORTEST:
        pieces[-2:] = [(pieces[-2][0], pieces[-1][1])]
    return pieces


def _dense(data: bytes) -> int:
    return len(b"".join(data.split()))
