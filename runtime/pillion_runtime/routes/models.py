"""What a session can be made of: models, strategies, tools."""

from __future__ import annotations

from typing import Any

from msgspec import Struct
from quart import Blueprint, Response

from ..bodies import answer
from ..host import Host


class StrategyView(Struct, frozen=True):
    name: str
    description: str


class ToolView(Struct, frozen=True):
    """`schema` is JSON Schema of the tool's arguments."""

    name: str
    description: str
    effect: str
    schema: dict[str, Any]


def blueprint(host: Host) -> Blueprint:
    routes = Blueprint("models", __name__)

    @routes.get("/api/models")
    async def models() -> Response:
        return answer({"data": host.kernel.catalog.models()})

    @routes.get("/api/strategies")
    async def strategies() -> Response:
        known = host.kernel.catalog.strategies
        return answer({"data": [StrategyView(name, known[name].description) for name in sorted(known)]})

    @routes.get("/api/tools")
    async def tools() -> Response:
        """The tools that a turn would get in an empty folder."""
        known = host.kernel.tools()
        return answer(
            {"data": [ToolView(spec.name, spec.description, tool.effect, spec.schema) for tool, spec in known]}
        )

    return routes
