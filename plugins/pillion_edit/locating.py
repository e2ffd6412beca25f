"""Where in a file the lines of a hunk stand: line by line, from exact to ever looser, and only where one place fits."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import pairwise

from msgspec import Struct

from .hunk import Hunk
from .likeness import Level, key
from .scopes import MOST, heads_of, is_in_scope, width

BOTH_QUOTES = (
    ".py",
    ".pyi",
    ".js",
    ".jsx",
    ".mjs",
    ".ts",
    ".tsx",
    ".css",
    ".scss",
    ".html",
    ".vue",
    ".toml",
    ".yaml",
    ".yml",
)
"""Files in whose language either quotes say the same."""
FEW = 3
"""Of so many lines one may stand elsewhere by chance."""
TEMPLATES = (".js", ".jsx", ".mjs", ".ts", ".tsx", ".vue", ".go")
"""Files in which a text of several lines stands between backticks."""


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

    def __init__(self, lines: Sequence[str], path: str = "") -> None:
        self.lines, self.path = lines, path
        self.levels = [level for level in Level if level < Level.QUOTED or path.endswith(BOTH_QUOTES)]
        """How much lines may differ."""
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
        for level in index.levels:
            starts = [start for start in index.runs(old, level) if start in within]
            if len(starts) > MOST and hunk.scope:
                raise Ambiguous(starts)
            starts = [start for start in starts if is_meant(index, hunk, start, start + len(old))]
            if level >= Level.INDENTED:
                starts = [start for start in starts if fits(index, old, range(start, start + len(old)))]
            if len(starts) > 1:
                raise Ambiguous(starts)
            if starts:
                there = range(starts[0], starts[0] + len(old))
                return Place((*(None,) * before, *there, *(None,) * after), level)
    return None


def is_meant(index: Index, hunk: Hunk, start: int, end: int) -> bool:
    """Are the lines from `start` to before `end` in the hunk's scope, at the file's end if it is, and not above what it
    is behind?"""
    if hunk.behind:
        heads = [number for number, line in enumerate(index.lines) if line.startswith(hunk.behind)]
        if len(heads) == 1 and end <= heads[0]:
            return False
    at_end = not hunk.at_end or not any(line.strip() for line in index.lines[end:])
    return at_end and any(is_in_scope(index.lines, hunk.scope, line) for line in {start, end - 1})


def fits(index: Index, old: Sequence[str], at: Sequence[int | None]) -> bool:
    """Is what was deeper in `old` deeper where it was found, what was as deep as deep, and each line inside the same?

    And if all is at another depth: may it not have been written for another place, with this depth?
    """
    lines = index.lines
    found = [(line, there) for line, there in zip(old, at, strict=True) if there is not None and line.strip()]
    moved = {width(line): width(lines[there]) for line, there in found}
    order = [moved[one] for one in sorted(moved)]
    if any(moved[width(line)] != width(lines[there]) for line, there in found) or order != sorted(set(order)):
        return False
    if any(one != there for one, there in moved.items()) and _is_elsewhere(index, old, [there for _, there in found]):
        return False
    if all(behind == before + 1 for before, behind in pairwise(at) if before is not None and behind is not None):
        return True
    return all(_is_inside(index, old, at, number) for number in range(len(old)))


def _is_inside(index: Index, old: Sequence[str], at: Sequence[int | None], number: int) -> bool:
    """Is the line still inside that which it is inside of in `old`?"""
    line, there = old[number], at[number]
    above = (i for i in range(number - 1, -1, -1) if old[i].strip() and width(old[i]) < width(line))
    head = next(above, None) if line.strip() and there is not None else None
    place = None if head is None else at[head]
    return head is None or there is None or (place is not None and place in heads_of(index.lines, there))


def _is_elsewhere(index: Index, old: Sequence[str], at: Sequence[int]) -> bool:
    """Do several lines of `old` stand elsewhere at the depth that they have there? Is the place in a string, or
    deeper than `old`, which has a depth that the file has, too?"""
    lines, said = index.lines, [line for line in old if sum(map(str.isalnum, line)) > 2]
    sought, here = {line.rstrip() for line in said}, {*at}
    stand = {line.rstrip() for number, line in enumerate(lines) if number not in here} & sought
    if len(stand) * FEW >= len(sought) > 0:
        return True
    above = "\n".join(lines[: at[0]])
    if any(above.count(quotes) % 2 for quotes in ('"""', "'''", *("`" if index.path.endswith(TEMPLATES) else ""))):
        return True
    least = min(width(line) for line in old if line.strip())
    deeper = min(width(lines[number]) for number in at) > least > 0
    return deeper and any(line.strip() and width(line) == least for line in lines)


def _blank_edges(hunk: Hunk) -> tuple[int, int]:
    """Blank lines that `old` and `new` both begin with, and end with, where nothing is changed beside them."""
    return _blank(hunk.old, hunk.new), _blank(hunk.old[::-1], hunk.new[::-1])


def _blank(old: Sequence[str], new: Sequence[str]) -> int:
    count = 0
    while count < min(len(old), len(new)) - 1 and not old[count].strip() and not new[count].strip():
        count += 1
    return count if old and new and old[count] == new[count] else 0
