"""How much of its model's window a session fills."""

from __future__ import annotations

from msgspec import Struct
from quart import Blueprint, Response, request

from pillion.contextsize import size_of

from ..bodies import answer, checked
from ..described import described
from ..host import Host


class Counting(Struct, frozen=True):
    """GET …/context. `vendor`: the model's vendor counts, too; where it can that costs a request, and no money."""

    vendor: bool = False


class ContextView(Struct, frozen=True):
    """Tokens of what the model was sent last, by part, counted `by` what suits it, of its `window`.

    Where none was asked since the session is in memory, `asked` is false, and only the conversation is counted.
    `vendor` is what the vendor counts of all of it; null where it was not asked to, or has no such thing.
    """

    model: str
    window: int
    by: str
    asked: bool
    system: int
    tools: int
    messages: int
    total: int
    vendor: int | None


def blueprint(host: Host) -> Blueprint:
    routes = Blueprint("context", __name__, url_prefix="/api/sessions/<id>")

    @routes.get("/context")
    @described(
        query=Counting,
        answers={200: ContextView},
        errors=(429, 502, 503),
        shows={
            "model": "anthropic/claude-sonnet-5-5",
            "window": 1_000_000,
            "by": "estimate claude-5",
            "asked": True,
            "system": 612,
            "tools": 4210,
            "messages": 18_730,
            "total": 23_552,
            "vendor": None,
        },
    )
    async def show_context(id: str) -> Response:
        """How long what the model is sent has become, in tokens by part, and what they are counted by."""
        asked = checked(request.args, Counting)
        size = await size_of(host.kernel, await host.kernel.look(id), vendor=asked.vendor)
        tokens = size.tokens
        return answer(
            ContextView(
                size.model.name,
                size.model.context,
                tokens.by,
                size.asked,
                tokens.system,
                tokens.tools,
                tokens.messages,
                tokens.total,
                size.vendor,
            )
        )

    return routes
