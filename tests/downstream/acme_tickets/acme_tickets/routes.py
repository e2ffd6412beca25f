"""GET /api/acme/tickets."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec
from msgspec import Struct
from quart import Blueprint, Response

from .desk import Desk, Ticket


class Tickets(Struct, frozen=True):
    data: list[Ticket]


def blueprint(desk: Desk) -> Blueprint:
    routes = Blueprint("acme_tickets", __name__, url_prefix="/api/acme")
    routes.get("/tickets")(_tickets(desk))
    return routes


def _tickets(desk: Desk) -> Callable[[], Awaitable[Response]]:
    async def list_acme_tickets() -> Response:
        """The tickets that were filed."""
        return Response(msgspec.json.encode(Tickets(desk.tickets)), content_type="application/json")

    list_acme_tickets.openapi = {"answers": {200: Tickets}}  # type: ignore[attr-defined]
    return list_acme_tickets
