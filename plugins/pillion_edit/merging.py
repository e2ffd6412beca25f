"""A new line for one that a hunk has a bit otherwise than the file: what is not meant to change stays the file's."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from typing import NamedTuple

_TOKEN = re.compile(r"(\s*)(\.{3}|\w+|[^\w\s])")
ALIKE = 0.5
"""Lines that share less are not one line, changed."""


class _Tokens(NamedTuple):
    spaces: list[str]
    words: list[str]
    trailing: str


def alike(old: str, new: str) -> bool:
    """May `new` be `old`, changed?"""
    old, new = old.strip(), new.strip()
    ends = _alike(old, new) + _alike(old[::-1], new[::-1])
    if 2 * min(ends, len(old), len(new)) > ALIKE * (len(old) + len(new)):
        return True  # most of both, quickly
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    return matcher.real_quick_ratio() > ALIKE and matcher.quick_ratio() > ALIKE and matcher.ratio() > ALIKE


def _alike(one: str, other: str) -> int:
    """How many characters both begin with."""
    pairs = zip(one, other, strict=False)
    return next((at for at, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))


def merged(old: str, there: str, new: str) -> str | None:
    """`new` in the place of the file's line `there`, which the hunk has as `old`. None: they can't be told apart.

    Where `new` has white space and quotes as `old` has them, they become those of `there`; where it has them
    otherwise, it means to.
    """
    before, file, after = _tokens(old), _tokens(there), _tokens(new)
    quotes = [{word for word in tokens.words if word in "'\"`"} for tokens in (file, after)]
    if len(before.words) != len(file.words) or (before.words != file.words and max(map(len, quotes)) > 1):
        return None
    came: dict[int, int] = {}
    for mine, theirs, size in SequenceMatcher(None, before.words, after.words, autojunk=False).get_matching_blocks():
        came |= {theirs + step: mine + step for step in range(size)}
    out = []
    for place, word in enumerate(after.words):
        origin = came.get(place)
        space = after.spaces[place]
        if origin is not None:
            word = file.words[origin]
            followed = origin == 0 if place == 0 else came.get(place - 1) == origin - 1
            if followed and space == before.spaces[origin]:
                space = file.spaces[origin]
        elif place and place - 1 in came:
            beside = came[place - 1] + 1
            if before.spaces[beside : beside + 1] == [space] and file.spaces[beside] != space:
                return None  # it may be the hunk's way to write, or meant
        out += [space, word]
    trailing = file.trailing if after.trailing == before.trailing else after.trailing
    return "".join(out) + trailing


def _tokens(line: str) -> _Tokens:
    found = _TOKEN.findall(line)
    rest = line[len(line.rstrip()) :]
    return _Tokens([space for space, _ in found], [word for _, word in found], rest)
