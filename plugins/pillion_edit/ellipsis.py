"""A hunk that leaves lines out: `...` stands for whatever is between the lines before and behind it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from .hunk import Hunk
from .locating import Index, Place, located

_LEFT_OUT = re.compile(
    r"""\s* (?: \# | // | /\* | -- | ; | % | <!-- | \{/\* )? \s*
        (?: \.{3} | … ) \s*
        (?: [\w ,'()-]* \b (?:existing|rest|remaining|unchanged|other|same|more|code|omitted|here) \b [\w ,'()-]* )?
        (?: \.{3} | … )? \s* (?: \*/ | --> | \*/\} )? \s*""",
    re.VERBOSE | re.IGNORECASE,
)


def parts(hunk: Hunk) -> list[Hunk] | None:
    """The hunk cut at its ellipses, each part with its old and new lines. None: it has none, or they don't pair."""
    old, new = _cut(hunk.old), _cut(hunk.new)
    if len(old) < 2 or len(old) != len(new):
        return None
    found = [Hunk(before, after, hunk.scope) for before, after in zip(old, new, strict=True) if before or after]
    return found if all(part.old for part in found) else None


def places(index: Index, cut: Sequence[Hunk], within: range) -> list[Place] | None:
    """The place of each part, one behind the other. Raises Ambiguous."""
    found: list[Place] = []
    for part in cut:
        place = located(index, part, within)
        if place is None:
            return None
        found.append(place)
        within = range(place.span[1], len(index.lines) + 1)
    return found


def _cut(lines: Sequence[str]) -> list[tuple[str, ...]]:
    cut: list[tuple[str, ...]] = []
    part: list[str] = []
    for line in lines:
        if line.strip() and _LEFT_OUT.fullmatch(line):
            cut.append(tuple(part))
            part = []
        else:
            part.append(line)
    return [*cut, tuple(part)]
