"""A witness stands beside a turn's steps: it keeps what a step may change, before that happens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from ..turn import Turn
    from .tool import Effect


@runtime_checkable
class Witness(Protocol):
    """One for each turn. What it raises is logged, and the turn goes on.

    `step` runs beside the model's call when a step begins, and is cancelled when the turn ends. `before` is waited for
    when a call whose effect is `write` or `execute` is allowed and about to run, at most BEFORE_SECONDS; of two such
    calls that come at once each waits. `leave` is waited for when the work of the turn is over, whatever came of it, at
    most LEAVE_SECONDS; the turn's end is written behind it, and what it emits before.
    """

    async def step(self, turn: Turn, /) -> None: ...

    async def before(self, turn: Turn, effect: Effect, /) -> None: ...

    async def leave(self, turn: Turn, /) -> None: ...


BEFORE_SECONDS = 120.0
LEAVE_SECONDS = 30.0
