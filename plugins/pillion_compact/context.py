"""What the model is told of the form in which decisions are kept."""

from __future__ import annotations

from collections.abc import Sequence

from pillion import ContextPart, Turn

TITLE = "Decisions"
TEXT = (
    "This conversation is made shorter when it becomes long. What you or the user have settled and must not get lost, "
    "say in a line of its own, `Decision(key): what was settled`: of each key the newest such line stays."
)
WEIGHT = 0.5
"""Lighter than what says something of the work."""


class FormContext:
    """A sentence about `Decision(key): …`."""

    async def contribute(self, turn: Turn, budget: int) -> Sequence[ContextPart]:
        return [ContextPart(TITLE, TEXT, WEIGHT)]
