"""The file of a recording: JSON Lines, written line by line, read whole.

    {"pillion": "recording", "version": 1, "pid": 4711, "made": "2026-11-28T23:20:02Z"}
    {"provider": "anthropic", "models": [{"name": "anthropic/…", …}]}
    {"part": 0, "value": "You are Pillion …"}        a system text, a list of tools or a message; each stands once
    {"call": 1, "request": {"model": "anthropic/…", "system": 0, "tools": 1, "messages": [2], "more": {}}}
    {"answer": 1, "at": [0.41, 0.43], "chunks": [{"text": {"text": "Two "}}, …, {"finish": {"reason": "stop"}}]}

A call without an answer was under way when the run ended. `at` are seconds since the call began.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct, structs

from pillion.contracts.provider import (
    CallPart,
    Chunk,
    Finish,
    Restart,
    ThinkingSeal,
    UsageSeen,
    Waiting,
)
from pillion.errors import ConfigError
from pillion.values import ModelInfo, Text, Thinking

from .failure import Failure
from .sameness import Asked

_log = logging.getLogger("pillion.plugin.replay")
VERSION = 1
BEGINS = b'{"pillion":"recording"'
KINDS: dict[str, type[Chunk]] = {
    "text": Text,
    "thinking": Thinking,
    "seal": ThinkingSeal,
    "call": CallPart,
    "usage": UsageSeen,
    "waiting": Waiting,
    "restart": Restart,
    "finish": Finish,
}
NAMES = {kind: name for name, kind in KINDS.items()}


class Head(Struct, frozen=True):
    """The first line. `pid` is the process that wrote the file."""

    pillion: str
    version: int
    pid: int
    made: str


class Offered(Struct, frozen=True):
    """A provider, and what it offered; they stand in the order in which `auto` looks at them."""

    provider: str
    models: tuple[ModelInfo, ...]


class PartLine(Struct, frozen=True):
    part: int
    value: Any


class References(Struct, frozen=True):
    """A request, its large things by the numbers of their parts."""

    model: str
    system: int
    tools: int
    messages: tuple[int, ...]
    more: dict[str, Any] = {}


class CallLine(Struct, frozen=True):
    call: int
    request: References


class AnswerLine(Struct, frozen=True, omit_defaults=True):
    """What came. `cancelled`: nobody wanted the rest."""

    answer: int
    at: tuple[float, ...] = ()
    chunks: tuple[dict[str, Any], ...] = ()
    error: Failure | None = None
    cancelled: bool = False


LINES: dict[str, type[Struct]] = {
    "pillion": Head,
    "provider": Offered,
    "part": PartLine,
    "call": CallLine,
    "answer": AnswerLine,
}


class Call(Struct, frozen=True):
    """One call of a recording. Without an `answer` the run ended in it."""

    number: int
    asked: Asked
    answer: AnswerLine | None = None

    def chunks(self) -> list[tuple[float, Chunk]]:
        """What came, with the seconds since the call began."""
        answer = self.answer or AnswerLine(self.number)
        return list(zip(answer.at, map(_chunk, answer.chunks), strict=True))


class Recording(Struct, frozen=True):
    """What a file holds. `models` by their providers."""

    path: Path
    models: dict[str, tuple[ModelInfo, ...]]
    calls: list[Call]

    def offered(self) -> dict[str, tuple[ModelInfo, ...]]:
        """The models, that of the first call first, since it is what `auto` is to find."""
        name = self.calls[0].asked.model
        provider = name.partition("/")[0]
        known = {model.name: model for model in self.models.get(provider, ())}
        first = known.pop(name, None) or ModelInfo(name, context=128_000, output=8_192)  # as of any unknown model
        return {provider: (first, *known.values())} | {p: m for p, m in self.models.items() if p != provider}


def read(path: Path) -> Recording:
    """The recording in that file. A torn last line is told and left. Raises ConfigError, which says what is wrong."""
    try:
        *lines, rest = path.read_bytes().split(b"\n")
    except OSError as error:
        raise ConfigError(
            f"The recording {path} can't be read: {error.strerror}.", plugin="replay", key="replay"
        ) from None
    if rest:
        _log.warning("The last line of %s was cut off while it was written; it is left out", path)
    if not lines or not lines[0].startswith(BEGINS):
        raise ConfigError(f"{path} is no recording.", plugin="replay", key="replay")
    models: dict[str, tuple[ModelInfo, ...]] = {}
    parts: dict[int, Any] = {}
    calls: dict[int, Call] = {}
    for number, data in enumerate(lines, 1):
        try:
            match _line(data):
                case Head(version=version) if version > VERSION:
                    raise ValueError(f"it is of version {version}, and this Pillion reads {VERSION}")  # noqa: TRY301
                case Offered(provider, offered):
                    models[provider] = offered
                case PartLine(part, value):
                    parts[part] = value
                case CallLine(call, asked):
                    calls[call] = Call(call, _asked(asked, parts))
                case AnswerLine(answer=answer) as line:
                    calls[answer] = structs.replace(calls[answer], answer=line)
        except (ValueError, KeyError, msgspec.MsgspecError) as error:
            said = f"Line {number} of the recording {path} is none: {error}."
            raise ConfigError(said, plugin="replay", key="replay", hint="Record the run anew.") from None
    if not calls:
        raise ConfigError(f"The recording {path} has no call of a model.", plugin="replay", key="replay")
    return Recording(path, models, list(calls.values()))


def kept(chunk: Chunk) -> dict[str, Any]:
    """A chunk as it stands in the file."""
    return {NAMES[type(chunk)]: structs.asdict(chunk) | _usage(chunk)}


def _usage(chunk: Chunk) -> dict[str, Any]:
    return {"usage": msgspec.to_builtins(chunk.usage)} if isinstance(chunk, UsageSeen) else {}


def _line(data: bytes) -> Struct:
    raw = msgspec.json.decode(data)
    first = next(iter(raw), "") if isinstance(raw, dict) else ""
    if first not in LINES:
        raise ValueError("no such line is known")
    return msgspec.convert(raw, LINES[first])


def _chunk(raw: dict[str, Any]) -> Chunk:
    ((name, fields),) = raw.items()
    chunk: Chunk = msgspec.convert(fields, KINDS[name])
    return chunk


def _asked(asked: References, parts: dict[int, Any]) -> Asked:
    messages = [parts[number] for number in asked.messages]
    return Asked(asked.model, parts[asked.system], parts[asked.tools], messages, asked.more)
