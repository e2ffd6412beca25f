"""A turn's life: the strategy runs to its end, what it left open is closed, its end is written, its actor is told."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import TYPE_CHECKING

import trio

from . import events as e
from .errors import BudgetSpent, PillionError, StoreFailed
from .history import interruption
from .tags import put

if TYPE_CHECKING:
    from .actor import Actor
    from .turn import Turn

AGAIN = 1.0
"""Seconds until a turn's end is tried again that the store could not keep."""
HOLD_SECONDS = 5.0
"""A turn that writes nothing asks this often whether its session is still this process's."""
_log = logging.getLogger(__name__)


class TurnLife:
    """That of one turn. Run in its actor's nursery."""

    def __init__(self, actor: Actor, turn: Turn) -> None:
        self._actor, self._turn = actor, turn
        self._kernel = actor.session.kernel

    async def run(self) -> None:
        turn = self._turn
        put(turn=turn.id)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._watch)
            nursery.start_soon(self._hold)
            ending = await self._work()
            if not turn.detached:
                turn.closing = True
                await turn.witnesses.leave(turn)
                await self._finish(ending)
            nursery.cancel_scope.cancel()
        await self._over()

    async def _work(self) -> e.Event:
        """Runs the strategy to its end and says how it ended."""
        turn = self._turn
        reason: object = None
        try:
            with turn.scope:
                await turn.begin()
                async with trio.open_nursery() as nursery:
                    turn.nursery = nursery
                    reason = await turn.strategy.run(turn)
                    nursery.cancel_scope.cancel()
                if reason is None or reason in ("done", "question"):
                    async with trio.open_nursery() as turn.nursery:  # what the strategy began has ended
                        await turn.conclude()
                        turn.nursery.cancel_scope.cancel()
        except Exception as error:  # the end of a turn
            if not turn.stopping:
                return self._failure(first_error(error))
            _log.warning("A plugin failed while its turn was stopping", exc_info=error)
        usage, steps = turn.usage(), turn.steps
        if turn.stopping:
            return e.TurnCancelled(usage=usage)
        if turn.scope.cancelled_caught:
            return e.TurnFinished(reason="limit:seconds", steps=steps, usage=usage)
        if reason is not None and not isinstance(reason, str):
            message = f"The strategy {turn.strategy.name!r} returned a {type(reason).__name__}, which is no reason."
            return e.TurnFailed(code="nonsense", message=message, usage=usage)
        return e.TurnFinished(reason=reason or "done", steps=steps, usage=usage, answer=turn.answer)

    def _failure(self, error: BaseException) -> e.Event:
        turn, usage = self._turn, self._turn.usage()
        if isinstance(error, BudgetSpent):
            return e.TurnFinished(reason=f"limit:{error.limit}", steps=turn.steps, usage=usage)
        if isinstance(error, PillionError):
            _log.info("The turn failed: %s", error)
            return e.TurnFailed(code=error.code, message=str(error), retryable=error.retryable, usage=usage)
        _log.error("The turn failed", exc_info=error)
        message = f"The strategy failed with {type(error).__name__}; the log has the details."
        return e.TurnFailed(code="internal", message=message, usage=usage)

    async def _finish(self, ending: e.Event) -> None:
        """Closes what the turn left open and writes its end; tries again while the store can't keep it.

        Raises StoreFailed when the store's deadline is over: then the actor ends, and the log is taken up as after a
        crash.
        """
        until = 0.0
        while True:
            try:
                with trio.CancelScope(shield=True):  # bounded by the store's deadline
                    return await self._close(ending)
            except StoreFailed:
                now = trio.current_time()
                until = until or now + self._kernel.settings.deadlines.store
                if now >= until:
                    raise
            await trio.sleep(AGAIN)

    async def _close(self, ending: e.Event) -> None:
        turn, actor = self._turn, self._actor
        await actor.align()
        if actor.history.ended == turn.id:
            return  # an earlier try was kept
        turn.settle()
        await actor.session.unask(turn, "cancel")
        closing = [
            interruption(item, opened, actor.text(item), ran=item in turn.ran)
            for item, opened in actor.history.open_items.items()
        ]
        children = [e.ChildInterrupted(child=child) for child in actor.history.open_children]
        begun = [] if actor.history.turn else [turn.started()]
        told, blobs = turn.calls.untold()
        await actor.write((*begun, *closing, *children, *told, ending), turn=turn.id, blobs=blobs)

    async def _watch(self) -> None:
        """A turn that does not let go in time is cut off: what it still runs can't write any more."""
        turn, stopping = self._turn, self._kernel.settings.deadlines.stopping
        with trio.move_on_at(turn.deadline):
            await turn.stop_asked.wait()
        await trio.sleep(stopping)
        if turn.closing:
            return
        turn.detached = True
        for plugin in self._holders():
            self._kernel.host.fault(plugin, f"It did not let go of a turn within {stopping:g} s; the turn is cut off.")
        with trio.CancelScope(shield=True):  # also when it lets go meanwhile: its actor would wait for its last word
            await self._finish(e.TurnCancelled(usage=turn.usage(), leftovers=True))
            await self._over()

    async def _hold(self) -> None:
        """A turn that waits for a tool is to learn, too, that another process has taken its session."""
        while True:
            await trio.sleep(HOLD_SECONDS)
            with suppress(StoreFailed):  # the next write says so
                await self._actor.hold()

    def _holders(self) -> set[str]:
        """The plugins, or else the modules, whose code the turn still waits for."""
        opened = self._actor.history.open_items.values()
        running = [start.tool for start in opened if isinstance(start, e.ToolStarted)]
        modules = {type(one).__module__ for one in self._turn.at_work(running)}
        return {self._kernel.host.owner(module) or module for module in modules}

    async def _over(self) -> None:
        if not self._turn.over.is_set():
            self._turn.over.set()
            await self._actor.ended(self._turn)


def first_error(error: BaseException) -> BaseException:
    """The first error of ours in a group, else the first of any kind."""
    if not isinstance(error, BaseExceptionGroup):
        return error
    leaves = [first_error(inner) for inner in error.exceptions]
    return next((leaf for leaf in leaves if isinstance(leaf, PillionError)), leaves[0])
