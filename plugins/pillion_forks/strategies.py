"""A turn that merges a fork, and asks no model."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from msgspec import Struct

from pillion import Turn
from pillion.contracts.forks import Preference

from .events import ForkMerged
from .forks import AllForks

NAMED = 50
"""Paths that the event names."""


class Order(Struct, frozen=True):
    """What the strategy is told."""

    fork: str
    prefer: Preference = ""


class MergeFork:
    """Brings into the session's workspace what a fork of it changed."""

    name = "merge"
    description = "Brings into the workspace what a fork of it changed."

    def __init__(self, forks: Callable[[], AllForks]) -> None:
        self._forks = forks

    async def run(self, turn: Turn) -> str | None:
        """Raises Conflict, NotFound, ToolError, which end the turn."""
        order = msgspec.json.decode(turn.prompt.arguments or "{}", type=Order)
        fork = self._forks().find(order.fork)
        merged = await self._forks().merge(turn, fork.id, order.prefer)
        await turn.emit(ForkMerged(fork.id, len(merged.written), merged.written[:NAMED], merged.left))
        return None
