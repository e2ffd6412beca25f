"""Results that were too long for the model, whole."""

from __future__ import annotations

from quart import Blueprint, Response

from ..described import described
from ..host import Host

TEXT = "text/plain; charset=utf-8"


def blueprint(host: Host) -> Blueprint:
    routes = Blueprint("outputs", __name__, url_prefix="/api/sessions/<id>")

    @routes.get("/outputs/<path:call>")
    @described(
        answers={200: {"text/plain": str}},
        path={"call": "The call, as `tool.finished` names it."},
    )
    async def show_output(id: str, call: str) -> Response:
        """The whole result of a call, as text, where `tool.finished` has a `whole`: its `text` is beginning and end.

        404 for a call whose result is whole in its `tool.finished`.
        """
        session = await host.kernel.look(id)
        return Response(await session.output(call), content_type=TEXT)

    return routes
