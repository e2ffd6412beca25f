"""OpenAI responses."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Literal

from pillion.values import Image, Part, Text, Thinking, ToolCall, ToolResult, ToolSpec

from .asked import Conversation, image, joined, result, words
from .script import Kind, Reply
from .wire import Envelope, Frames, Rendered, call_id, encode, sse
from .wire_chat import CODES, error

__all__ = ["broken", "error", "error_event", "read", "stream", "whole"]

broken = b'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","delt\n\n'
Emit = Callable[..., bytes]


def read(body: dict[str, Any]) -> Conversation:
    """The request's contents."""
    given = body["input"]
    items = [{"role": "user", "content": given}] if isinstance(given, str) else given
    system = [body.get("instructions") or ""]
    system += [words(_parts(item["content"])) for item in items if item.get("role") in ("system", "developer")]
    format_ = (body.get("text") or {}).get("format") or {}
    return Conversation(
        model=body["model"],
        system="\n\n".join(filter(None, system)),
        messages=joined(_messages(items)),
        tools=tuple(
            ToolSpec(tool["name"], tool.get("description") or "", tool["parameters"])
            for tool in body.get("tools") or ()
        ),
        stream=body.get("stream", False),
        max_output=body.get("max_output_tokens"),
        schema=format_.get("schema"),
    )


def _messages(items: list[dict[str, Any]]) -> Iterator[tuple[Literal["user", "assistant"], list[Part]]]:
    for item in items:
        match item.get("type", "message"):
            case "message" if item["role"] in ("user", "assistant"):
                yield item["role"], _parts(item["content"])
            case "function_call":
                yield "assistant", [ToolCall(item["call_id"], item["name"], item["arguments"])]
            case "function_call_output":
                yield "user", [_result(item)]
            case "reasoning":
                text = "".join(part["text"] for part in item.get("summary") or ())
                yield "assistant", [Thinking(text, item.get("encrypted_content") or "")]


def _result(item: dict[str, Any]) -> ToolResult:
    parts = _parts(item["output"])
    plain = result(item["call_id"], words(parts))
    images = tuple(part for part in parts if isinstance(part, Image))
    return ToolResult(plain.call, plain.text, plain.error, images)


def _parts(content: str | list[dict[str, Any]]) -> list[Part]:
    if isinstance(content, str):
        return [Text(content)] if content else []
    return [image(part["image_url"]) if part["type"] == "input_image" else Text(part["text"]) for part in content]


def stream(reply: Reply, to: Envelope) -> Rendered:
    """The answer as it streams."""
    frames = Frames()
    number = -1

    def event(type_: str, **fields: Any) -> bytes:
        nonlocal number
        number += 1
        return sse({"type": type_, "sequence_number": number, **fields}, type_)

    begun = {**_response(reply, to, []), "status": "in_progress", "usage": None}
    frames.add(event("response.created", response=begun))
    frames.add(event("response.in_progress", response=begun))
    frames.opened()
    output = _items(reply, to)
    for at, item in enumerate(output):
        match item["type"]:
            case "reasoning":
                _reasoning(frames, event, at, item, reply.thinking)
            case "message":
                _message(frames, event, at, item, reply.words)
            case _:
                arguments = reply.calls[at - len(output)].arguments
                _function_call(frames, event, at, item, arguments)
    ended = "response.incomplete" if reply.ending in ("length", "filtered") else "response.completed"
    frames.add(event(ended, response=_response(reply, to, output)))
    return frames.done()


def _reasoning(frames: Frames, event: Emit, at: int, item: dict[str, Any], pieces: tuple[str, ...]) -> None:
    where = {"item_id": item["id"], "output_index": at, "summary_index": 0}
    part = {"type": "summary_text", "text": ""}
    empty = {**item, "summary": [], "encrypted_content": None}
    frames.add(event("response.output_item.added", output_index=at, item=empty))
    frames.add(event("response.reasoning_summary_part.added", **where, part=part))
    for piece in pieces:
        frames.piece(event("response.reasoning_summary_text.delta", **where, delta=piece))
    frames.add(event("response.reasoning_summary_text.done", **where, text="".join(pieces)))
    frames.add(event("response.reasoning_summary_part.done", **where, part=item["summary"][0]))
    frames.add(event("response.output_item.done", output_index=at, item=item))


def _message(frames: Frames, event: Emit, at: int, item: dict[str, Any], pieces: tuple[str, ...]) -> None:
    where = {"item_id": item["id"], "output_index": at, "content_index": 0}
    started = {**item, "status": "in_progress", "content": []}
    frames.add(event("response.output_item.added", output_index=at, item=started))
    frames.add(event("response.content_part.added", **where, part={**item["content"][0], "text": ""}))
    for piece in pieces:
        frames.piece(event("response.output_text.delta", **where, delta=piece, logprobs=[]))
    frames.add(event("response.output_text.done", **where, text="".join(pieces), logprobs=[]))
    frames.add(event("response.content_part.done", **where, part=item["content"][0]))
    frames.add(event("response.output_item.done", output_index=at, item=item))


def _function_call(frames: Frames, event: Emit, at: int, item: dict[str, Any], pieces: tuple[str, ...]) -> None:
    where = {"item_id": item["id"], "output_index": at}
    started = {**item, "status": "in_progress", "arguments": ""}
    frames.add(event("response.output_item.added", output_index=at, item=started))
    for piece in pieces:
        frames.piece(event("response.function_call_arguments.delta", **where, delta=piece))
    frames.add(event("response.function_call_arguments.done", **where, arguments=item["arguments"], name=item["name"]))
    frames.add(event("response.output_item.done", output_index=at, item=item))


def whole(reply: Reply, to: Envelope) -> bytes:
    """The answer at once."""
    return encode(_response(reply, to, _items(reply, to)))


def error_event(kind: Kind, message: str) -> bytes:
    data = {"type": "error", "code": CODES[kind][1], "message": message, "param": None, "sequence_number": 99}
    return sse(data, "error")


def _items(reply: Reply, to: Envelope) -> list[dict[str, Any]]:
    """The output's items, calls last."""
    items: list[dict[str, Any]] = []
    if reply.thinking:
        summary = [{"type": "summary_text", "text": "".join(reply.thinking)}]
        items.append(
            {"id": f"rs_{to.number}", "type": "reasoning", "summary": summary, "encrypted_content": reply.seal}
        )
    if reply.words:
        text = {"type": "output_text", "text": "".join(reply.words), "annotations": [], "logprobs": []}
        item = {"id": f"msg_{to.number}", "type": "message", "status": "completed", "role": "assistant"}
        items.append({**item, "content": [text]})
    for index, call in enumerate(reply.calls):
        items.append(
            {
                "id": f"fc_{to.number}_{index}",
                "type": "function_call",
                "status": "completed",
                "call_id": call_id(to, index, call.id),
                "name": call.name,
                "arguments": "".join(call.arguments),
            }
        )
    return items


def _response(reply: Reply, to: Envelope, output: list[dict[str, Any]]) -> dict[str, Any]:
    reasons = {"length": "max_output_tokens", "filtered": "content_filter"}
    cut = reasons.get(reply.ending)
    return {
        "id": f"resp_{to.number}",
        "object": "response",
        "created_at": 1_790_000_000,
        "status": "incomplete" if cut else "completed",
        "error": None,
        "incomplete_details": {"reason": cut} if cut else None,
        "instructions": None,
        "metadata": {},
        "model": to.model,
        "output": output,
        "parallel_tool_calls": True,
        "temperature": 1.0,
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "usage": {
            "input_tokens": reply.usage.input,
            "input_tokens_details": {
                "cached_tokens": reply.usage.cached,
                "cache_write_tokens": reply.usage.written,
            },
            "output_tokens": reply.usage.output,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": reply.usage.tokens,
        },
    }
