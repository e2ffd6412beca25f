"""Approvals: somebody says whether a tool call may run."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct
from quart import Blueprint, Response

from ..bodies import answer, read
from ..host import Host


class NewDecision(Struct, frozen=True, forbid_unknown_fields=True):
    """POST …/approvals/{approval}. `remember` for the session: the same is not asked again in it.

    `by` is what the log will say: a person, or a flag like `--yes`.
    """

    decision: Literal["allow", "deny"]
    remember: Literal["once", "session"] = "once"
    reason: Annotated[str, Meta(max_length=10_000)] = ""
    by: Literal["person", "flag"] = "person"


def blueprint(host: Host) -> Blueprint:
    routes = Blueprint("approvals", __name__, url_prefix="/api/sessions/<id>")

    @routes.post("/approvals/<approval>")
    async def decide(id: str, approval: str) -> Response:
        """The first answer wins: a second gets 409, one after the deadline 410."""
        wanted = await read(NewDecision)
        session = await host.kernel.session(id)
        await session.decide(approval, wanted.decision, remember=wanted.remember, reason=wanted.reason, by=wanted.by)
        return answer({"approval": approval, "decision": wanted.decision, "remember": wanted.remember})

    return routes
