"""A hunk whose context is not what the file has any more: its changed lines must be, and most of the others.

The file's lines stay where context differs. Nothing is taken that could be meant for somewhere else.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence, Set
from difflib import SequenceMatcher

from .hunk import Hunk
from .likeness import Level, indent, key
from .locating import Ambiguous, Index, Place
from .merging import renamed

COMMON = 50
"""Lines that occur more often say nothing about where a hunk is."""
SLACK = 3
"""Lines that may have come between, or gone."""
LONGEST = 400
"""Lines of a hunk that is looked for in this way."""
TRIED = 12
"""Beginnings that are looked at, those for which most lines speak."""
KEPT = 0.65
"""The share of the lines with words that must be there as they are."""
RIVAL = 0.8
"""Another place that has this share of what the best has makes it ambiguous."""
_WORD = re.compile(r"\w+")

At = list[int | None]


def aligned(index: Index, hunk: Hunk, within: range) -> Place | None:
    """The one place where the hunk's changed lines stand, in most of its context. Raises Ambiguous."""
    if not 2 <= len(hunk.old) <= LONGEST:
        return None
    seen: list[tuple[float, set[int]]] = []
    held: list[tuple[float, Place, set[int]]] = []
    for exact in _candidates(index, hunk, within):
        share = _weight(hunk, exact) / max(_weight(hunk, range(len(hunk.old))), 0.1)
        there = {number for number in exact if number is not None}
        seen.append((share, there))
        at = _filled(index, hunk, exact)
        blurred = [number for number, line in enumerate(exact) if line is None]
        elsewhere = any(_elsewhere(index, hunk.old[one]) for one in blurred)
        if share >= KEPT and _holds(hunk, exact, at) and not elsewhere and _inside(index, hunk, exact, at):
            held.append((share, Place(tuple(at), Level.QUOTED, len(blurred)), there))
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


def _filled(index: Index, hunk: Hunk, exact: At) -> At:
    """Lines in which something was renamed take the file's lines beside their neighbours."""
    at = list(exact)
    for order in (range(len(at)), range(len(at) - 1, -1, -1)):
        step = order.step
        for number in order:
            before = at[number - step] if 0 <= number - step < len(at) else None
            if at[number] is None and before is not None and 0 <= before + step < len(index.lines):
                there = before + step
                gone = renamed(hunk.old[number], index.lines[there]) if there not in at else None
                if gone and not gone & index.words:  # where the old name is still used, another place may be meant
                    at[number] = there
    return at


def _holds(hunk: Hunk, exact: At, at: At) -> bool:
    """Are changed lines as the hunk has them, and are their neighbours, up to one with words, still beside them?

    Of the lines with words before all that is changed one must be there as it is, and of those behind it."""
    if at[0] is None or at[-1] is None:
        return False
    changes = SequenceMatcher(None, hunk.old, hunk.new, autojunk=False).get_opcodes()
    for side in (changes[0], changes[-1]):
        words = [number for number in range(side[1], side[2]) if side[0] == "equal" and _says(hunk.old[number])]
        if words and all(exact[number] is None for number in words):
            return False
    for kind, first, last, *_ in changes:
        if kind == "equal":
            continue
        begin, end = _reach(hunk.old, first, -1), _reach(hunk.old, last - 1, 1) + 1
        there = [number for number in at[begin:end] if number is not None]
        if None in exact[first:last] or len(there) < end - begin or there[-1] - there[0] + 1 != end - begin:
            return False
    return True


def _inside(index: Index, hunk: Hunk, exact: At, at: At) -> bool:
    """Is what is changed still inside what the hunk names? A line above it, less indented, that lacks a word of the
    hunk's is the head of something else, or of the same under another name: nobody can tell."""
    changes = SequenceMatcher(None, hunk.old, hunk.new, autojunk=False).get_opcodes()
    for kind, first, last, *_ in changes:
        if kind == "equal":
            continue
        width = min((_width(line) for line in hunk.old[first : max(last, first + 1)] if line.strip()), default=0)
        for number in range(first - 1, -1, -1):
            there, line = at[number], hunk.old[number]
            if not _says(line) or _width(line) >= width:
                continue
            width = _width(line)
            if exact[number] is None and (
                there is None or set(_WORD.findall(line)) - set(_WORD.findall(index.lines[there]))
            ):
                return False
    return True


def _width(line: str) -> int:
    return len(indent(line).expandtabs(4))


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


def _elsewhere(index: Index, line: str) -> bool:
    """Does a line that is missing here stand somewhere else? Then that may be the place that was meant."""
    return _says(line) and key(line, Level.SPACED) in index.found(Level.SPACED)


def _says(line: str) -> bool:
    return sum(map(str.isalnum, line)) > 2
