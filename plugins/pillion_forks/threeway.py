"""Three texts made one: what two sides changed of what both began with. Works on lines, as bytes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

from msgspec import Struct

LONGEST = 20_000
"""Lines that are compared; of longer texts that both sides changed nobody can say what they share."""
MARKS = (b"<<<<<<<", b"=======", b">>>>>>>")


class Region(Struct, frozen=True):
    """Lines of one of the sides, or where they differ, of both; `agreed` is None then."""

    agreed: Sequence[bytes] | None
    ours: Sequence[bytes] = ()
    theirs: Sequence[bytes] = ()


class Merge(Struct, frozen=True):
    """`conflicts` counts the places where the sides differ, which stand in `text` with marks as git writes them."""

    text: bytes
    conflicts: int


def merge(base: bytes, ours: bytes, theirs: bytes, names: tuple[str, str]) -> Merge | None:
    """`names` are written behind the marks. None: no text, or too long."""
    if any(b"\0" in text[:8000] for text in (base, ours, theirs)):
        return None
    sides = [_lines(text) for text in (base, ours, theirs)]
    if max(map(len, sides)) > LONGEST:
        return None
    pieces: list[bytes] = []
    conflicts = 0
    for region in _regions(*sides):
        if region.agreed is not None:
            pieces += region.agreed
        else:
            conflicts += 1
            pieces += _marked(region, names)
    return Merge(b"".join(pieces), conflicts)


def _lines(text: bytes) -> list[bytes]:
    """Only a line feed ends one."""
    lines = [line + b"\n" for line in text.split(b"\n")]
    lines[-1] = lines[-1][:-1]
    return lines if lines[-1] else lines[:-1]


def _regions(base: Sequence[bytes], ours: Sequence[bytes], theirs: Sequence[bytes]) -> Iterator[Region]:
    """The whole, piece by piece: between lines that all three share, what one side alone has changed is taken."""
    at, our, their = 0, 0, 0
    for start, our_start, their_start, size in _shared(base, ours, theirs):
        yield from _between(base[at:start], ours[our:our_start], theirs[their:their_start])
        if size:
            yield Region(base[start : start + size])
        at, our, their = start + size, our_start + size, their_start + size


def _between(base: Sequence[bytes], ours: Sequence[bytes], theirs: Sequence[bytes]) -> Iterator[Region]:
    if ours == theirs or base == theirs:
        chosen: Sequence[bytes] | None = ours
    elif base == ours:
        chosen = theirs
    else:
        chosen = None
    if chosen is None:
        head = next((i for i, pair in enumerate(zip(ours, theirs, strict=False)) if pair[0] != pair[1]), None)
        head = min(len(ours), len(theirs)) if head is None else head
        tail = 0
        while tail < min(len(ours), len(theirs)) - head and ours[-1 - tail] == theirs[-1 - tail]:
            tail += 1
        yield Region(ours[:head])
        yield Region(None, ours[head : len(ours) - tail], theirs[head : len(theirs) - tail])
        yield Region(ours[len(ours) - tail :])
    elif chosen:
        yield Region(chosen)


def _shared(
    base: Sequence[bytes], ours: Sequence[bytes], theirs: Sequence[bytes]
) -> Iterator[tuple[int, int, int, int]]:
    """Where the three are the same: places in base, ours and theirs, and how many lines; at the end one of none."""
    mine, other = _matches(base, ours), _matches(base, theirs)
    i = j = 0
    while i < len(mine) and j < len(other):
        start = max(mine[i][0], other[j][0])
        end = min(mine[i][0] + mine[i][2], other[j][0] + other[j][2])
        if start < end:
            yield start, mine[i][1] + start - mine[i][0], other[j][1] + start - other[j][0], end - start
        if mine[i][0] + mine[i][2] < other[j][0] + other[j][2]:
            i += 1
        else:
            j += 1
    yield len(base), len(ours), len(theirs), 0


def _matches(base: Sequence[bytes], side: Sequence[bytes]) -> list[tuple[int, int, int]]:
    """Runs of equal lines. What both begin and end with is set aside first, since comparing is slow."""
    head, most = 0, min(len(base), len(side))
    while head < most and base[head] == side[head]:
        head += 1
    tail = 0
    while tail < most - head and base[-1 - tail] == side[-1 - tail]:
        tail += 1
    inner = SequenceMatcher(None, base[head : len(base) - tail], side[head : len(side) - tail], autojunk=False)
    found = [(0, 0, head)] if head else []
    found += [(m.a + head, m.b + head, m.size) for m in inner.get_matching_blocks() if m.size]
    return [*found, (len(base) - tail, len(side) - tail, tail)] if tail else found


def _marked(region: Region, names: tuple[str, str]) -> Iterator[bytes]:
    yield b"%b %b\n" % (MARKS[0], names[0].encode())
    yield from _closed(region.ours)
    yield b"%b\n" % MARKS[1]
    yield from _closed(region.theirs)
    yield b"%b %b\n" % (MARKS[2], names[1].encode())


def _closed(lines: Sequence[bytes]) -> Sequence[bytes]:
    """A mark begins a line of its own."""
    return lines if not lines or lines[-1].endswith(b"\n") else [*lines[:-1], lines[-1] + b"\n"]
