"""Which file that is new is one that went: by the same content, the same name, or the likeness that git measures."""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from collections.abc import Callable, Iterable
from stat import S_ISREG
from typing import NamedTuple

LEAST = 0.5
BY_NAME = 0.75
"""What files that alone have a name on either side need."""
MOST_PAIRS = 50_000
"""Pairs that are measured; of more only those of the same content or name are found."""
CANDIDATES = 4
_SPAN = re.compile(rb"[^\n]{64}|[^\n]{0,63}\n|[^\n]+")


class Leaf(NamedTuple):
    """A file of one side: its mode, the name of its content, and where in the folder that is read, if it is."""

    mode: int
    id: bytes
    place: bytes | None = None


class Pair(NamedTuple):
    """A file on both sides; None: not there. `origin` and `likeness` (a share) of a renamed one."""

    path: bytes
    old: Leaf | None
    new: Leaf | None
    origin: bytes | None = None
    likeness: float = 1.0


Read = Callable[[Leaf], bytes]


def with_renames(pairs: Iterable[Pair], read: Read) -> list[Pair]:
    """The same, sorted by path, with one pair of each two that are a rename."""
    given = sorted(pairs, key=lambda pair: pair.path)
    gone = {pair.path: pair.old for pair in given if pair.old and not pair.new}
    made = {pair.path: pair.new for pair in given if pair.new and not pair.old}
    if not gone or not made:
        return given
    found = _same(gone, made)
    left = _without(gone, (origin for origin, _ in found.values()))
    new = _without(made, found)
    likeness = _Likeness(read)
    found |= _named(left, new, likeness)
    left, new = _without(left, (origin for origin, _ in found.values())), _without(new, found)
    if len(left) * len(new) <= MOST_PAIRS:
        found |= _like(left, new, likeness)
    origins = {origin for origin, _ in found.values()}
    told = []
    for pair in given:
        if pair.path in found and pair.new and not pair.old:
            origin, score = found[pair.path]
            told.append(Pair(pair.path, gone[origin], pair.new, origin, score))
        elif not (pair.path in origins and pair.old and not pair.new):
            told.append(pair)
    return told


Leaves = dict[bytes, Leaf]
Found = dict[bytes, tuple[bytes, float]]
"""By the new path: the old one, and how like they are."""


def _without(leaves: Leaves, paths: Iterable[bytes]) -> Leaves:
    drop = set(paths)
    return {path: leaf for path, leaf in leaves.items() if path not in drop}


def _same(gone: Leaves, made: Leaves) -> Found:
    by_id: dict[bytes, list[bytes]] = {}
    for path, leaf in gone.items():
        by_id.setdefault(leaf.id, []).append(path)
    used: set[bytes] = set()
    found: Found = {}
    for path, leaf in made.items():
        best, best_score = None, -1
        for origin in by_id.get(leaf.id, ()):
            other = gone[origin].mode
            if origin in used or (not (S_ISREG(other) and S_ISREG(leaf.mode)) and other != leaf.mode):
                continue
            score = posixpath.basename(origin) == posixpath.basename(path)
            if score > best_score:
                best, best_score = origin, score
        if best is not None:
            used.add(best)
            found[path] = (best, 1.0)
    return found


class _Likeness:
    """Measures; of each file once."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._spans: dict[bytes, tuple[Counter[bytes], int]] = {}

    def of(self, old: Leaf, new: Leaf, least: float) -> float:
        """The share of bytes in spans, lines or 64 bytes, that both have; 0 where it must be less than `least`."""
        if not (S_ISREG(old.mode) and S_ISREG(new.mode)):
            return 0.0
        (old_spans, old_size), (new_spans, new_size) = self._of(old), self._of(new)
        largest = max(old_size, new_size)
        if not new_size or largest * (1 - least) < largest - min(old_size, new_size):
            return 0.0
        few, many = (old_spans, new_spans) if len(old_spans) < len(new_spans) else (new_spans, old_spans)
        copied = sum(min(count, many[span]) * len(span) for span, count in few.items() if span in many)
        return copied / largest

    def _of(self, leaf: Leaf) -> tuple[Counter[bytes], int]:
        if leaf.id not in self._spans:
            data = self._read(leaf)
            plain = data if b"\0" in data[:8000] else data.replace(b"\r\n", b"\n")
            self._spans[leaf.id] = (Counter(_SPAN.findall(plain)), len(data))
        return self._spans[leaf.id]


def _named(gone: Leaves, made: Leaves, likeness: _Likeness) -> Found:
    """Files that alone have their name on either side."""
    old, new = _by_name(gone), _by_name(made)
    found: Found = {}
    for name, path in new.items():
        origin = old.get(name)
        if path is None or origin is None:
            continue
        score = likeness.of(gone[origin], made[path], LEAST)
        if score >= BY_NAME:
            found[path] = (origin, score)
    return found


def _by_name(leaves: Leaves) -> dict[bytes, bytes | None]:
    """None: several have it."""
    found: dict[bytes, bytes | None] = {}
    for path in leaves:
        name = posixpath.basename(path)
        found[name] = None if name in found else path
    return found


def _like(gone: Leaves, made: Leaves, likeness: _Likeness) -> Found:
    """The likest first; each file at most once."""
    scored: list[tuple[float, bool, bytes, bytes]] = []
    for path, leaf in made.items():
        mine = [
            (score, posixpath.basename(origin) == posixpath.basename(path), path, origin)
            for origin, other in gone.items()
            if (score := likeness.of(other, leaf, LEAST)) >= LEAST
        ]
        scored += sorted(mine, key=_rank)[:CANDIDATES]
    found: Found = {}
    used: set[bytes] = set()
    for score, _, path, origin in sorted(scored, key=_rank):
        if path not in found and origin not in used:
            found[path] = (origin, score)
            used.add(origin)
    return found


def _rank(scored: tuple[float, bool, bytes, bytes]) -> tuple[float, bool]:
    return -scored[0], not scored[1]
