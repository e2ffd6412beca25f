"""The sidecar's routes: GET /api/reach_the_devs, and POST /api/agentic/…"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec
from msgspec import Struct
from quart import Blueprint, Response

from pillion import PillionError

from .asked import Cancel, Chat, Diagnostics, Feedback, Place, Probe, Verify, folder, read
from .events import Kind
from .hotstreak import Judged
from .rider import Rider, Verdict
from .riding import Ride
from .streaming import MEDIA_TYPE, Stream, Whole, streamed

View = Callable[[], Awaitable[Response]]
GREETING = "You have reached Pillion. Its people read the issues of its repository."
KINDS = {
    400: "user", 401: "user", 403: "user", 404: "not_found", 405: "user", 409: "user", 413: "user", 415: "user",
    422: "user", 429: "user", 502: "upstream_service", 503: "upstream_service", 500: "internal",
}  # fmt: skip
"""The sidecar's kinds of errors by status."""
LATER = {
    "/api/agentic/agent_session_plan": "Plans",
    "/api/agentic/agent_session_plan_iterate": "Plans",
    "/api/agentic/agent_session_edit_agentic": "Edits over many files",
    "/api/agentic/code_sculpting": "Sculpting",
    "/api/agentic/code_sculpting_warmup": "Sculpting",
    "/api/agentic/code_sculpting_followup": "Sculpting",
    "/api/agentic/code_sculpting_heal": "Sculpting",
    "/api/agentic/probe_request": "Probing",
    "/api/agentic/get_mcts_data": "Trees of attempts",
    "/api/file/edit_file": "Edits from a chat's code block",
}
"""What is not there yet."""


class Greeting(Struct, frozen=True):
    response: str


class Done(Struct, frozen=True):
    done: bool = True


class NotYet(PillionError):
    """Pillion does not serve that route yet."""

    code = "not_implemented"
    status = 501


def members(problem: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the sidecar's clients look for in an error."""
    return {"kind": KINDS.get(problem["status"], "unknown"), "message": problem["detail"]}


def blueprint(rider: Rider) -> Blueprint:
    routes = Blueprint("aide", __name__)
    routes.problem_members = members  # type: ignore[attr-defined]
    routes.get("/api/reach_the_devs")(_reach())
    agentic = "/api/agentic"
    routes.post(f"{agentic}/agent_session_chat")(_ride(rider, "agent_session_chat", "chat", CHAT))
    routes.post(f"{agentic}/agent_tool_use")(_ride(rider, "agent_tool_use", "tool", TOOL))
    routes.post(f"{agentic}/agent_session_edit_anchored")(_ride(rider, "agent_session_edit_anchored", "edit", EDIT))
    routes.post(f"{agentic}/cancel_running_event")(_cancel(rider))
    routes.post(f"{agentic}/user_feedback_on_exchange")(_feedback(rider))
    routes.post(f"{agentic}/user_handle_session_undo")(_move(rider, "user_handle_session_undo", UNDO, dropped=True))
    routes.post(f"{agentic}/move_to_checkpoint")(_move(rider, "move_to_checkpoint", CHECKPOINT, dropped=False))
    routes.post(f"{agentic}/verify_model_config")(_verify(rider))
    routes.post(f"{agentic}/probe_request_stop")(_taken("probe_request_stop", Probe, STOP_PROBE))
    routes.post(f"{agentic}/diagnostics")(_taken("diagnostics", Diagnostics, DIAGNOSTICS))
    for path, what in LATER.items():
        routes.post(path)(_later(path, what))
    return routes


CHAT = """Answers a message of the person, without tools, as the sidecar's stream.

    `ChatEvent`s with what is new and all so far, then `FinishedExchange`.
    """
TOOL = """Works on a message of the person with tools, as the sidecar's stream.

    `ToolThinking`, `ToolTypeFound`, `ToolParameterFound`, `ToolUseDetected` and `ToolOutput` of each step; the last
    tool is `AttemptCompletion` or `AskFollowupQuestions`. A message to a run that has asked a question is its answer.
    """
EDIT = """Edits what is selected in place, as the sidecar's stream.

    `ExecutionState` and `EditsExchangeState`; the definition that holds the selection as `RangeSelectionForEdit`, then
    `ThinkingForEdit`, `EditCodeStreaming` and `EditCode`. Without a selection: an `Error`.
    """
UNDO = """Takes an exchange and all later ones out of the conversation. Files stay as they are.

    409: the session is at work.
    """
CHECKPOINT = """Goes back to behind an exchange, or forward again; later ones are hidden until the next message.

    409: the session is at work.
    """
STOP_PROBE = "Nothing probes, so nothing is to be stopped."
DIAGNOSTICS = "Takes what the editor finds wrong in a file, which nothing needs: it is asked for where it is."


def _reach() -> View:
    async def reach_the_devs() -> Response:
        """A greeting."""
        return _json(Greeting(GREETING))

    reach_the_devs.openapi = {"answers": {200: Greeting}}  # type: ignore[attr-defined]
    return reach_the_devs


def _ride(rider: Rider, name: str, kind: Kind, doc: str) -> View:
    async def view() -> Response:
        asked = await read(Chat)
        return _stream(rider, asked.session_id, asked.exchange_id, Ride(rider, asked, kind, folder(asked)))

    view.__name__, view.__doc__ = name, doc
    view.openapi = _streams(Chat)  # type: ignore[attr-defined]
    return view


def _cancel(rider: Rider) -> View:
    async def cancel_running_event() -> Response:
        """Stops the turn of an exchange, with all that it runs, and tells `ExecutionState` `Cancelled`.

        Of one that is over it tells nothing.
        """
        asked = await read(Cancel)
        return _stream(rider, asked.session_id, asked.exchange_id, Whole(lambda: rider.cancel(asked)))

    cancel_running_event.openapi = _streams(Cancel)  # type: ignore[attr-defined]
    return cancel_running_event


def _feedback(rider: Rider) -> View:
    async def user_feedback_on_exchange() -> Response:
        """Takes what the person thinks of an answer, and tells `FinishedExchange`.

        Where an edit was accepted, and the editor tells diagnostics: then `ChatEvent`s of what to edit next.
        """
        asked = await read(Feedback)
        return _stream(rider, asked.session_id, asked.exchange_id, Judged(rider, asked))

    user_feedback_on_exchange.openapi = _streams(Feedback)  # type: ignore[attr-defined]
    return user_feedback_on_exchange


def _move(rider: Rider, name: str, doc: str, *, dropped: bool) -> View:
    async def view() -> Response:
        await rider.move(await read(Place), dropped=dropped)
        return _json(Done())

    view.__name__, view.__doc__ = name, doc
    view.openapi = {"body": Place, "answers": {200: Done}, "errors": (404, 409, 410)}  # type: ignore[attr-defined]
    return view


def _verify(rider: Rider) -> View:
    async def verify_model_config() -> Response:
        """Asks the slow model of a configuration for a word. `error` says what is wrong."""
        return _json(await rider.verify((await read(Verify)).model_configuration))

    verify_model_config.openapi = {"body": Verify, "answers": {200: Verdict}}  # type: ignore[attr-defined]
    return verify_model_config


def _taken(name: str, body: type[Struct], doc: str) -> View:
    async def view() -> Response:
        await read(body)
        return _json(Done())

    view.__name__, view.__doc__ = name, doc
    view.openapi = {"body": body, "answers": {200: Done}}  # type: ignore[attr-defined]
    return view


def _later(path: str, what: str) -> View:
    async def view() -> Response:
        raise NotYet(f"{what} are not served yet.")

    view.__name__ = path.rpartition("/")[2]
    view.__doc__ = f"Not served yet: {what}."
    view.openapi = {"errors": (501,)}  # type: ignore[attr-defined]
    return view


def _streams(body: type[Struct]) -> dict[str, Any]:
    return {"body": body, "answers": {200: {MEDIA_TYPE: str}}}


def _stream(rider: Rider, session: str, exchange: str, source: Any) -> Response:
    return streamed(Stream(session, exchange, source, rider.kernel.secrets.redact))


def _json(value: Struct) -> Response:
    return Response(msgspec.json.encode(value), content_type="application/json")
