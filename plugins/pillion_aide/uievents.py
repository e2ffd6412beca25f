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


class Edit:
    """The events of one edit of a symbol. Editors look for `ThinkingForEdit` in each of them, and fail where there is
    none: so it goes along, and says nothing."""

    def __init__(self, id: str, symbol: str, path: str, place: Mapping[str, Any]) -> None:
        self.id, self.path = id, path
        self._symbol = {"symbol_name": symbol, "fs_file_path": path}
        self._where = {"range": place, "fs_file_path": path}

    def thinking(self, so_far: str, delta: str) -> UIEvent:
        return self._event({}, so_far, delta)

    def selected(self) -> UIEvent:
        return self._event({"RangeSelectionForEdit": self._where})

    def streaming(self, event: str | Mapping[str, str], session: str, exchange: str) -> UIEvent:
        """`event` is `Start`, `{"Delta": …}` or `End`."""
        ids = {"edit_request_id": self.id, "session_id": session, "exchange_id": exchange, "plan_step_id": None}
        said = {**ids, **self._where, "updated_code": None, "event": event, "apply_directly": False}
        return self._event({"EditCodeStreaming": said})

    def code(self, new: str) -> UIEvent:
        return self._event({"EditCode": {**self._where, "new_code": new}})

    def _event(self, variant: Mapping[str, Any], so_far: str = "", delta: str = "") -> UIEvent:
        thought = {"edit_request_id": self.id, "thinking": so_far, "delta": delta}
        edit = {**variant, "ThinkingForEdit": thought}
        return {"SymbolEventSubStep": {"symbol_identifier": self._symbol, "event": {"Edit": edit}}}


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


def joined(one: UIEvent, next: UIEvent) -> UIEvent | None:
    """Both as one event, where the later one says all that the earlier one did: of a text that grew meanwhile."""
    if "ChatEvent" in one and "ChatEvent" in next:
        return {"ChatEvent": {**next["ChatEvent"], "delta": one["ChatEvent"]["delta"] + next["ChatEvent"]["delta"]}}
    if _is_thinking(one) and _is_thinking(next):
        return next
    return None


def _is_thinking(event: UIEvent) -> bool:
    return "ToolThinking" in event.get("FrameworkEvent", {})
