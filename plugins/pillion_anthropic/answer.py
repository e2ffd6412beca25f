"""The events of one streamed answer as Pillion's chunks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import msgspec
from msgspec import Struct

from pillion.contracts.provider import CallPart, Chunk, Finish, ThinkingSeal, UsageSeen
from pillion.values import Text, Thinking, Usage
from pillion.vendorfaults import failure, reported

from .request import REDACTED

FINISH: dict[str, Literal["stop", "tool_calls", "length", "filtered"]] = {
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "filtered",
}


class _Usage(Struct):
    """Each event tells what changed; the counts are totals."""

    input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    output_tokens: int | None = None


class _Message(Struct):
    usage: _Usage | None = None


class _Block(Struct):
    type: str
    id: str = ""
    name: str = ""
    text: str | None = None
    thinking: str | None = None
    data: str = ""


class _Delta(Struct):
    type: str = ""
    text: str = ""
    thinking: str = ""
    signature: str = ""
    partial_json: str = ""
    stop_reason: str | None = None


class _Event(Struct):
    """All kinds of events in one; of those that are not known nothing is read."""

    type: str
    index: int = 0
    message: _Message | None = None
    content_block: _Block | None = None
    delta: _Delta | None = None
    usage: _Usage | None = None
    error: Any = None


_decoder = msgspec.json.Decoder(_Event)


class Reader:
    """Reads one answer. `done` once the vendor said that nothing follows; `ending` is None without a finish reason."""

    def __init__(self) -> None:
        self._usage = _Usage()
        self.ending: Finish | None = None
        self.done = False

    def read(self, data: bytes) -> Iterator[Chunk]:
        """The chunks of one event. Raises ProviderError when it reports a failure."""
        event = _decoder.decode(data)
        match event.type:
            case "content_block_delta" if event.delta is not None:
                yield from _grown(event.index, event.delta)
            case "content_block_start" if event.content_block is not None:
                yield from _begun(event.index, event.content_block)
            case "message_start" if event.message is not None and event.message.usage is not None:
                yield self._used(event.message.usage)
            case "message_delta":
                if event.usage is not None:
                    yield self._used(event.usage)
                if event.delta is not None and event.delta.stop_reason:
                    self.ending = Finish(FINISH.get(event.delta.stop_reason, "stop"))
            case "message_stop":
                self.done = True
            case "error":
                raise failure("anthropic", reported(0, {"error": event.error}))

    def _used(self, news: _Usage) -> UsageSeen:
        for name in news.__struct_fields__:
            if (count := getattr(news, name)) is not None:
                setattr(self._usage, name, count)
        cached, written = self._usage.cache_read_input_tokens or 0, self._usage.cache_creation_input_tokens or 0
        whole = (self._usage.input_tokens or 0) + cached + written
        return UsageSeen(Usage(whole, self._usage.output_tokens or 0, cached, written=written))


def _begun(at: int, block: _Block) -> Iterator[Chunk]:
    match block.type:
        case "tool_use":
            yield CallPart(at, block.id, block.name)
        case "text" if block.text:
            yield Text(block.text)
        case "thinking" if block.thinking:
            yield Thinking(block.thinking)
        case "redacted_thinking":
            yield ThinkingSeal(REDACTED + block.data)


def _grown(at: int, delta: _Delta) -> Iterator[Chunk]:
    match delta.type:
        case "text_delta":
            yield Text(delta.text)
        case "input_json_delta":
            yield CallPart(at, arguments=delta.partial_json)
        case "thinking_delta":
            yield Thinking(delta.thinking)
        case "signature_delta":
            yield ThinkingSeal(delta.signature)
