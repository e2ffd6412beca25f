"""The sidecar's UI events, by the names that cross to the editor. Only what it can take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from .framing import UIEvent

EditsState = Literal["Loading", "MarkedComplete", "Cancelled", "Accepted"]
UNAUTHORIZED = "Unauthorized access. Please check your API key and try again."
RATE_LIMIT = "Rate limit exceeded. Please try again later."


def error(message: str) -> UIEvent:
    return {"Error": {"message": message}}


def chat(exchange: str, so_far: str, delta: str) -> UIEvent:
    return {"ChatEvent": {"answer_up_until_now": so_far, "delta": delta, "exchange_id": exchange}}


def finished(session: str, exchange: str) -> UIEvent:
    return {"ExchangeEvent": {"FinishedExchange": {"exchange_id": exchange, "session_id": session}}}


def execution(state: Literal["Inference", "InReview", "Cancelled"]) -> UIEvent:
    return {"ExchangeEvent": {"ExecutionState": state}}


def edits(state: EditsState, files: Sequence[str]) -> UIEvent:
    return {"ExchangeEvent": {"EditsExchangeState": {"edits_state": state, "files": list(files)}}}


def thinking(text: str) -> UIEvent:
    """`text` is all of it so far."""
    return {"FrameworkEvent": {"ToolThinking": {"thinking": text}}}


def thinking_for_edit(edit: str, symbol: str, path: str, so_far: str, delta: str) -> UIEvent:
    """The one kind of edit event that the editor takes."""
    thought = {"edit_request_id": edit, "thinking": so_far, "delta": delta}
    identifier = {"symbol_name": symbol, "fs_file_path": path}
    return {"SymbolEventSubStep": {"symbol_identifier": identifier, "event": {"Edit": {"ThinkingForEdit": thought}}}}


def tool_type(name: str | Mapping[str, str]) -> UIEvent:
    return {"FrameworkEvent": {"ToolTypeFound": {"tool_type": name}}}


def parameter(name: str, value: str, delta: str) -> UIEvent:
    found = {"field_name": name, "field_content_up_until_now": value, "field_content_delta": delta}
    return {"FrameworkEvent": {"ToolParameterFound": {"tool_parameter_input": found}}}


def tool_use(given: Mapping[str, Any], thought: str) -> UIEvent:
    return {"FrameworkEvent": {"ToolUseDetected": {"tool_use_partial_input": given, "thinking": thought}}}


def tool_output(text: str) -> UIEvent:
    output = {"ToolOutputResponse": {"delta": "", "answer_up_until_now": text}}
    return {"FrameworkEvent": {"ToolOutput": output}}


def tool_not_found(text: str) -> UIEvent:
    return {"FrameworkEvent": {"ToolNotFound": {"full_output": text}}}
