"""What models do to a file that they write as a whole, and what must come of it."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from msgspec import Struct

from .drifts import DOTS, Case
from .pairs import Pair

LEAST = 4
"""Lines that dots are written for."""


class Whole(Struct, frozen=True):
    """`said`: the file as the model writes it; of `case` the hunks say nothing."""

    said: Sequence[str]
    case: Case
    around: tuple[str, str] = ("", "")
    """What stands before its path, and behind."""


def none(pair: Pair, _: random.Random) -> Whole:
    return Whole(pair.after, Case(pair.before, (), pair.after))


def windows_file(pair: Pair, _: random.Random) -> Whole:
    return Whole(pair.after, Case(pair.before, (), pair.after, newline="\r\n"))


def marked_file(pair: Pair, _: random.Random) -> Whole:
    return Whole(pair.after, Case(pair.before, (), pair.after, mark=b"\xef\xbb\xbf"))


def decorated_path(pair: Pair, chance: random.Random) -> Whole:
    before, behind = chance.choice((("**", "**"), ("`", "`:"), ("### File: ", ""), ("> ", "")))
    return Whole(pair.after, Case(pair.before, (), pair.after), (before, behind))


def already_applied(pair: Pair, _: random.Random) -> Whole:
    return Whole(pair.after, Case(pair.after, (), pair.after))


def dots_for_the_rest(pair: Pair, chance: random.Random) -> Whole | None:
    """Dots in the place of lines that the commit leaves alone: written as they are, those would be lost."""
    long = [number for number, gap in enumerate(pair.gaps) if sum(map(bool, map(str.strip, gap))) >= LEAST]
    if not long:
        return None
    number = chance.choice(long)
    gaps = (*pair.gaps[:number], (chance.choice(DOTS),), *pair.gaps[number + 1 :])
    return Whole(Pair(pair.path, gaps, pair.hunks).after, Case(pair.before, (), None))


WHOLES: tuple[Callable[[Pair, random.Random], Whole | None], ...] = (
    none, windows_file, marked_file, decorated_path, already_applied, dots_for_the_rest
)  # fmt: skip
