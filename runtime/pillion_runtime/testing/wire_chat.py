"""OpenAI chat completions, as OpenAI-compatible servers speak it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from pillion.values import Part, Text, Thinking, ToolCall, ToolSpec, Usage

from .asked import Conversation, image, joined, result
from .script import Kind, Reply
from .wire import Envelope, Frames, Rendered, call_id, encode, sse

broken = b'data: {"id":"chatcmpl-1","choices":[{"index":0,"del\n\n'
FINISH = {"stop": "stop", "tool_calls": "tool_calls", "length": "length", "filtered": "content_filter"}
CODES: dict[Kind, tuple[str, str]] = {
    "overloaded": ("server_error", "server_overloaded"),
    "rate_limit": ("requests", "rate_limit_exceeded"),
    "server": ("server_error", "server_error"),
    "quota": ("insufficient_quota", "insufficient_quota"),
    "key": ("invalid_request_error", "invalid_api_key"),
    "context": ("invalid_request_error", "context_length_exceeded"),
    "invalid": ("invalid_request_error", "invalid_value"),
}


def read(body: dict[str, Any]) -> Conversation:
    """The request's contents."""
    system = [_text(said["content"]) for said in body["messages"] if said["role"] in ("system", "developer")]
    format_ = body.get("response_format") or {}
    return Conversation(
        model=body["model"],
        system="\n\n".join(system),
        messages=joined(_messages(body["messages"])),
        tools=tuple(
            ToolSpec(tool["function"]["name"], tool["function"].get("description", ""), tool["function"]["parameters"])
            for tool in body.get("tools") or ()
        ),
        stream=body.get("stream", False),
        max_output=body.get("max_completion_tokens") or body.get("max_tokens"),
        schema=format_.get("json_schema", {}).get("schema"),
    )


def _messages(said: list[dict[str, Any]]) -> Iterator[tuple[Literal["user", "assistant"], list[Part]]]:
    for message in said:
        match message["role"]:
            case "user":
                yield "user", _parts(message["content"])
            case "tool":
                yield "user", [result(message["tool_call_id"], _text(message["content"]))]
            case "assistant":
                thinking = message.get("reasoning_content")
                calls = [
                    ToolCall(call["id"], call["function"]["name"], call["function"]["arguments"])
                    for call in message.get("tool_calls") or ()
                ]
                yield "assistant", [*([Thinking(thinking)] if thinking else ()), *_parts(message["content"]), *calls]


def _parts(content: str | list[dict[str, Any]] | None) -> list[Part]:
    if isinstance(content, str):
        return [Text(content)] if content else []
    return [
        image(part["image_url"]["url"]) if part["type"] == "image_url" else Text(part["text"]) for part in content or ()
    ]


def _text(content: str | list[dict[str, Any]]) -> str:
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


def stream(reply: Reply, to: Envelope) -> Rendered:
    """The answer as it streams."""
    frames = Frames()

    def event(delta: dict[str, Any], finish: str | None = None) -> bytes:
        return sse(_envelope(to, "chat.completion.chunk", [{"index": 0, "delta": delta, "finish_reason": finish}]))

    frames.add(event({"role": "assistant", "content": ""}))
    frames.opened()
    for piece in reply.thinking:
        frames.piece(event({"reasoning_content": piece}))
    for piece in reply.words:
        frames.piece(event({"content": piece}))
    for index, call in enumerate(reply.calls):
        function = {"name": call.name, "arguments": ""}
        head = {"index": index, "id": call_id(to, index, call.id), "type": "function", "function": function}
        frames.add(event({"tool_calls": [head]}))
        for piece in call.arguments:
            frames.piece(event({"tool_calls": [{"index": index, "function": {"arguments": piece}}]}))
    frames.add(event({}, FINISH[reply.ending]))
    frames.add(sse({**_envelope(to, "chat.completion.chunk", []), "usage": _usage(reply.usage)}))
    frames.add(b"data: [DONE]\n\n")
    return frames.done()


def whole(reply: Reply, to: Envelope) -> bytes:
    """The answer at once."""
    message: dict[str, Any] = {"role": "assistant", "content": "".join(reply.words) or None, "refusal": None}
    if reply.thinking:
        message["reasoning_content"] = "".join(reply.thinking)
    if reply.calls:
        message["tool_calls"] = [
            {
                "id": call_id(to, index, call.id),
                "type": "function",
                "function": {"name": call.name, "arguments": "".join(call.arguments)},
            }
            for index, call in enumerate(reply.calls)
        ]
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": FINISH[reply.ending]}
    return encode({**_envelope(to, "chat.completion", [choice]), "usage": _usage(reply.usage)})


def error(status: int, kind: Kind, message: str) -> bytes:
    return encode(_error(kind, message))


def error_event(kind: Kind, message: str) -> bytes:
    return sse(_error(kind, message))


def _error(kind: Kind, message: str) -> dict[str, Any]:
    type_, code = CODES[kind]
    return {"error": {"message": message, "type": type_, "param": None, "code": code}}


def _envelope(to: Envelope, object_: str, choices: list[Any]) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{to.number}",
        "object": object_,
        "created": 1_790_000_000,
        "model": to.model,
        "choices": choices,
    }


def _usage(usage: Usage) -> dict[str, Any]:
    return {
        "prompt_tokens": usage.input,
        "completion_tokens": usage.output,
        "total_tokens": usage.tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached, "cache_write_tokens": usage.written},
    }
