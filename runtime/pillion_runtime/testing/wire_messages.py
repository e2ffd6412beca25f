"""Anthropic messages."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any, Literal

import msgspec

from pillion.values import Image, Part, Text, Thinking, ToolCall, ToolResult, ToolSpec, Usage

from .asked import Conversation, joined, words
from .script import Kind, Reply
from .wire import Envelope, Frames, Rendered, call_id, encode, sse

broken = (
    b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","te\n\n'
)
FINISH = {"stop": "end_turn", "tool_calls": "tool_use", "length": "max_tokens", "filtered": "refusal"}
TYPES: dict[Kind, str] = {
    "overloaded": "overloaded_error",
    "rate_limit": "rate_limit_error",
    "server": "api_error",
    "quota": "billing_error",
    "key": "authentication_error",
    "context": "invalid_request_error",
    "invalid": "invalid_request_error",
}


def read(body: dict[str, Any]) -> Conversation:
    """The request's contents."""
    system = body.get("system") or ""
    output = (body.get("output_config") or {}).get("format") or {}
    return Conversation(
        model=body["model"],
        system=system if isinstance(system, str) else "\n\n".join(block["text"] for block in system),
        messages=joined(_messages(body["messages"])),
        tools=tuple(
            ToolSpec(tool["name"], tool.get("description", ""), tool["input_schema"])
            for tool in body.get("tools") or ()
        ),
        stream=body.get("stream", False),
        max_output=body["max_tokens"],
        schema=output.get("schema"),
    )


def _messages(said: list[dict[str, Any]]) -> Iterator[tuple[Literal["user", "assistant"], list[Part]]]:
    for message in said:
        yield message["role"], _parts(message["content"])


def _parts(content: str | list[dict[str, Any]]) -> list[Part]:
    if isinstance(content, str):
        return [Text(content)]
    return [part for block in content if (part := _part(block)) is not None]


def _part(block: dict[str, Any]) -> Part | None:
    match block["type"]:
        case "text":
            return Text(block["text"])
        case "image":
            return Image(block["source"]["media_type"], base64.b64decode(block["source"]["data"]))
        case "tool_use":
            return ToolCall(block["id"], block["name"], encode(block["input"]).decode())
        case "tool_result":
            parts = _parts(block.get("content") or [])
            images = tuple(part for part in parts if isinstance(part, Image))
            return ToolResult(block["tool_use_id"], words(parts), block.get("is_error", False), images)
        case "thinking":
            return Thinking(block["thinking"], block["signature"])
        case "redacted_thinking":
            return Thinking("", block["data"])
        case _:
            return None


def stream(reply: Reply, to: Envelope) -> Rendered:
    """The answer as it streams."""
    frames = Frames()
    at = -1

    def event(type_: str, **fields: Any) -> bytes:
        return sse({"type": type_, **fields}, type_)

    def begin(block: dict[str, Any]) -> None:
        nonlocal at
        if at >= 0:
            frames.add(event("content_block_stop", index=at))
        at += 1
        frames.add(event("content_block_start", index=at, content_block=block))

    def grow(**delta: Any) -> bytes:
        return event("content_block_delta", index=at, delta=delta)

    start = {**_message(reply, to, []), "stop_reason": None, "usage": {**_usage(reply.usage), "output_tokens": 1}}
    frames.add(event("message_start", message=start))
    frames.add(event("ping"))
    frames.opened()
    if reply.thinking:
        begin({"type": "thinking", "thinking": "", "signature": ""})
        for piece in reply.thinking:
            frames.piece(grow(type="thinking_delta", thinking=piece))
        frames.add(grow(type="signature_delta", signature=reply.seal))
    if reply.words:
        begin({"type": "text", "text": ""})
        for piece in reply.words:
            frames.piece(grow(type="text_delta", text=piece))
    for index, call in enumerate(reply.calls):
        begin({"type": "tool_use", "id": call_id(to, index, call.id), "name": call.name, "input": {}})
        for piece in call.arguments:
            frames.piece(grow(type="input_json_delta", partial_json=piece))
    if at >= 0:
        frames.add(event("content_block_stop", index=at))
    ending = {"stop_reason": FINISH[reply.ending], "stop_sequence": None}
    frames.add(event("message_delta", delta=ending, usage={"output_tokens": reply.usage.output}))
    frames.add(event("message_stop"))
    return frames.done()


def whole(reply: Reply, to: Envelope) -> bytes:
    """The answer at once."""
    blocks: list[dict[str, Any]] = []
    if reply.thinking:
        blocks.append({"type": "thinking", "thinking": "".join(reply.thinking), "signature": reply.seal})
    if reply.words:
        blocks.append({"type": "text", "text": "".join(reply.words)})
    for index, call in enumerate(reply.calls):
        arguments = msgspec.Raw("".join(call.arguments).encode())
        blocks.append({"type": "tool_use", "id": call_id(to, index, call.id), "name": call.name, "input": arguments})
    return encode(_message(reply, to, blocks))


def error(status: int, kind: Kind, message: str) -> bytes:
    return encode(_error(kind, message))


def error_event(kind: Kind, message: str) -> bytes:
    return sse(_error(kind, message), "error")


def _error(kind: Kind, message: str) -> dict[str, Any]:
    said = f"prompt is too long: {message}" if kind == "context" else message
    return {"type": "error", "error": {"type": TYPES[kind], "message": said}, "request_id": "req_1"}


def _message(reply: Reply, to: Envelope, content: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": f"msg_{to.number}",
        "type": "message",
        "role": "assistant",
        "model": to.model,
        "content": content,
        "stop_reason": FINISH[reply.ending],
        "stop_sequence": None,
        "usage": _usage(reply.usage),
    }


def _usage(usage: Usage) -> dict[str, Any]:
    return {
        "input_tokens": usage.input - usage.cached - usage.written,
        "cache_read_input_tokens": usage.cached,
        "cache_creation_input_tokens": usage.written,
        "output_tokens": usage.output,
    }
