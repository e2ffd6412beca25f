"""Checkpoints over HTTP: GET …/checkpoints and …/{checkpoint}/diff; POST …/restore, …/undo and …/redo."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
import trio
from msgspec import Struct
from quart import Blueprint, Response, request

from pillion import Conflict, Kernel, LocalWorkspace, NotFound, Session, ToolError
from pillion_http.routes import answer, read_body

from .comparing import ChangedFile, compared
from .events import What
from .shelf import Book, Shelf
from .strategies import Order
from .timeline import Mark, Timeline, Timelines

SECONDS = 60.0
View = Callable[..., Awaitable[Response]]


class CheckpointView(Struct, frozen=True):
    """`event` is its number in the log, `time` RFC 3339, `text` what its turn was asked. `why`: step, done, restore.
    `skipped` counts what is not kept."""

    checkpoint: str
    event: int
    time: str
    turn: str
    step: int
    why: str
    text: str
    skipped: int


class TurnView(Struct, frozen=True):
    """A turn, and what it was asked."""

    turn: str
    text: str


class Checkpoints(Struct, frozen=True):
    """The oldest first. `undo` and `redo` say which turn would be taken back, or done again; null: none."""

    data: Sequence[CheckpointView]
    undo: TurnView | None
    redo: TurnView | None


class DiffQuery(Struct, frozen=True):
    """GET …/diff. `to`: another checkpoint; by default what is there now."""

    to: str = ""


class CheckpointDiff(Struct, frozen=True):
    """By path. `skipped` names what is not kept in the first of the two, and why."""

    data: Sequence[ChangedFile]
    skipped: Mapping[str, str]


class NewRestore(Struct, frozen=True, forbid_unknown_fields=True):
    """POST …/restore, …/undo, …/redo; the body may be left out. `overwrite`: also files that somebody else has changed
    since, which are else left as they are and told."""

    what: What = "both"
    overwrite: bool = False


class Restoring(Struct, frozen=True):
    """`turn` does it; its events come after `after`, at the address `events`. `workspace.restored` tells what came of
    it."""

    session: str
    turn: str
    after: str
    events: str


EXAMPLE: dict[str, Any] = {
    "session": "e0981705301882bb6bad59b26a671909",
    "turn": "8243f6834a111b4870a97973dcff2c5b",
    "after": "41",
    "events": "/api/sessions/e0981705301882bb6bad59b26a671909/events?after=41",
}


def blueprint(kernel: Kernel, shelf: Shelf, timelines: Timelines) -> Blueprint:
    routes = Blueprint("checkpoints", __name__, url_prefix="/api/sessions/<id>")
    doors = _Doors(kernel, shelf, timelines)
    routes.get("/checkpoints")(_list(doors))
    routes.get("/checkpoints/<checkpoint>/diff")(_diff(doors))
    routes.post("/checkpoints/<checkpoint>/restore")(_restore(doors))
    routes.post("/undo")(_undo(doors))
    routes.post("/redo")(_redo(doors))
    return routes


class _Doors:
    """What the views work on."""

    def __init__(self, kernel: Kernel, shelf: Shelf, timelines: Timelines) -> None:
        self.kernel, self._shelf, self._timelines = kernel, shelf, timelines

    async def opened(self, id: str) -> tuple[Session, Timeline]:
        session = await self.kernel.session(id)
        return session, await self._timelines.of(session)

    def book(self, session: Session) -> Book:
        workspace = self.kernel.catalog.workspace(session.info.workspace)
        if not isinstance(workspace, LocalWorkspace):
            raise NotFound("This workspace is no folder of this machine: its files are not kept.")
        return self._shelf.book(workspace)

    async def post(self, session: Session, strategy: str, order: Order) -> Response:
        accepted = await session.prompt("", strategy=strategy, when="reject", arguments=order)
        events = f"/api/sessions/{session.id}/events?after={accepted.after}"
        data = msgspec.json.encode(Restoring(session.id, accepted.turn, accepted.after, events))
        return Response(data, 202, {"location": events}, content_type="application/json")


def _list(doors: _Doors) -> View:
    async def list_checkpoints(id: str) -> Response:
        """The session's checkpoints, and what undo and redo would do."""
        _, timeline = await doors.opened(id)
        undo = timeline.done[-1] if timeline.done else None
        redo = timeline.undone[-1].work if timeline.undone else None
        said = Checkpoints(
            [_view(mark, timeline) for mark in timeline.marks],
            TurnView(undo.turn, undo.text) if undo else None,
            TurnView(redo.turn, redo.text) if redo else None,
        )
        return answer(said)

    list_checkpoints.openapi = {"answers": {200: Checkpoints}}  # type: ignore[attr-defined]
    return list_checkpoints


def _diff(doors: _Doors) -> View:
    async def diff_checkpoint(id: str, checkpoint: str) -> Response:
        """What differs between a checkpoint and what is there now, or another checkpoint.

        Known secrets are masked. A checkpoint may be named by the beginning of its name.
        """
        to = request.args.get("to", "")
        session, timeline = await doors.opened(id)
        book, mark = doors.book(session), timeline.mark(checkpoint)
        with trio.move_on_after(SECONDS):
            try:
                before = (await book.of(mark.id)).state
                after = (await book.of(timeline.mark(to).id)).state if to else await book.look()
                found = await compared(book, await book.differences(before, after), doors.kernel.secrets.redact_bytes)
                said = CheckpointDiff(found, await book.skipped(before))
            except KeyError:
                raise NotFound("What was kept then is gone: old checkpoints are given up.") from None
            except OSError as error:
                raise ToolError(f"The files could not be compared: {error.strerror}.") from None
            return answer(said)
        raise ToolError(f"Comparing the files took more than {SECONDS:g} s.")

    diff_checkpoint.openapi = {  # type: ignore[attr-defined]
        "query": DiffQuery,
        "answers": {200: CheckpointDiff},
        "path": {"checkpoint": "Its name, or the beginning of it, 4 characters at least."},
        "errors": (409,),
    }
    return diff_checkpoint


def _restore(doors: _Doors) -> View:
    async def post_restore(id: str, checkpoint: str) -> Response:
        """Puts files, conversation or both back to a checkpoint.

        A turn of its own does it; first it takes a checkpoint of what is there. What somebody else has changed since is
        left as it is, and `workspace.restored` names it. 409: a turn runs.
        """
        wanted = await read_body(NewRestore, empty=NewRestore())
        session, timeline = await doors.opened(id)
        mark = timeline.mark(checkpoint)
        return await doors.post(session, "restore", Order(wanted.what, mark.id, wanted.overwrite))

    post_restore.openapi = _OPENAPI | {  # type: ignore[attr-defined]
        "path": {"checkpoint": "Its name, or the beginning of it, 4 characters at least."}
    }
    return post_restore


def _undo(doors: _Doors) -> View:
    async def post_undo(id: str) -> Response:
        """Takes the last turn back: its changes of files, and its words.

        As a restore of its first checkpoint. 409: a turn runs, or there is nothing to undo.
        """
        wanted = await read_body(NewRestore, empty=NewRestore())
        session, timeline = await doors.opened(id)
        if not timeline.done:
            raise Conflict("There is nothing to undo.")
        return await doors.post(session, "undo", Order(wanted.what, overwrite=wanted.overwrite))

    post_undo.openapi = _OPENAPI  # type: ignore[attr-defined]
    return post_undo


def _redo(doors: _Doors) -> View:
    async def post_redo(id: str) -> Response:
        """Does again what was undone last, as long as nothing else was done since.

        409: a turn runs, or there is nothing to redo.
        """
        wanted = await read_body(NewRestore, empty=NewRestore())
        session, timeline = await doors.opened(id)
        if not timeline.undone:
            raise Conflict("There is nothing to redo.")
        return await doors.post(session, "redo", Order(wanted.what, overwrite=wanted.overwrite))

    post_redo.openapi = _OPENAPI  # type: ignore[attr-defined]
    return post_redo


_OPENAPI: dict[str, Any] = {
    "body": NewRestore,
    "body_optional": True,
    "answers": {202: Restoring},
    "sends": {"location": "Where to watch the turn."},
    "errors": (409, 410, 429, 503),
    "example": {"what": "both"},
    "shows": EXAMPLE,
}


def _view(mark: Mark, timeline: Timeline) -> CheckpointView:
    time = datetime.fromtimestamp(mark.time / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    event = mark.event
    text = timeline.text(mark.turn)
    return CheckpointView(mark.id, mark.seq, time, mark.turn, event.step, event.why, text, event.skipped)
