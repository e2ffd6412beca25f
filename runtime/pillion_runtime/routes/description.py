"""The API's description: for programs, for people, and of the events."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import msgspec
import trio
from quart import Blueprint, Quart, Response, current_app

from ..described import described
from ..eventschema import events_schema
from ..host import Host
from ..openapi import JSON, document

SCHEMA = "application/schema+json"


class Made:
    """Bytes that are made at the first request, in a thread, and kept as long as the app."""

    def __init__(self, make: Callable[..., Any]) -> None:
        self._make = make
        self._bytes = b""

    async def bytes(self, *arguments: Any) -> bytes:
        if not self._bytes:
            self._bytes = await trio.to_thread.run_sync(lambda: msgspec.json.encode(self._make(*arguments)))
        return self._bytes


def blueprint(host: Host) -> Blueprint:
    routes = Blueprint("description", __name__)
    described_api = Made(document)
    described_events = Made(events_schema)

    @routes.get("/openapi.json")
    @described(answers={200: dict[str, Any]})
    async def show_openapi() -> Response:
        """This description, as OpenAPI 3.1, the plugins' routes included."""
        app = cast(Any, current_app)._get_current_object()
        assert isinstance(app, Quart)
        return Response(await described_api.bytes(app), content_type=JSON)

    @routes.get("/api/events/schema")
    @described(answers={200: {SCHEMA: dict[str, Any]}})
    async def show_events_schema() -> Response:
        """JSON Schema of every event, the plugins' included."""
        return Response(await described_events.bytes(host.kernel.catalog.events), content_type=SCHEMA)

    return routes
