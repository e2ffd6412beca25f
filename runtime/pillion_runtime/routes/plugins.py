"""The plugins, and what became of each."""

from __future__ import annotations

from quart import Blueprint, Response

from ..bodies import answer
from ..host import Host


def blueprint(host: Host) -> Blueprint:
    routes = Blueprint("plugins", __name__)

    @routes.get("/api/plugins")
    async def plugins() -> Response:
        return answer({"data": host.kernel.host.states()})

    return routes
