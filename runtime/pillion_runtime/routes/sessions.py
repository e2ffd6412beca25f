"""Sessions: open, list, search, look at, change, fork, delete."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType
from quart import Blueprint, Response, request

from pillion import events as e
from pillion.contracts.store import SessionInfo, SessionQuery
from pillion.errors import ConfigError
from pillion.history import LastTurn
from pillion.letters import Change
from pillion.onlooker import Onlooker
from pillion.roles import Line, Roles
from pillion.session import Session
from pillion.sessionchange import LABELS, version_of
from pillion.values import Limits, Message

from .. import conditions
from ..bodies import Listed, answer, checked, nothing, read, read_optional
from ..described import described
from ..host import Host
from ..moments import rfc3339
from ..problems import FieldError, Refused
from ..timings import timed
from . import names

TAG = {"etag": "Another one after each change by PATCH; for `if-match`."}
Label = Annotated[str, Meta(max_length=1000)]


class LimitsGiven(Struct, frozen=True, forbid_unknown_fields=True):
    """Limits of this session's turns; those left out are the settings', null lifts one."""

    steps: Annotated[int, Meta(ge=1)] | UnsetType | None = UNSET
    seconds: Annotated[float, Meta(gt=0)] | UnsetType | None = UNSET
    tokens: Annotated[int, Meta(ge=1)] | UnsetType | None = UNSET
    cost: Annotated[float, Meta(gt=0)] | UnsetType | None = UNSET


class NewSession(Struct, frozen=True, forbid_unknown_fields=True):
    """POST /api/sessions. `workspace` is an absolute path or a URL of a scheme that a plugin brings.

    An `ephemeral` session is kept in memory alone: it is gone when it is deleted, or when the server ends. `roles` are
    the models to ask for each role, in order; `model` is asked first for the role `default`.
    """

    workspace: Annotated[str, Meta(min_length=1, max_length=4096)]
    model: str = ""
    strategy: str = ""
    labels: Annotated[dict[str, Label], Meta(max_length=LABELS)] = {}
    limits: LimitsGiven = LimitsGiven()
    ephemeral: bool = False
    roles: Roles = {}
    worktree: bool = False
    """It works on a git worktree of `workspace`, made for it: the last commit, on a branch of its own."""
    fork: bool = False
    """It works on a fork of `workspace`, made for it: what is there now, and nothing of it touches the workspace."""


class Changes(Struct, frozen=True, forbid_unknown_fields=True):
    """PATCH /api/sessions/{id}: what is left out stays. A label or role that is null goes; `""` is the default.

    An `archived` session is put aside: lists leave it out, else it is as before.
    """

    title: Annotated[str, Meta(max_length=500)] | None = None
    labels: Annotated[dict[str, Label | None], Meta(max_length=LABELS)] = {}
    model: str | None = None
    strategy: str | None = None
    archived: bool | None = None
    roles: Mapping[str, Line | None] = {}


class NewFork(Struct, frozen=True, forbid_unknown_fields=True):
    """POST …/fork; the body may be left out. `at` is the number of an event, by default the last one."""

    at: Annotated[int, Meta(ge=1)] | None = None


class Listing(Struct, frozen=True):
    """GET /api/sessions. With `ephemeral` those that end with it, with `archived` those put aside, and no others."""

    workspace: str = ""
    parent: str = ""
    cursor: str = ""
    limit: Annotated[int, Meta(ge=1, le=200)] = 50
    ephemeral: bool = False
    archived: bool = False
    q: Annotated[str, Meta(max_length=500)] = ""
    """Words that all stand in the title, or in the conversation where the store can search it."""


class SessionView(Struct, frozen=True):
    """A session as the API shows it. Times are RFC 3339, UTC. `state` and `waiting` (prompts) are of this moment.

    `state` is `idle`, `running`, `stopping`, or `elsewhere` where another process has it open.
    `origin` and `branched`: the session, which may be gone, and the number of its event, that this one was forked from.
    """

    id: str
    workspace: str
    title: str
    model: str
    strategy: str
    labels: Mapping[str, str]
    parent: str | None
    trusted: bool
    created: str
    updated: str
    ephemeral: bool
    archived: bool
    origin: str | None
    branched: int | None
    roles: Roles | None
    """Its own models by role; null in lists, for a session that is not in memory."""
    state: str = "idle"
    waiting: int = 0
    match: str | None = None
    """Of a search: the passage that fits, if one is known."""


class TurnEnd(Struct, frozen=True):
    """How a turn ended: `finished`, `failed`, `cancelled` or `interrupted`. `reason` is that of `turn.finished`, or the
    code of `turn.failed`, whose `message` is told. `resumable`: does `POST …/resume` go on with it?"""

    turn: str
    ended: str
    reason: str
    message: str
    resumable: bool


class SessionShown(SessionView, frozen=True):
    """One session. `last_turn` is null where none has ended yet."""

    last_turn: TurnEnd | None = None


SHOWN = {
    "id": "e0981705301882bb6bad59b26a671909",
    "workspace": "/home/me/lantern",
    "title": "",
    "model": "",
    "strategy": "",
    "labels": {"ide": "example"},
    "parent": None,
    "trusted": False,
    "created": "2026-11-22T21:36:55.889Z",
    "updated": "2026-11-22T21:36:55.889Z",
    "ephemeral": False,
    "archived": False,
    "origin": None,
    "branched": None,
    "roles": {},
    "state": "idle",
    "waiting": 0,
    "match": None,
}


class SessionPage(Struct, frozen=True):
    """Newest first. `next_cursor` is null on the last page."""

    data: Sequence[SessionView]
    next_cursor: str | None


def blueprint(host: Host) -> Blueprint:
    routes = Blueprint("sessions", __name__, url_prefix="/api/sessions")

    @routes.post("")
    @described(
        body=NewSession,
        answers={201: SessionView},
        sends={"location": "The session's own address."},
        errors=(503,),
        example={"workspace": "/home/me/lantern", "labels": {"ide": "example"}, "limits": {"steps": 20, "cost": None}},
        shows=SHOWN,
    )
    async def open_session() -> Response:
        """Opens a session on a workspace."""
        host.expect_work()
        wanted = await read(NewSession)
        names.check(host, workspace=wanted.workspace, model=wanted.model, strategy=wanted.strategy, roles=wanted.roles)
        workspace = await _workspace(host, wanted)
        with timed("store"):
            session = await host.kernel.create(
                workspace,
                model=wanted.model,
                strategy=wanted.strategy,
                labels=wanted.labels,
                limits=_limits(wanted.limits, host.kernel.settings.limits),
                ephemeral=wanted.ephemeral,
                roles=wanted.roles,
            )
        return answer(view_of(session.info, session), 201, {"location": f"/api/sessions/{session.id}"})

    @routes.get("")
    @described(query=Listing, answers={200: SessionPage})
    async def list_sessions() -> Response:
        """A page of sessions, newest first, or of those that fit a search.

        Children come only with `parent`, ephemeral ones only with `ephemeral`, archived ones only with `archived`.

        400 `bad_cursor`: no page gave this `cursor`.
        """
        asked = checked(request.args, Listing)
        query = SessionQuery(asked.workspace, asked.parent, asked.cursor, asked.limit, asked.q, asked.archived)
        with timed("store"):
            page = await host.kernel.sessions(query, ephemeral=asked.ephemeral)
        live = {session.id: session for session in host.kernel.live()}
        data = [view_of(info, live.get(info.id), page.matches.get(info.id)) for info in page.data]
        return answer(SessionPage(data, page.next or None))

    @routes.get("/<id>")
    @described(answers={200: SessionShown}, sends=TAG, shows=SHOWN | {"last_turn": None})
    async def show_session(id: str) -> Response:
        """One session, and how its last turn ended. One that another process has open is `elsewhere`, and only read."""
        session = await host.kernel.look(id)
        return answer(shown_of(session), headers=_tag(session.info))

    @routes.patch("/<id>")
    @described(
        body=Changes,
        headers={"if-match": "The `etag` that the session must have now."},
        answers={200: SessionView},
        sends=TAG,
        errors=(409, 410, 412),
        example={"title": "The lamp flickers", "labels": {"ticket": "40", "draft": None}},
        shows=SHOWN,
    )
    async def change_session(id: str) -> Response:
        """Changes what a session is called, and what answers from the next turn on; a running turn keeps its model."""
        wanted = await read(Changes)
        names.check(host, model=wanted.model or "", strategy=wanted.strategy or "", roles=wanted.roles)
        session = await host.kernel.session(id)
        expected = conditions.expected() - {conditions.ANY}
        with timed("store"):
            try:
                info = await session.change(
                    Change(
                        title=wanted.title,
                        labels=wanted.labels,
                        model=wanted.model,
                        strategy=wanted.strategy,
                        archived=wanted.archived,
                        roles=wanted.roles,
                        expected=expected,
                    )
                )
            except ConfigError as error:
                raise Refused(422, str(error), errors=[FieldError(error.key, str(error))]) from None
        return answer(view_of(info, session), headers=_tag(info))

    @routes.delete("/<id>")
    @described(answers={204: None}, errors=(409,))
    async def delete_session(id: str) -> Response:
        """Stops what runs in a session, then forgets it, with the sessions that its turns opened."""
        await host.kernel.delete(id)
        return nothing()

    @routes.post("/<id>/fork")
    @described(
        body=NewFork,
        body_optional=True,
        answers={201: SessionView},
        sends={"location": "The new session's own address."},
        errors=(503,),
        example={"at": 2},
        shows={**SHOWN, "origin": "8243f6834a111b4870a97973dcff2c5b", "branched": 2},
    )
    async def fork_session(id: str) -> Response:
        """Opens a session that begins with the conversation as it was behind event `at` of this one.

        Workspace, title, labels, model, strategy and limits are the same. What is unfinished there is left out, prompts
        that wait too; neither session needs the other from then on. 400 `bad_cursor`: there is no such event.
        """
        host.expect_work()
        wanted = await read_optional(NewFork)
        with timed("store"):
            session = await host.kernel.fork(id, wanted.at)
        return answer(view_of(session.info, session), 201, {"location": f"/api/sessions/{session.id}"})

    @routes.get("/<id>/messages")
    @described(answers={200: Listed[Message]})
    async def list_messages(id: str) -> Response:
        """A session's conversation so far, for those who want its state and not its course."""
        session = await host.kernel.look(id)
        return answer(Listed(await session.messages()))

    return routes


async def _workspace(host: Host, wanted: NewSession) -> str:
    """The one that is worked on: that which was asked for, or what is made of it."""
    if wanted.worktree and wanted.fork:
        wrong = FieldError("fork", "It is either a worktree or a fork.")
        raise Refused(422, "A session gets a worktree or a fork, not both.", errors=[wrong])
    if wanted.fork:
        forks = host.kernel.catalog.forks()
        if forks is None:
            wrong = FieldError("fork", "No plugin that is on makes one.")
            raise Refused(422, "No plugin that is on makes forks; forks would.", errors=[wrong])
        return (await forks.make(wanted.workspace)).address
    return await _worktree(host, wanted.workspace) if wanted.worktree else wanted.workspace


async def _worktree(host: Host, workspace: str) -> str:
    """The folder that is worked on instead. Raises Refused where no plugin makes one."""
    for _, make in host.kernel.host.ask("register_worktrees", kernel=host.kernel):
        if make is not None:
            folder: str = await make(workspace)
            return folder
    wrong = FieldError("worktree", "No plugin that is on makes one.")
    raise Refused(422, "No plugin that is on makes worktrees; git would.", errors=[wrong])


def _tag(info: SessionInfo) -> dict[str, str]:
    return {"etag": f'"{version_of(info)}"'}


def _limits(given: LimitsGiven, settings: Limits) -> Limits:
    changed = {key: value for key, value in msgspec.structs.asdict(given).items() if value is not UNSET}
    return msgspec.structs.replace(settings, **changed)


def shown_of(session: Session | Onlooker) -> SessionShown:
    """All that is told of one session."""
    view = msgspec.structs.asdict(view_of(session.info, session))
    return SessionShown(**view, last_turn=_end_of(session.last) if session.last else None)


def _end_of(last: LastTurn) -> TurnEnd:
    match last.end:
        case e.TurnFinished(reason=reason):
            ended, said, message = "finished", reason, ""
        case e.TurnFailed(code=code, message=text):
            ended, said, message = "failed", code, text
        case e.TurnCancelled():
            ended, said, message = "cancelled", "", ""
        case _:
            ended, said, message = "interrupted", "", ""
    return TurnEnd(last.turn, ended, said, message, last.resumable)


def view_of(info: SessionInfo, session: Session | Onlooker | None, match: str | None = None) -> SessionView:
    """What is told of a session; `session` is the live one, if it is."""
    return SessionView(
        id=info.id,
        workspace=info.workspace,
        title=info.title,
        model=info.model,
        strategy=info.strategy,
        labels=info.labels,
        parent=info.parent or None,
        trusted=info.trusted,
        created=rfc3339(info.created),
        updated=rfc3339(info.updated or info.created),
        ephemeral=info.ephemeral,
        archived=info.archived,
        origin=info.origin or None,
        branched=info.branched or None,
        roles=info.roles if session else None,
        state=session.state if session else "idle",
        waiting=session.waiting if session else 0,
        match=match,
    )
