"""A turn's witnesses: when each of them sees it. What one raises is logged, and the turn goes on."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import trio

from .contracts.tool import Effect
from .contracts.witness import BEFORE_SECONDS, LEAVE_SECONDS, Witness
from .window import FATAL

if TYPE_CHECKING:
    from .turn import Turn


class Witnesses:
    """All those of one turn, which they do not keep: it would hold its session in memory until a collection."""

    def __init__(self, all: Sequence[Witness]) -> None:
        self._all = all

    def step(self, turn: Turn) -> None:
        """A step begins: they see it beside the model's call."""
        for witness in self._all:
            turn.nursery.start_soon(_witnessed, turn, witness.step(turn))

    async def before(self, turn: Turn, effect: Effect) -> None:
        """A call of that effect is about to run: they keep first what it may change."""
        if effect in ("write", "execute"):
            for witness in self._all:
                with trio.move_on_after(BEFORE_SECONDS) as late:
                    await _witnessed(turn, witness.before(turn, effect))
                if late.cancelled_caught:
                    turn.kernel.log.error("The witness %s was not ready in time", witness)

    async def leave(self, turn: Turn) -> None:
        """The turn's work is over: they see what came of it."""
        for witness in self._all:
            with trio.move_on_after(LEAVE_SECONDS, shield=True), suppress(*FATAL):  # its end is tried again
                await _witnessed(turn, witness.leave(turn))


async def _witnessed(turn: Turn, seeing: Awaitable[None]) -> None:
    try:
        await seeing
    except FATAL:
        raise
    except Exception as error:  # a plugin's fault is its own
        turn.kernel.log.error("A witness failed", exc_info=error)
