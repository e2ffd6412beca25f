"""Prompts: ask a session for something, or to stop."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct
from quart import Blueprint, Response

from pillion.letters import Accepted
from pillion.onlooker import Onlooker
from pillion.prompts import WaitingPrompt
from pillion.roles import Roles
from pillion.session import Session, When
from pillion.shown import ContextReference, SelectedCode, Shown
from pillion.values import Image

from ..bodies import Listed, answer, nothing, read, read_optional
from ..described import described
from ..host import Host
from ..moments import rfc3339
from ..timings import timed
from . import names


class NewPrompt(Struct, frozen=True, forbid_unknown_fields=True):
    """POST …/prompts. `when` a turn runs already: wait (`queue`), cancel it (`interrupt`), 409 (`reject`), or join it.

    `steer` joins it at its next step. `break` stops it after the running tool, gets its answer without tools, and then
    the turn goes on. `schema` is a JSON Schema: `turn.finished` has the turn's `answer`, which fits it. `roles` are the
    models of this turn, in order for each role; `model` is asked first for the role `default`.
    `open_files` (paths, those in sight first), `selected_code` and `context` are what the person has before them: the
    model is told of it before `text`.
    """

    text: Annotated[str, Meta(min_length=1)]
    images: Annotated[tuple[Image, ...], Meta(max_length=32)] = ()
    strategy: str = ""
    model: str = ""
    when: When = "queue"
    schema: dict[str, Any] | None = None
    roles: Roles = {}
    open_files: Annotated[tuple[str, ...], Meta(max_length=1000)] = ()
    selected_code: Annotated[tuple[SelectedCode, ...], Meta(max_length=64)] = ()
    context: Annotated[tuple[ContextReference, ...], Meta(max_length=64)] = ()


class PromptAccepted(Struct, frozen=True):
    """The prompt is durable. `turn` will take it up: its own, of the same id, or the running one that it joins.

    The turn's events come after `after`, at the address `events`.
    """

    session: str
    prompt: str
    turn: str
    after: str
    events: str


class PromptView(Struct, frozen=True):
    """A prompt that waits. `turn` is the running turn that it will join; null: it will be a turn of its own. `tool` is
    set for a single call of one, `resumes` where it goes on with that turn."""

    prompt: str
    when: str
    text: str
    images: int
    model: str
    strategy: str
    turn: str | None
    time: str
    tool: str
    resumes: str | None = None


class NewCancel(Struct, frozen=True, forbid_unknown_fields=True):
    """POST …/cancel; the body may be left out. `by` says on whose behalf."""

    by: Annotated[str, Meta(min_length=1, max_length=100)] = "person"


class Cancelling(Struct, frozen=True):
    """`stopping`: did a turn run?"""

    session: str
    stopping: bool


def blueprint(host: Host) -> Blueprint:
    routes = Blueprint("prompts", __name__, url_prefix="/api/sessions/<id>")

    @routes.post("/prompts")
    @described(
        body=NewPrompt,
        answers={202: PromptAccepted},
        sends={"location": "Where to watch the turn."},
        errors=(409, 410, 429, 503),
        example={"text": "Run the tests.", "when": "queue"},
        shows={
            "session": "e0981705301882bb6bad59b26a671909",
            "prompt": "8243f6834a111b4870a97973dcff2c5b",
            "turn": "8243f6834a111b4870a97973dcff2c5b",
            "after": "1",
            "events": "/api/sessions/e0981705301882bb6bad59b26a671909/events?after=1",
        },
    )
    async def post_prompt(id: str) -> Response:
        """Asks for something. When this is answered the prompt is durable.

        A prompt that joins the running turn is not lost when that ends without another step: it is the next turn.
        409: a turn runs and `when` is `reject`. 410: the session has just ended. 429: 16 prompts wait already.
        """
        host.expect_work()
        wanted = await read(NewPrompt)
        names.check(host, model=wanted.model, strategy=wanted.strategy, roles=wanted.roles)
        session = await host.kernel.session(id)
        with timed("store"):
            accepted = await session.prompt(
                wanted.text,
                wanted.images,
                strategy=wanted.strategy,
                model=wanted.model,
                when=wanted.when,
                schema=wanted.schema,
                roles=wanted.roles,
                shown=Shown(wanted.open_files, wanted.selected_code, wanted.context),
            )
        return _accepted(id, accepted)

    @routes.post("/resume")
    @described(
        answers={202: PromptAccepted},
        sends={"location": "Where to watch the turn."},
        errors=(409, 410, 503),
    )
    async def resume_session(id: str) -> Response:
        """Goes on with the last turn, where that was interrupted or failed, from its last finished step, as a new turn.

        Prompts that wait run behind it. Where no turn is to be gone on with, they are started; what a restart left
        waits for this or for the next prompt. 409: a turn runs, or there is neither. The single call of a tool is not
        run again.
        """
        host.expect_work()
        session = await host.kernel.session(id)
        with timed("store"):
            return _accepted(id, await session.resume())

    @routes.get("/prompts")
    @described(answers={200: Listed[PromptView]})
    async def list_prompts(id: str) -> Response:
        """The prompts that wait, in the order in which they will run."""
        session = await host.kernel.look(id)
        return answer(Listed([_view(waiting, session) for waiting in session.prompts()]))

    @routes.delete("/prompts/<prompt>")
    @described(
        answers={204: None},
        errors=(409, 410),
        path={"prompt": "The prompt's id, as `POST …/prompts` and the list give it."},
    )
    async def withdraw_prompt(id: str, prompt: str) -> Response:
        """Takes back a prompt that waits; the event `prompt.dropped` tells of it.

        409: a turn has taken it up. 410: it was withdrawn already.
        """
        session = await host.kernel.session(id)
        await session.withdraw(prompt)
        return nothing()

    @routes.post("/cancel")
    @described(
        body=NewCancel, body_optional=True, answers={202: Cancelling}, errors=(409, 410), example={"by": "person"}
    )
    async def cancel_turn(id: str) -> Response:
        """Stops the running turn, with its model call, tools, processes and child sessions.

        `stopping` says whether one ran; the event `turn.cancelled` comes when nothing of it is left.
        """
        wanted = await read_optional(NewCancel)
        session = await host.kernel.session(id)
        return answer(Cancelling(id, await session.cancel(by=wanted.by)), 202)

    return routes


def _accepted(session: str, accepted: Accepted) -> Response:
    where = f"/api/sessions/{session}/events?after={accepted.after}"
    told = PromptAccepted(session, accepted.prompt, accepted.turn, accepted.after, where)
    return answer(told, 202, {"location": where})


def _view(waiting: WaitingPrompt, session: Session | Onlooker) -> PromptView:
    event = waiting.event
    joins = event.joins if session.turn is not None and session.turn.id == event.joins else None
    return PromptView(
        prompt=waiting.id,
        when=event.when,
        text=event.text,
        images=len(event.images),
        model=event.model,
        strategy=event.strategy,
        turn=joins,
        time=rfc3339(waiting.time),
        tool=event.tool,
        resumes=event.resumes or None,
    )
