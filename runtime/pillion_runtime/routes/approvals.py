"""Approvals: somebody says whether a tool call may run."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct
from quart import Blueprint, Response

from pillion.asking import Remember
from pillion.errors import ConfigError

from ..bodies import answer, read
from ..described import described
from ..host import Host
from ..problems import FieldError, Refused


class NewDecision(Struct, frozen=True, forbid_unknown_fields=True):
    """POST …/approvals/{approval}. `remember` for the session: the same is not asked again in it. `always`: the
    `rule` of `approval.wanted` is added to the user's settings, and counts from the next call on.

    `by` is what the log will say: a person, or a flag like `--yes`.
    """

    decision: Literal["allow", "deny"]
    remember: Remember = "once"
    reason: Annotated[str, Meta(max_length=10_000)] = ""
    by: Literal["person", "flag"] = "person"


class Decided(Struct, frozen=True):
    """The decision as it stands in the log."""

    approval: str
    decision: Literal["allow", "deny"]
    remember: Remember


def blueprint(host: Host) -> Blueprint:
    routes = Blueprint("approvals", __name__, url_prefix="/api/sessions/<id>")

    @routes.post("/approvals/<approval>")
    @described(
        body=NewDecision,
        answers={200: Decided},
        errors=(409, 410),
        path={"approval": "The approval's id, as the event `approval.wanted` gives it."},
        example={"decision": "allow", "remember": "once"},
        shows={"approval": "d4d5a1305d992bc76e45a66afea81922", "decision": "allow", "remember": "once"},
    )
    async def decide_approval(id: str, approval: str) -> Response:
        """Says whether a tool call may run.

        The first answer wins: a second gets 409, one after the deadline or the turn's end 410. 422 when it can't be
        remembered `always`: the approval carries no `rule`, or the settings can't be written. Then it stays open.
        """
        wanted = await read(NewDecision)
        session = await host.kernel.session(id)
        try:
            await session.decide(
                approval, wanted.decision, remember=wanted.remember, reason=wanted.reason, by=wanted.by
            )
        except ConfigError as error:
            raise Refused(422, str(error), errors=[FieldError("remember", str(error))]) from None
        return answer(Decided(approval, wanted.decision, wanted.remember))

    return routes
