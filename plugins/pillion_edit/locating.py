"""Where in a file the lines of a hunk stand: line by line, from exact to ever looser, and only where one place fits."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property

from msgspec import Struct

from .hunk import Hunk
from .likeness import Level, indent, key

SCOPES = 200
"""Lines that may look like a scope's head before it tells nothing."""


class Place(Struct, frozen=True):
    """The hunk's line `i` is the file's line `at[i]`; None: the file has none for it. `level` is how alike they are.

    `blurred` are lines of context that are not alike, or missing.
    """

    at: tuple[int | None, ...]
    level: Level
    blurred: int = 0

    @property
    def span(self) -> tuple[int, int]:
        """The first of its lines, and behind the last."""
        there = [number for number in self.at if number is not None]
        return (there[0], there[-1] + 1) if there else (0, 0)


class Ambiguous(Exception):
    """`starts` are the lines (from 0) where it fits."""

    def __init__(self, starts: Sequence[int]) -> None:
        super().__init__(f"{len(starts)} places")
        self.starts = list(starts)


class Index:
    """A file's lines and where each key occurs, made once for each level that is needed."""

    def __init__(self, lines: Sequence[str]) -> None:
        self.lines = lines
        self._keys: dict[Level, list[str]] = {}
        self._found: dict[Level, dict[str, list[int]]] = {}

    @cached_property
    def words(self) -> set[str]:
        """All that its lines hold."""
        return set(re.findall(r"\w+", "\n".join(self.lines)))

    def keys(self, level: Level) -> list[str]:
        if level not in self._keys:
            self._keys[level] = [key(line, level) for line in self.lines]
        return self._keys[level]

    def found(self, level: Level) -> dict[str, list[int]]:
        """By key, the lines that have it."""
        if level not in self._found:
            found: dict[str, list[int]] = {}
            for number, one in enumerate(self.keys(level)):
                found.setdefault(one, []).append(number)
            self._found[level] = found
        return self._found[level]

    def runs(self, wanted: Sequence[str], level: Level) -> list[int]:
        """Where all of `wanted` stands, one line after the other."""
        if not wanted:
            return []
        if level == Level.EXACT:
            return list(self._exact(tuple(wanted)))
        keys, found = self.keys(level), self.found(level)
        sought = [key(line, level) for line in wanted]
        rarest = min(range(len(sought)), key=lambda i: len(found.get(sought[i], ())))
        starts = (number - rarest for number in found.get(sought[rarest], ()))
        last = len(keys) - len(sought)
        return [start for start in starts if 0 <= start <= last and keys[start : start + len(sought)] == sought]

    def _exact(self, wanted: tuple[str, ...]) -> Iterator[int]:
        """To the letter: without a table of all lines."""
        longest = max(range(len(wanted)), key=lambda i: len(wanted[i]))
        last, at = len(self.lines) - len(wanted), longest
        while at <= last + longest:
            try:
                at = self.lines.index(wanted[longest], at, last + longest + 1)
            except ValueError:
                return
            if tuple(self.lines[at - longest : at - longest + len(wanted)]) == wanted:
                yield at - longest
            at += 1


def located(index: Index, hunk: Hunk, within: range) -> Place | None:
    """The one place of `hunk.old` that begins in `within`. None: it is nowhere. Raises Ambiguous."""
    for trimmed in (0, 1):
        before, after = _blank_edges(hunk) if trimmed else (0, 0)
        if trimmed and not (before or after):
            break
        old = hunk.old[before : len(hunk.old) - after]
        for level in Level:
            starts = _in_scope(index, hunk.scope, [start for start in index.runs(old, level) if start in within])
            if hunk.at_end:
                starts = [start for start in starts if start + len(old) == len(index.lines)] or starts
            if len(starts) > 1:
                raise Ambiguous(starts)
            if starts:
                there = range(starts[0], starts[0] + len(old))
                return Place((*(None,) * before, *there, *(None,) * after), level)
    return None


def scope_lines(index: Index, scope: Sequence[str], within: range) -> list[int]:
    """The lines that the innermost of `scope` may be."""
    if not scope:
        return []
    found = index.found(Level.SPACED).get(key(scope[-1], Level.SPACED), [])
    return [number for number in found[:SCOPES] if number in within and _scoped(index, scope[:-1], number)]


def _in_scope(index: Index, scope: Sequence[str], starts: list[int]) -> list[int]:
    """Those inside the scope; where none is, those behind its line; where nobody finds that, all."""
    if not scope or not starts:
        return starts
    inside = [start for start in starts if _scoped(index, scope, start)]
    heads = index.found(Level.SPACED).get(key(scope[-1], Level.SPACED), [])
    behind = [start for start in starts if start >= heads[0]] if len(heads) == 1 else []
    return inside or behind or starts


def _scoped(index: Index, scope: Sequence[str], line: int) -> bool:
    """Is `line` inside all of these? Heads are lines above it that are less indented than all between."""
    heads = {key(index.lines[number], Level.SPACED) for number in _heads(index.lines, line)}
    return all(key(head, Level.SPACED) in heads for head in scope)


def _heads(lines: Sequence[str], line: int) -> Iterable[int]:
    """The lines that `line` is inside of, by indentation, the nearest first; itself as well."""
    yield line
    width = _width(lines[line]) if lines[line].strip() else 10_000
    for number in range(line - 1, -1, -1):
        if lines[number].strip() and _width(lines[number]) < width:
            yield number
            width = _width(lines[number])


def _width(line: str) -> int:
    return len(indent(line).expandtabs(4))


def _blank_edges(hunk: Hunk) -> tuple[int, int]:
    """Blank lines that `old` and `new` both begin with, and end with, where nothing is changed beside them."""
    return _blank(hunk.old, hunk.new), _blank(hunk.old[::-1], hunk.new[::-1])


def _blank(old: Sequence[str], new: Sequence[str]) -> int:
    count = 0
    while count < min(len(old), len(new)) - 1 and not old[count].strip() and not new[count].strip():
        count += 1
    return count if old and new and old[count] == new[count] else 0
