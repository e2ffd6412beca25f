"""A session's events as they come."""

from __future__ import annotations

from typing import Any, cast

from msgspec import Struct
from quart import Blueprint, Response, request

from .. import sse
from ..described import described
from ..host import Host


class Following(Struct, frozen=True):
    """GET …/events."""

    after: str = ""
    """An event's id, or `latest` for from now on."""


def blueprint(host: Host) -> Blueprint:
    routes = Blueprint("events", __name__, url_prefix="/api/sessions/<id>")

    @routes.get("/events")
    @described(
        query=Following,
        headers={"Last-Event-ID": "Go on behind this event; beats `after`."},
        answers={200: {sse.MEDIA_TYPE: str}},
        errors=(400,),
    )
    async def follow_events(id: str) -> Response:
        """Follows a session's log.

        From the start, or from behind `Last-Event-ID` or `after`. The stream goes on until you leave, the session is
        deleted or the server ends. Each event's `data` fits `GET /api/events/schema`.
        """
        session = await host.kernel.session(id)
        after = request.headers.get("Last-Event-ID") or request.args.get("after", "")
        stream = host.streams.open(session.follow(after))
        response = Response(cast(Any, stream), 200, sse.HEADERS)
        response.timeout = None
        return response

    return routes
