"""Whether a rule's words speak of a command."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Literal

from .line import Command
from .programs import ASSIGNMENT
from .words import Word

_VALUED = frozenset(["-C", "-c", "--git-dir", "--work-tree", "--namespace", "--exec-path", "--config-env"])
"""Options of git that come before its own commands and take a value."""


def begins_with(words: Sequence[Word], prefix: Sequence[str]) -> bool:
    """Just these words, one by one."""
    return (
        0 < len(prefix) <= len(words)
        and all(each.sure for each in words[: len(prefix)])
        and [each.text for each in words[: len(prefix)]] == list(prefix)
    )


def speaks_of(command: Command, prefix: Sequence[str]) -> Literal["yes", "maybe", "no"]:
    """For rules that forbid: also by a path, behind variables, with its options elsewhere or in other company."""
    found: Literal["maybe", "no"] = "no"
    for words in _readings(command.words):
        if begins_with(words, prefix) or _all_there(words, prefix):
            return "yes"
        if words and _may_become(words, prefix):
            found = "maybe"
    return found


def _readings(words: Sequence[Word]) -> Iterator[Sequence[Word]]:
    yield words
    start = next((at for at, each in enumerate(words) if not ASSIGNMENT.match(each.text)), len(words))
    rest = words[start:]
    if not rest:
        return
    name = rest[0].text.rpartition("/")[2] if rest[0].sure else rest[0].text
    rest = [Word(name, rest[0].sure, rest[0].option), *rest[1:]]
    yield rest
    if name == "git":
        at = 1
        while at < len(rest) and rest[at].text.startswith("-"):
            at += 2 if rest[at].text in _VALUED else 1
        yield [rest[0], *rest[at:]]


def _all_there(words: Sequence[Word], prefix: Sequence[str]) -> bool:
    """The same program and operands, and each option of `prefix` somewhere."""
    if not words or not prefix or not words[0].sure or words[0].text != prefix[0]:
        return False
    operands = [each.text for each in words if each.sure and not each.text.startswith("-")]
    wanted = [each for each in prefix if not each.startswith("-")]
    if operands[: len(wanted)] != wanted:
        return False
    letters, longs = _options([each.text for each in words if each.sure])
    needed, needed_longs = _options(prefix)
    return needed <= letters and needed_longs <= longs


def _options(words: Sequence[str]) -> tuple[set[str], set[str]]:
    clusters = [each for each in words if re.fullmatch(r"-[A-Za-z0-9]+", each)]
    return {letter for each in clusters for letter in each[1:]}, {each for each in words if each.startswith("--")}


def _may_become(words: Sequence[Word], prefix: Sequence[str]) -> bool:
    """Whether it may begin so, by what is not known of it."""
    if not words[0].sure:
        return True
    unsure = next((at for at, each in enumerate(words) if not each.sure), len(words))
    if words[0].text != prefix[0] or len(prefix) == 1 or unsure == len(words):
        return False
    operands = [each.text for each in words[1:unsure] if not each.text.startswith("-")]
    wanted = [each for each in prefix[1:] if not each.startswith("-")]
    return all(had == want for had, want in zip(operands, wanted, strict=False))
