"""A hunk between whose lines others have come: all that it names must be there, and what it changes together.

The file's lines stay where they came between. Nothing is taken that could be meant for somewhere else: a line of
context that has another name is no evidence of a rename, it may as well be that of a sibling.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence, Set
from difflib import SequenceMatcher
from itertools import pairwise

from .hunk import Hunk
from .likeness import Level, key
from .locating import Ambiguous, Index, Place, fits, is_meant
from .scopes import width

COMMON = 50
"""Lines that occur more often say nothing about where a hunk is."""
SLACK = 3
"""Lines that may have come between, or gone."""
LONGEST = 400
"""Lines of a hunk that is looked for in this way."""
TRIED = 12
"""Beginnings that are looked at, those for which most lines speak."""
RIVAL = 0.8
"""Another place that has this share of what the best has makes it ambiguous."""
_HEAD = re.compile(r"^[\[#<@=]|[:{(\[]$")
"""What most heads begin or end with."""

At = list[int | None]


def aligned(index: Index, hunk: Hunk, within: range) -> Place | None:
    """The one place where the hunk's lines stand, though others may have come between. Raises Ambiguous."""
    if not 2 <= len(hunk.old) <= LONGEST:
        return None
    seen: list[tuple[float, set[int]]] = []
    held: list[tuple[float, Place, set[int]]] = []
    for exact in _candidates(index, hunk, within):
        share = _weight(hunk, exact) / max(_weight(hunk, range(len(hunk.old))), 0.1)
        there = {number for number in exact if number is not None}
        seen.append((share, there))
        if _holds(hunk, exact) and _same_head(index, hunk, exact) and fits(index, hunk.old, exact):
            blurred = sum(line is None for line in exact)
            place = Place(tuple(exact), Level.QUOTED, blurred)
            if is_meant(index, hunk, *place.span):
                held.append((share, place, there))
    if not held:
        return None
    best, place, lines = max(held, key=lambda one: one[0])
    rivals = {min(there) for share, there in seen if share >= best * RIVAL and not there & lines}
    if rivals:  # also one where the hunk does not hold: it may have been meant, before somebody changed it
        raise Ambiguous([place.span[0], *rivals])
    return place


def _candidates(index: Index, hunk: Hunk, within: range) -> Iterator[At]:
    """For each beginning the lines about it, then those that are left when these are meant for something else."""
    for start, _ in _votes(index, hunk, within).most_common(TRIED):
        exact = _near(index, hunk, start)
        yield exact
        yield _near(index, hunk, start, {number for number in exact if number is not None})


def _votes(index: Index, hunk: Hunk, within: range) -> Counter[int]:
    """How many lines of the hunk speak for each beginning."""
    found, votes = index.found(Level.TYPOGRAPHIC), Counter[int]()
    for number, line in enumerate(hunk.old):
        there = found.get(key(line, Level.TYPOGRAPHIC), []) if line.strip() else []
        if len(there) <= COMMON:
            votes.update(line - number for line in there if line in within)
    return votes


def _near(index: Index, hunk: Hunk, start: int, taken: Set[int] = frozenset()) -> At:
    """The file's line for each line of the hunk that it has, looked for about `start`, none of those `taken`."""
    first = max(0, start - SLACK)
    keys: list[str | None] = [*index.keys(Level.TYPOGRAPHIC)[first : max(0, start + len(hunk.old) + SLACK)]]
    for number in taken:
        keys[number - first] = None
    sought = [key(line, Level.TYPOGRAPHIC) for line in hunk.old]
    at: At = [None] * len(sought)
    for mine, theirs, size in SequenceMatcher(None, sought, keys, autojunk=False).get_matching_blocks():
        for step in range(size):
            at[mine + step] = first + theirs + step
    return at


def _holds(hunk: Hunk, at: At) -> bool:
    """Is each line with words there, and are the neighbours of what changes, up to one with words, still beside it?"""
    if at[0] is None or at[-1] is None or any(there is None and _says(hunk.old[i]) for i, there in enumerate(at)):
        return False
    for kind, first, last, *_ in SequenceMatcher(None, hunk.old, hunk.new, autojunk=False).get_opcodes():
        if kind == "equal":
            continue
        begin, end = _reach(hunk.old, first, -1), _reach(hunk.old, last - 1, 1) + 1
        there = [number for number in at[begin:end] if number is not None]
        if None in at[first:last] or len(there) < end - begin or there[-1] - there[0] + 1 != end - begin:
            return False
    return True


def _same_head(index: Index, hunk: Hunk, at: At) -> bool:
    """Is none of the lines that came between the head of something else? Nobody can tell what all heads look like: such
    a line is not less deep than what follows it, and unlike the hunk's first one."""
    there = [number for number in at if number is not None]
    first = hunk.old[0].split()[:1]
    for before, behind in pairwise(there):
        for number in range(before + 1, behind):
            line = index.lines[number]
            follows = width(index.lines[behind]) if index.lines[behind].strip() else 0
            if line.strip() and (
                width(line) < follows
                or _HEAD.search(line.strip())
                or (first == line.split()[:1] and behind < there[-1])
            ):
                return False
    return True


def _reach(lines: Sequence[str], number: int, step: int) -> int:
    """The next line with words from `number`, or the last there is."""
    while 0 <= number + step < len(lines):
        number += step
        if _says(lines[number]):
            break
    return max(0, number)


def _weight(hunk: Hunk, at: Sequence[int | None]) -> float:
    """Of the lines that are there; one with words counts more than a bracket."""
    return sum(1.0 if _says(hunk.old[number]) else 0.1 for number, there in enumerate(at) if there is not None)


def _says(line: str) -> bool:
    return sum(map(str.isalnum, line)) > 2
