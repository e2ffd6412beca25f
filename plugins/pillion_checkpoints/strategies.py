"""Ways back and forth: strategies that ask no model."""

from __future__ import annotations

from abc import ABC, abstractmethod

import msgspec
from msgspec import Struct

from pillion import Conflict, NotFound, ToolError, Turn
from pillion.events import SessionRewound

from .events import By, What, WorkspaceRestored
from .restoring import Outcome, Restorer, shown
from .shelf import Shelf
from .timeline import Mark, Timeline, Timelines
from .watching import book_of

NAMED = 50
"""Paths that the event names."""


class Order(Struct, frozen=True):
    """What a strategy is told. `overwrite`: also files that somebody else has changed since."""

    what: What = "both"
    checkpoint: str = ""
    overwrite: bool = False


class Plan(Struct, frozen=True):
    """The checkpoint to go to (None: no file has changed), the event behind which the conversation is to be, and the
    turn that is undone or done again."""

    target: Mark | None
    to: int
    undone: str = ""


class _Way(ABC):
    """One of the three."""

    by: By

    def __init__(self, shelf: Shelf, timelines: Timelines) -> None:
        self._shelf, self._timelines = shelf, timelines

    async def run(self, turn: Turn) -> str | None:
        """Raises Conflict, NotFound, ToolError, which end the turn."""
        order = msgspec.json.decode(turn.prompt.arguments or "{}", type=Order)
        timeline = await self._timelines.of(turn.session)
        plan = self._plan(timeline, order)
        outcome = Outcome("", (), ())
        if order.what != "conversation" and plan.target is not None:
            outcome = await self._restored(turn, timeline, plan.target, order)
        told = WorkspaceRestored(
            by=self.by,
            what=order.what,
            checkpoint=plan.target.id if plan.target and outcome.before else "",
            undone=plan.undone,
            before=outcome.before,
            files=len(outcome.written),
            paths=tuple(shown(path) for path in outcome.written[:NAMED]),
            left=outcome.left,
        )
        rewound = [] if order.what == "files" else [SessionRewound(to=plan.to)]
        await turn.emit(*rewound, told)
        return None

    async def _restored(self, turn: Turn, timeline: Timeline, target: Mark, order: Order) -> Outcome:
        book = book_of(self._shelf, turn)
        if book is None:
            raise ToolError("This workspace is no folder of this machine: its files are not kept.")
        try:
            return await Restorer(turn, book, timeline, overwrite=order.overwrite).restore(target)
        except KeyError:
            raise NotFound("What was kept of the files then is gone: old checkpoints are given up.") from None
        except OSError as error:
            raise ToolError(f"The files could not be put back: {error.strerror}.") from None

    @abstractmethod
    def _plan(self, timeline: Timeline, order: Order) -> Plan:
        """Raises Conflict, NotFound."""


class Undo(_Way):
    """Takes the last turn back."""

    name = by = "undo"
    description = "Takes the last turn back: its changes of files, and its words."

    def _plan(self, timeline: Timeline, order: Order) -> Plan:
        if not timeline.done:
            raise Conflict("There is nothing to undo.")
        work = timeline.done[-1]
        return Plan(timeline.first(work.turn), work.behind, work.turn)


class Redo(_Way):
    """Does again what was undone last."""

    name = by = "redo"
    description = "Does again what was undone last."

    def _plan(self, timeline: Timeline, order: Order) -> Plan:
        if not timeline.undone:
            raise Conflict("There is nothing to redo.")
        undone = timeline.undone[-1]
        target = timeline.mark(undone.before) if undone.before else None
        return Plan(target, undone.behind, undone.work.turn)


class Restore(_Way):
    """Goes to one checkpoint."""

    name = by = "restore"
    description = "Puts files, conversation or both back to a checkpoint."

    def _plan(self, timeline: Timeline, order: Order) -> Plan:
        mark = timeline.mark(order.checkpoint)
        return Plan(mark, mark.seq)
