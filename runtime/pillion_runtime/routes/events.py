"""A session's events as they come."""

from __future__ import annotations

from typing import Any, cast

from quart import Blueprint, Response, request

from .. import sse
from ..host import Host


def blueprint(host: Host) -> Blueprint:
    routes = Blueprint("events", __name__, url_prefix="/api/sessions/<id>")

    @routes.get("/events")
    async def events(id: str) -> Response:
        """SSE from the start, or from behind `Last-Event-ID`, which beats `?after=`; `latest` means from now."""
        session = await host.kernel.session(id)
        after = request.headers.get("Last-Event-ID") or request.args.get("after", "")
        stream = host.streams.open(session.follow(after))
        response = Response(cast(Any, stream), 200, sse.HEADERS)
        response.timeout = None
        return response

    return routes
