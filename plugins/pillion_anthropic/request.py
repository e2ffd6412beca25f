"""A Request as the JSON of Anthropic's messages."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from typing import Any, Literal

import msgspec

from pillion.contracts.provider import Request
from pillion.values import Image, Message, ModelInfo, Part, Text, Thinking, ToolCall, ToolResult

from .held import held

REDACTED = "redacted:"
"""Begins the seal of thinking that the vendor keeps to itself."""
SEAL = re.compile(r"[A-Za-z0-9+/=_-]+")
"""The vendor's signatures. A seal of another vendor looks otherwise, and is not sent."""
CACHED = {"type": "ephemeral"}

ThinkingMode = Literal["default", "adaptive", "off"] | int


def body(request: Request, info: ModelInfo, thinking: ThinkingMode) -> dict[str, Any]:
    """The request's JSON, with cache marks where the next step begins the same: behind tools, system and messages."""
    asked: dict[str, Any] = {
        "model": request.model.partition("/")[2],
        "max_tokens": request.max_output or info.output,
        "messages": _marked([said for message in request.messages if (said := _message(message))["content"]]),
        "stream": True,
    }
    if request.system:
        asked["system"] = [{"type": "text", "text": request.system, "cache_control": CACHED}]
    if request.tools and info.tools == "native":
        tools: list[dict[str, Any]] = [
            {"name": tool.name, "description": tool.description, "input_schema": tool.schema} for tool in request.tools
        ]
        tools[-1]["cache_control"] = CACHED
        asked["tools"] = tools
        if not request.offered:
            asked["tool_choice"] = {"type": "none"}
    temperature = info.temperature if request.temperature is None else request.temperature
    if temperature is not None:
        asked["temperature"] = temperature
    output: dict[str, Any] = {"effort": info.effort} if info.effort else {}
    if request.schema is not None and (schema := held(request.schema)) is not None:
        output["format"] = {"type": "json_schema", "schema": schema}
    if output:
        asked["output_config"] = output
    match thinking:
        case "adaptive":
            asked["thinking"] = {"type": "adaptive", "display": "summarized"}
        case "off":
            asked["thinking"] = {"type": "disabled"}
        case int() if thinking < asked["max_tokens"]:  # an answer too short for the budget goes without
            asked["thinking"] = {"type": "enabled", "budget_tokens": thinking}
    return asked


def _marked(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Marks the last message, and where the last request ended: from a mark the vendor looks back over 20 blocks only,
    and a step with many calls is longer. With those of tools and system these are the four that it takes."""
    answers = (at for at in reversed(range(len(messages))) if messages[at]["role"] == "assistant")
    for at in {len(messages) - 1, next(answers, 0) - 1}:
        if at >= 0 and messages[at]["role"] == "user":
            messages[at]["content"][-1]["cache_control"] = CACHED
    return messages


def _message(message: Message) -> dict[str, Any]:
    """Tool results stand first, as the vendor wants them; what it refuses (empty text, foreign seals) is left out."""
    parts = sorted(message.parts, key=lambda part: not isinstance(part, ToolResult))
    return {"role": message.role, "content": _blocks(parts)}


def _blocks(parts: Iterable[Part]) -> list[dict[str, Any]]:
    return [block for part in parts if (block := _block(part)) is not None]


def _block(part: Part) -> dict[str, Any] | None:
    match part:
        case Text(text):
            return {"type": "text", "text": text} if text.strip() else None
        case Image(media_type, data):
            source = {"type": "base64", "media_type": media_type, "data": base64.b64encode(data).decode()}
            return {"type": "image", "source": source}
        case ToolCall(id, name, arguments):
            return {"type": "tool_use", "id": id, "name": name, "input": _input(arguments)}
        case ToolResult(call, text, error, images):
            content = _blocks((Text(text), *images))
            block: dict[str, Any] = {"type": "tool_result", "tool_use_id": call, "content": content}
            return block | ({"is_error": True} if error else {})
        case Thinking(_, signature) if signature.startswith(REDACTED):
            return {"type": "redacted_thinking", "data": signature.removeprefix(REDACTED)}
        case Thinking(text, signature) if SEAL.fullmatch(signature):
            return {"type": "thinking", "thinking": text, "signature": signature}
        case _:
            return None


def _input(arguments: str) -> dict[str, Any]:
    """A call's arguments as an object: what the model wrote, or that in a string when it is none."""
    try:
        said = msgspec.json.decode(arguments or "{}")
    except msgspec.DecodeError:
        said = None
    return said if isinstance(said, dict) else {"malformed": arguments}
