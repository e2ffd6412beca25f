"""Responses: a Request as their JSON, and their events as Pillion's chunks. Nothing is kept at the vendor's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import msgspec
from msgspec import Struct

from pillion.contracts.provider import CallPart, Chunk, Finish, Request, ThinkingSeal, UsageSeen
from pillion.values import Image, Message, ModelInfo, Part, Text, Thinking, ToolCall, ToolResult, Usage
from pillion.vendorfaults import failure, reported

from .contents import arguments, cache_key, closed, data_url, result_text

SEAL = "openai:"
"""Begins the seals of this format (`openai:<id>:<encrypted content>`); those of other vendors are not sent."""
CUT: dict[str, Literal["length", "filtered"]] = {"content_filter": "filtered"}


def body(request: Request, info: ModelInfo, official: bool) -> dict[str, Any]:
    """The request's JSON."""
    asked: dict[str, Any] = {
        "model": request.model.partition("/")[2],
        "input": list(_input(request.messages)),
        "stream": True,
        "store": False,
    }
    if request.system:
        asked["instructions"] = request.system
    if info.thinking:
        asked["include"] = ["reasoning.encrypted_content"]
    if request.tools and info.tools == "native":
        asked["tools"] = [
            {
                "type": "function",
                "name": tool.name,
                "description": tool.description,
                "parameters": tool.schema,
                "strict": False,
            }
            for tool in request.tools
        ]
        if not request.offered:
            asked["tool_choice"] = "none"
    if official and (key := cache_key(request)):  # some compatible servers refuse what they don't know
        asked["prompt_cache_key"] = key
    if request.max_output:
        asked["max_output_tokens"] = request.max_output
    temperature = info.temperature if request.temperature is None else request.temperature
    if temperature is not None:
        asked["temperature"] = temperature
    if info.effort:
        asked["reasoning"] = {"effort": info.effort}
    if request.schema is not None:
        format_ = {"type": "json_schema", "name": "answer", "schema": request.schema, "strict": closed(request.schema)}
        asked["text"] = {"format": format_}
    return asked


def _input(messages: tuple[Message, ...]) -> Iterator[dict[str, Any]]:
    for message in messages:
        if message.role == "assistant":
            yield from filter(None, map(_said, message.parts))
        else:
            yield from (_result(part) for part in message.parts if isinstance(part, ToolResult))
            content = list(filter(None, map(_content, message.parts)))
            if content:
                yield {"role": "user", "content": content}


def _said(part: Part) -> dict[str, Any] | None:
    match part:
        case Text(text) if text:
            return {"role": "assistant", "content": text}
        case ToolCall(id, name, text):
            return {"type": "function_call", "call_id": id, "name": name, "arguments": arguments(text)}
        case Thinking(text, signature) if signature.startswith(SEAL):
            id, _, encrypted = signature.removeprefix(SEAL).partition(":")
            summary = [{"type": "summary_text", "text": text}] if text else []
            return {"type": "reasoning", "id": id, "summary": summary, "encrypted_content": encrypted}
        case _:
            return None


def _content(part: Part) -> dict[str, Any] | None:
    match part:
        case Text(text) if text:
            return {"type": "input_text", "text": text}
        case Image():
            return {"type": "input_image", "image_url": data_url(part), "detail": "auto"}
        case _:
            return None


def _result(result: ToolResult) -> dict[str, Any]:
    words = result_text(result)
    output: Any = words
    if result.images:
        output = [{"type": "input_text", "text": words}, *map(_content, result.images)]
    return {"type": "function_call_output", "call_id": result.call, "output": output}


class _Item(Struct):
    type: str = ""
    id: str | None = None
    call_id: str | None = None
    name: str | None = None
    arguments: str | None = None
    encrypted_content: str | None = None


class _Cached(Struct):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None


class _Usage(Struct):
    input_tokens: int = 0
    output_tokens: int = 0
    input_tokens_details: _Cached | None = None


class _Cut(Struct):
    reason: str | None = None


class _Response(Struct):
    usage: _Usage | None = None
    error: Any = None
    incomplete_details: _Cut | None = None


class _Event(Struct):
    """All kinds of events in one; of those that are not known nothing is read."""

    type: str
    delta: Any = None
    output_index: int = 0
    summary_index: int = 0
    item: _Item | None = None
    response: _Response | None = None
    error: Any = None
    code: Any = None
    message: Any = None


_decoder = msgspec.json.Decoder(_Event)


class Reader:
    """Reads one answer. `done` once the vendor said that nothing follows; `ending` is None without a finish reason."""

    def __init__(self, vendor: str) -> None:
        self._vendor = vendor
        self._calls: set[int] = set()
        self._grown: set[int] = set()
        self.ending: Finish | None = None
        self.done = False

    def read(self, data: bytes) -> Iterator[Chunk]:
        """The chunks of one event. Raises ProviderError when it reports a failure."""
        if data == b"[DONE]":
            return
        event = _decoder.decode(data)
        match event.type:
            case "response.output_text.delta" | "response.refusal.delta":
                yield Text(event.delta)
            case "response.reasoning_summary_text.delta" | "response.reasoning_text.delta":
                yield Thinking(event.delta)
            case "response.reasoning_summary_part.added" if event.summary_index:
                yield Thinking("\n\n")
            case "response.function_call_arguments.delta":
                self._grown.add(event.output_index)
                yield CallPart(event.output_index, arguments=event.delta)
            case "response.output_item.added" if event.item is not None:
                yield from self._begun(event.output_index, event.item)
            case "response.output_item.done" if event.item is not None:
                yield from self._ended(event.output_index, event.item)
            case "response.completed" | "response.incomplete" | "response.failed":
                yield from self._closed(event.type, event.response or _Response())
            case "error":
                said = event.error or {"code": event.code, "message": event.message}
                raise failure(self._vendor, reported(0, {"error": said}))

    def _begun(self, at: int, item: _Item) -> Iterator[Chunk]:
        if item.type == "function_call":
            self._calls.add(at)
            yield CallPart(at, item.call_id or "", item.name or "")

    def _ended(self, at: int, item: _Item) -> Iterator[Chunk]:
        match item.type:
            case "function_call" if at not in self._calls:
                self._calls.add(at)
                yield CallPart(at, item.call_id or "", item.name or "", item.arguments or "")
            case "function_call" if at not in self._grown:
                yield CallPart(at, arguments=item.arguments or "")
            case "reasoning" if item.encrypted_content:
                yield ThinkingSeal(f"{SEAL}{item.id}:{item.encrypted_content}")

    def _closed(self, type_: str, response: _Response) -> Iterator[Chunk]:
        if (usage := response.usage) is not None:
            cache = usage.input_tokens_details or _Cached()
            cached, written = cache.cached_tokens or 0, cache.cache_write_tokens or 0
            yield UsageSeen(Usage(usage.input_tokens, usage.output_tokens, cached, written=written))
        if type_ == "response.failed":
            said = response.error or {"code": "server_error", "message": "The response failed."}
            raise failure(self._vendor, reported(0, {"error": said}))
        self.done = True
        if type_ == "response.incomplete":
            why = response.incomplete_details
            self.ending = Finish(CUT.get((why and why.reason) or "", "length"))
        else:
            self.ending = Finish("tool_calls" if self._calls else "stop")
