"""Prompts: ask a session for something, or to stop."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct
from quart import Blueprint, Response

from pillion.session import When
from pillion.values import Image

from ..bodies import answer, read, read_optional
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


def blueprint(host: Host) -> Blueprint:
    routes = Blueprint("prompts", __name__, url_prefix="/api/sessions/<id>")

    @routes.post("/prompts")
    async def prompt(id: str) -> Response:
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
    async def cancel(id: str) -> Response:
        """202 in any case; `stopping` says whether a turn ran. `turn.cancelled` comes when nothing of it is left."""
        wanted = await read_optional(NewCancel)
        session = await host.kernel.session(id)
        return answer({"session": id, "stopping": await session.cancel(by=wanted.by)}, 202)

    return routes
