"""POST /api/sessions/{id}/compact."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct
from quart import Blueprint, Response

from pillion import Kernel

from .strategy import Compact

EXAMPLE: dict[str, Any] = {
    "session": "e0981705301882bb6bad59b26a671909",
    "turn": "8243f6834a111b4870a97973dcff2c5b",
    "after": "41",
    "events": "/api/sessions/e0981705301882bb6bad59b26a671909/events?after=41",
}


class Compacting(Struct, frozen=True):
    """`turn` makes the conversation shorter; its events come after `after`, at the address `events`."""

    session: str
    turn: str
    after: str
    events: str


def blueprint(kernel: Kernel) -> Blueprint:
    routes = Blueprint("compact", __name__, url_prefix="/api/sessions/<id>/compact")

    async def post_compact(id: str) -> Response:
        """Makes what models are sent of a session's conversation shorter, at once; the log keeps all.

        A turn of its own does it: `history.compacted` tells the sizes, and the turn fails where it can't be done. 409:
        a turn runs; it makes its conversation shorter by itself when that is needed.
        """
        session = await kernel.session(id)
        accepted = await session.prompt("", strategy=Compact.name, when="reject")
        events = f"/api/sessions/{id}/events?after={accepted.after}"
        data = msgspec.json.encode(Compacting(id, accepted.turn, accepted.after, events))
        return Response(data, 202, {"location": events}, content_type="application/json")

    post_compact.openapi = {  # type: ignore[attr-defined]
        "answers": {202: Compacting},
        "sends": {"location": "Where to watch the turn."},
        "errors": (409, 410, 429, 503),
        "shows": EXAMPLE,
    }
    routes.post("")(post_compact)
    return routes
