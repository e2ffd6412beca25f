"""GET /api/usage."""

from __future__ import annotations

import msgspec
from quart import Blueprint, Response, abort, request

from .accounts import Accounts
from .view import Asked, UsagePage, page, wanted


def blueprint(accounts: Accounts) -> Blueprint:
    routes = Blueprint("usage", __name__)

    async def show_usage() -> Response:
        """What model calls used: tokens and money.

        Every call counts: of children, for titles and other ends, and those that failed. Those of a session's children
        are the session's.
        """
        asked = _asked()
        kernel = accounts.kernel
        if asked.session and asked.session not in kernel.ephemeral:
            await kernel.store.info(asked.session)
        ephemeral = asked.ephemeral or asked.session in kernel.ephemeral
        found = await accounts.found(wanted(asked), ephemeral=ephemeral)
        memory = ephemeral or accounts.in_memory(asked.session)
        told = page(found, asked, accounts.ledger.since if memory else None)
        return Response(msgspec.json.encode(told), content_type="application/json")

    show_usage.openapi = {  # type: ignore[attr-defined]
        "query": Asked,
        "answers": {200: UsagePage},
        "errors": (404, 503),
    }
    routes.get("/api/usage")(show_usage)
    return routes


def _asked() -> Asked:
    try:
        asked = msgspec.convert(request.args.to_dict(), Asked, strict=False)
    except msgspec.ValidationError as error:
        abort(422, f"{error}.")
    if asked.by in ("turn", "step") and not asked.session:
        abort(422, f"Which session's? Turns and steps are told of one `session`, not by={asked.by} of all.")
    return asked
