"""What a session can be made of: models, strategies, tools."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct
from quart import Blueprint, Response

from pillion.verifying import SECONDS, Verified, verify

from ..bodies import Listed, answer, read
from ..described import described
from ..host import Host
from ..modellist import ModelList, model_list
from . import names


class NewVerification(Struct, frozen=True, forbid_unknown_fields=True):
    """POST /api/models/verify. `model` is a full name, `""` the default; `seconds` is how long it may take."""

    model: str = ""
    seconds: Annotated[float, Meta(ge=1, le=300)] = SECONDS


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
    @described(answers={200: ModelList})
    async def list_models() -> Response:
        """The models that can answer now; the first is what `auto` takes."""
        return answer(model_list(host.kernel))

    @routes.post("/api/models/verify")
    @described(
        body=NewVerification,
        answers={200: Verified},
        errors=(429,),
        example={"model": "local/scripted"},
        shows={"model": "local/scripted", "ok": True, "verdict": "ok", "detail": "", "seconds": 0.41},
    )
    async def verify_model() -> Response:
        """Really asks a model for a word, and says whether it answers, or what is the matter."""
        wanted = await read(NewVerification)
        names.check(host, model=wanted.model)
        return answer(await verify(host.kernel, wanted.model, wanted.seconds))

    @routes.get("/api/strategies")
    @described(answers={200: Listed[StrategyView]})
    async def list_strategies() -> Response:
        """The ways to run a turn."""
        known = host.kernel.catalog.strategies
        return answer(Listed([StrategyView(name, known[name].description) for name in sorted(known)]))

    @routes.get("/api/tools")
    @described(answers={200: Listed[ToolView]})
    async def list_tools() -> Response:
        """The tools that a turn would get in an empty folder."""
        known = host.kernel.tools()
        return answer(Listed([ToolView(spec.name, spec.description, tool.effect, spec.schema) for tool, spec in known]))

    return routes
