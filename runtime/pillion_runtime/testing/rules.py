"""Ready programs: the first rule that matches, and a list of replies."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from .asked import Asked
from .script import Reply

Program = Callable[[Asked], Reply]


class NoRule(AssertionError):
    """Nothing was scripted for what the client asked."""


class Rule(Struct, frozen=True):
    """When `when` holds of a request, it gets `reply`. `times`: how often at most; None: always."""

    when: Callable[[Asked], bool]
    reply: Reply | Program
    times: int | None = None


def rules(*given: Rule) -> Program:
    """A program in which the first rule that matches and is not used up answers. NoRule when there is none."""
    left = [rule.times for rule in given]

    def program(asked: Asked) -> Reply:
        for at, rule in enumerate(given):
            times = left[at]
            if times == 0 or not rule.when(asked):
                continue
            left[at] = times - 1 if times is not None else None
            return rule.reply if isinstance(rule.reply, Reply) else rule.reply(asked)
        raise NoRule(f"No rule for request {asked.number}: {asked.prompt[:200]!r}, results {asked.results!r}")

    return program


def replies(*given: Reply) -> Program:
    """A program that gives these replies in order, and the last one from then on."""
    rest = list(given)

    def program(asked: Asked) -> Reply:
        return rest.pop(0) if len(rest) > 1 else rest[0]

    return program
