"""Chat completions: a Request as their JSON, and their chunks as Pillion's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import msgspec
from msgspec import Struct

from pillion.contracts.provider import CallPart, Chunk, Finish, Request, UsageSeen
from pillion.values import Image, Message, ModelInfo, Text, Thinking, ToolCall, ToolResult, Usage
from pillion.vendorfaults import failure, reported

from . import constrained
from .contents import arguments, cache_key, closed, data_url, result_text

FINISH: dict[str, Literal["stop", "tool_calls", "length", "filtered"]] = {
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "length": "length",
    "content_filter": "filtered",
}


def body(request: Request, info: ModelInfo, official: bool) -> dict[str, Any]:
    """The request's JSON. Servers other than OpenAI's own know `max_tokens` better than its successor."""
    messages, system, schema = request.messages, request.system, request.schema
    if info.tools != "native":
        messages = constrained.flattened(messages)
    if info.tools == "constrained" and request.offered:
        schema = constrained.schema(request.offered)
        system = f"{system}\n\n{constrained.instructions(request.offered)}".strip()
    asked: dict[str, Any] = {
        "model": request.model.partition("/")[2],
        "messages": [*([{"role": "system", "content": system}] if system else ()), *_messages(messages)],
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    if request.tools and info.tools == "native":
        asked["tools"] = [
            {
                "type": "function",
                "function": {"name": tool.name, "description": tool.description, "parameters": tool.schema},
            }
            for tool in request.tools
        ]
        if not request.offered:
            asked["tool_choice"] = "none"
    if official and (key := cache_key(request)):  # some compatible servers refuse what they don't know
        asked["prompt_cache_key"] = key
    if request.max_output:
        asked["max_completion_tokens" if official else "max_tokens"] = request.max_output
    temperature = info.temperature if request.temperature is None else request.temperature
    if temperature is not None:
        asked["temperature"] = temperature
    if info.effort:
        asked["reasoning_effort"] = info.effort
    if schema is not None:
        format_ = {"name": "answer", "schema": schema, "strict": closed(schema)}
        asked["response_format"] = {"type": "json_schema", "json_schema": format_}
    return asked


def _messages(messages: tuple[Message, ...]) -> Iterator[dict[str, Any]]:
    for message in messages:
        if message.role == "assistant":
            yield from _assistant(message)
        else:
            yield from _user(message)


def _assistant(message: Message) -> Iterator[dict[str, Any]]:
    calls = [part for part in message.parts if isinstance(part, ToolCall)]
    if not message.text and not calls:
        return  # a message of thinking only: these servers take none back
    said: dict[str, Any] = {"role": "assistant", "content": message.text or None}
    if calls:
        said["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": arguments(call.arguments)},
            }
            for call in calls
        ]
    yield said


def _user(message: Message) -> Iterator[dict[str, Any]]:
    """Tool results first; their images follow as the user's, since a result here is text only."""
    results = [part for part in message.parts if isinstance(part, ToolResult)]
    for result in results:
        yield {"role": "tool", "tool_call_id": result.call, "content": result_text(result)}
    content: list[dict[str, Any]] = [_image(image) for result in results for image in result.images]
    for part in message.parts:
        match part:
            case Text() if part.text:
                content.append({"type": "text", "text": part.text})
            case Image():
                content.append(_image(part))
    if len(content) == 1 and content[0]["type"] == "text":
        yield {"role": "user", "content": content[0]["text"]}
    elif content:
        yield {"role": "user", "content": content}


def _image(image: Image) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": data_url(image)}}


class _Function(Struct):
    name: str | None = None
    arguments: str | None = None


class _Call(Struct):
    index: int | None = None
    id: str | None = None
    function: _Function | None = None


class _Delta(Struct):
    content: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    refusal: str | None = None
    tool_calls: list[_Call] | None = None


class _Choice(Struct):
    delta: _Delta | None = None
    finish_reason: str | None = None


class _Cached(Struct):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None


class _Usage(Struct):
    prompt_tokens: int = 0
    completion_tokens: int = 0
    prompt_tokens_details: _Cached | None = None


class _Chunk(Struct):
    choices: list[_Choice] | None = None
    usage: _Usage | None = None
    error: Any = None


_decoder = msgspec.json.Decoder(_Chunk)


class Reader:
    """Reads one answer. `done` once the vendor said that nothing follows; `ending` is None without a finish reason."""

    def __init__(self, vendor: str) -> None:
        self._vendor = vendor
        self._finish: str | None = None
        self._calls: list[tuple[int, str]] = []
        self.done = False

    def read(self, data: bytes) -> Iterator[Chunk]:
        """The chunks of one event. Raises ProviderError when it reports a failure."""
        if data == b"[DONE]":
            self.done = True
            return
        chunk = _decoder.decode(data)
        if chunk.error is not None:
            raise failure(self._vendor, reported(0, {"error": chunk.error}))
        for choice in chunk.choices or ():
            if choice.delta is not None:
                yield from self._delta(choice.delta)
            self._finish = choice.finish_reason or self._finish
        if (usage := chunk.usage) is not None:
            cache = usage.prompt_tokens_details or _Cached()
            cached, written = cache.cached_tokens or 0, cache.cache_write_tokens or 0
            yield UsageSeen(Usage(usage.prompt_tokens, usage.completion_tokens, cached, written=written))

    @property
    def ending(self) -> Finish | None:
        if self._finish is None:
            return None
        # some servers say `stop` although they called tools
        return Finish(FINISH.get(self._finish, "tool_calls" if self._calls else "stop"))

    def _delta(self, delta: _Delta) -> Iterator[Chunk]:
        if thought := delta.reasoning_content or delta.reasoning:
            yield Thinking(thought)
        if words := delta.content or delta.refusal:
            yield Text(words)
        for call in delta.tool_calls or ():
            yield self._call(call)

    def _call(self, call: _Call) -> CallPart:
        """Pieces belong together by `index`; but some servers give every call the same one, and tell by a new id."""
        function = call.function or _Function()
        at = next((at for at in reversed(range(len(self._calls))) if self._calls[at][0] == (call.index or 0)), None)
        if at is not None and call.id in (None, "", self._calls[at][1]):
            return CallPart(at, arguments=function.arguments or "")
        self._calls.append((call.index or 0, call.id or ""))
        return CallPart(len(self._calls) - 1, call.id or "", function.name or "", function.arguments or "")
