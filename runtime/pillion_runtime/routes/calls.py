"""Single tool calls: an editor or a script runs a tool of a session, as its model would."""

from __future__ import annotations

from typing import Any, Literal

import trio
from msgspec import Struct
from quart import Blueprint, Response, request

from pillion import events as e
from pillion.errors import Gone
from pillion.letters import Accepted
from pillion.session import Session

from .. import preferences
from ..bodies import answer, fitting, read
from ..described import described
from ..host import Host

USUAL, LONGEST = 30.0, 300.0
"""Seconds that a request waits for its call, by default and at most."""


class NewToolCall(Struct, frozen=True, forbid_unknown_fields=True):
    """POST …/tools/{tool}. `when` a turn runs already: 409 (`reject`), wait (`queue`), or cancel it (`interrupt`)."""

    arguments: dict[str, Any] = {}
    when: Literal["reject", "queue", "interrupt"] = "reject"


class CallResult(Struct, frozen=True):
    """What the model would read. `code` names the failure where `error` is true, e.g. `denied`. With `whole`, `text` is
    its beginning and end; all of it: `GET …/outputs/{call}`."""

    text: str
    error: bool = False
    code: str = ""
    images: tuple[e.ImageRef, ...] = ()
    seconds: float = 0.0
    call: str = ""
    whole: e.TextRef | None = None


class CallView(Struct, frozen=True):
    """A call as the turn that runs it; its events come after `after`. `result` is null while it runs."""

    session: str
    turn: str
    after: str
    events: str
    result: CallResult | None


def blueprint(host: Host) -> Blueprint:
    routes = Blueprint("calls", __name__, url_prefix="/api/sessions/<id>")

    @routes.post("/tools/<tool>")
    @described(
        body=NewToolCall,
        answers={200: CallView, 202: CallView},
        headers={"Prefer": "`respond-async`: 202 at once; `wait=SECONDS`: 202 when it takes longer."},
        path={"tool": "The tool's name, as `GET /api/tools` lists it."},
        sends={
            "location": "Where to watch the turn.",
            "preference-applied": "What of Prefer was followed.",
        },
        errors=(409, 410, 429, 503),
        example={"arguments": {"path": "README.md"}},
    )
    async def call_tool(id: str, tool: str) -> Response:
        """Calls one tool, as a turn without a model: under the same policies, log and deadlines as a model's call.

        200 with the result; a call that was denied, failed or was cancelled has one, too. 202 without it when it takes
        longer than 30 s, or than Prefer says: the call goes on, and its turn's `tool.finished` tells the result. The
        same happens when the client leaves. 409: a turn runs and `when` is `reject`.
        """
        host.expect_work()
        wanted = await read(NewToolCall)
        session = await host.kernel.session(id)
        fitting(wanted.arguments, session.tool(tool).Arguments, "arguments")
        accepted = await session.call_tool(tool, wanted.arguments, when=wanted.when)
        wait = preferences.wait(request.headers.get("Prefer", ""), USUAL, LONGEST)
        result: CallResult | None = None
        with trio.move_on_after(wait.seconds):
            result = await _result(session, accepted)
        where = f"/api/sessions/{id}/events?after={accepted.after}"
        view = CallView(id, accepted.turn, accepted.after, where, result)
        return answer(view, 202 if result is None else 200, {"location": where} | wait.headers)

    return routes


async def _result(session: Session, accepted: Accepted) -> CallResult:
    """Waits for the turn's end. Raises Gone when the session ends before, or the call was taken back."""
    reader, result = session.follow(accepted.after), CallResult("The call was not run.", error=True, code="interrupted")
    while frames := await reader.page():
        for frame in frames:
            event = e.decode(frame.type, frame.data) if frame.turn in ("", accepted.turn) else None
            match event:
                case e.ToolFinished():
                    result = CallResult(
                        event.text, event.error, event.code, event.images, event.seconds, event.call, event.whole
                    )
                case e.ToolInterrupted():
                    result = CallResult(event.text, error=True, code="interrupted")
                case e.TurnFailed():
                    return CallResult(event.message, error=True, code=event.code)
                case e.PromptDropped() if event.prompt == accepted.turn:
                    raise Gone(f"The call was taken back before it ran: {event.why}.")
                case e.TurnFinished() | e.TurnCancelled() | e.TurnInterrupted():
                    return result
    raise Gone("The session ended before the call did.")
