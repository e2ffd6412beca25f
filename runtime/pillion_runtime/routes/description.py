"""The API's description: for programs, for people, and of the events."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import msgspec
import trio
from quart import Blueprint, Response, current_app

from .. import docspage, htmlpage
from ..described import described
from ..eventschema import events_schema
from ..host import Host
from ..openapi import JSON, document

SCHEMA = "application/schema+json"


class Descriptions:
    """Of one app, each made at the first request, in a thread, and kept as long as the app."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._made: dict[str, bytes] = {}

    async def api(self) -> bytes:
        app = cast(Any, current_app)._get_current_object()
        return await self._once("api", lambda: msgspec.json.encode(document(app)))

    async def events(self) -> bytes:
        brought = self._host.kernel.catalog.events
        return await self._once("events", lambda: msgspec.json.encode(events_schema(brought)))

    async def page(self) -> bytes:
        api, events = await self.api(), await self.events()
        return await self._once("page", lambda: docspage.docs(msgspec.json.decode(api), msgspec.json.decode(events)))

    async def _once(self, name: str, make: Callable[[], bytes]) -> bytes:
        if name not in self._made:
            self._made[name] = await trio.to_thread.run_sync(make)
        return self._made[name]


def blueprint(host: Host) -> Blueprint:
    routes = Blueprint("description", __name__)
    descriptions = Descriptions(host)

    @routes.get("/openapi.json")
    @described(answers={200: dict[str, Any]})
    async def show_openapi() -> Response:
        """This description, as OpenAPI 3.1, the plugins' routes included."""
        return Response(await descriptions.api(), content_type=JSON)

    @routes.get("/docs")
    @described(answers={200: {"text/html": str}})
    async def show_docs() -> Response:
        """This description as a page to read, without scripts."""
        return Response(await descriptions.page(), 200, htmlpage.headers(docspage.STYLE))

    @routes.get("/api/events/schema")
    @described(answers={200: {SCHEMA: dict[str, Any]}})
    async def show_events_schema() -> Response:
        """JSON Schema of every event, the plugins' included."""
        return Response(await descriptions.events(), content_type=SCHEMA)

    return routes
