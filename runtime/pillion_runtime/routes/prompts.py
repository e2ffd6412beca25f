"""Prompts: ask a session for something, or to stop."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct
from quart import Blueprint, Response

from pillion.session import When
from pillion.values import Image

from ..bodies import answer, read, read_optional
from ..described import described
from ..host import Host
from . import names


class NewPrompt(Struct, frozen=True, forbid_unknown_fields=True):
    """POST …/prompts. `when` a turn runs already: wait (`queue`), cancel it (`interrupt`), or 409 (`reject`)."""

    text: Annotated[str, Meta(min_length=1)]
    images: Annotated[tuple[Image, ...], Meta(max_length=32)] = ()
    strategy: str = ""
    model: str = ""
    when: When = "queue"


class PromptAccepted(Struct, frozen=True):
    """The prompt is durable. `turn` will run it; its events come after `after`, at the address `events`."""

    session: str
    turn: str
    after: str
    events: str


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
            "turn": "8243f6834a111b4870a97973dcff2c5b",
            "after": "1",
            "events": "/api/sessions/e0981705301882bb6bad59b26a671909/events?after=1",
        },
    )
    async def post_prompt(id: str) -> Response:
        """Asks for something. When this is answered the prompt is durable.

        409: a turn runs and `when` is `reject`. 410: the session has just ended. 429: 16 prompts wait already.
        """
        host.expect_work()
        wanted = await read(NewPrompt)
        names.check(host, model=wanted.model, strategy=wanted.strategy)
        session = await host.kernel.session(id)
        accepted = await session.prompt(
            wanted.text, wanted.images, strategy=wanted.strategy, model=wanted.model, when=wanted.when
        )
        where = f"/api/sessions/{id}/events?after={accepted.after}"
        return answer(PromptAccepted(id, accepted.turn, accepted.after, where), 202, {"location": where})

    @routes.post("/cancel")
    @described(body=NewCancel, body_optional=True, answers={202: Cancelling}, errors=(410,), example={"by": "person"})
    async def cancel_turn(id: str) -> Response:
        """Stops the running turn, with its model call, tools, processes and child sessions.

        `stopping` says whether one ran; the event `turn.cancelled` comes when nothing of it is left.
        """
        wanted = await read_optional(NewCancel)
        session = await host.kernel.session(id)
        return answer(Cancelling(id, await session.cancel(by=wanted.by)), 202)

    return routes
