"""The plugins, and what became of each."""

from __future__ import annotations

from quart import Blueprint, Response

from pillion.plugins import PluginState

from ..bodies import Listed, answer
from ..described import described
from ..host import Host


def blueprint(host: Host) -> Blueprint:
    routes = Blueprint("plugins", __name__)

    @routes.get("/api/plugins")
    @described(answers={200: Listed[PluginState]})
    async def list_plugins() -> Response:
        """What became of each plugin that the settings list."""
        return answer(Listed(host.kernel.host.states()))

    return routes
