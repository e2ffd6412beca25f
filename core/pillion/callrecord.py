"""What one model call took and gave, measured while it runs; and what was sent and came, where that is kept."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Any, Literal

import trio
from msgspec import Struct

from . import events as e
from .contracts.provider import Request
from .errors import PillionError
from .secrets import Secrets
from .values import Message, ToolSpec, Usage

MOST = 10_000
"""Messages whose names a session remembers; behind that they are told to the store again, which has them."""


class Head(Struct, frozen=True, omit_defaults=True):
    """All of a request but its messages, as it is kept."""

    system: str = ""
    tools: tuple[ToolSpec, ...] = ()
    max_output: int | None = None
    temperature: float | None = None
    schema: dict[str, Any] | None = None
    tool_choice: Literal["auto", "none"] = "auto"


class Keeper:
    """Makes blobs of one session's requests: each message is one, so that a step adds only what is new."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets
        self._names: dict[Message, str] = {}
        self._stored: set[str] = set()

    def names(self, request: Request, blobs: dict[str, bytes]) -> tuple[str, ...]:
        """The hashes of the request's head and messages; puts into `blobs` what the store may not have."""
        head = Head(
            request.system,
            request.tools,
            request.max_output,
            request.temperature,
            request.schema,
            request.tool_choice,
        )
        return (self._put(head, blobs), *(self.name(message, blobs) for message in request.messages))

    def name(self, message: Message, blobs: dict[str, bytes]) -> str:
        """The hash of one message; puts it into `blobs` if the store may not have it."""
        name = self._names.get(message, "")
        if name not in self._stored:
            name = self._names[message] = self._put(message, blobs)
        return name

    def stored(self, names: Iterable[str]) -> None:
        """The store has these."""
        if len(self._names) > MOST:
            self._names.clear()
            self._stored.clear()
        self._stored.update(names)

    def _put(self, value: object, blobs: dict[str, bytes]) -> str:
        data = self._secrets.redact_bytes(e.as_json(value))
        name = hashlib.sha256(data).hexdigest()
        if name not in self._stored:
            blobs[name] = data
        return name


class CallRecord:
    """One model call. A context manager round its stream: an error that leaves it is the call's.

    `usage` and `model` are what is known so far; `blobs` belong to the event that `told` gives.
    """

    def __init__(self, request: Request, *, step: int = 0, role: str = "", keeper: Keeper | None = None) -> None:
        self.model, self.usage = request.model, Usage()
        self.blobs: dict[str, bytes] = {}
        self._request, self._step, self._role, self._keeper = request, step, role, keeper
        self._began = trio.current_time()
        self._first = self._seconds = 0.0
        self._error = ""
        self._told: e.UsageRecorded | None = None

    def __enter__(self) -> CallRecord:
        return self

    def __exit__(self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None) -> None:
        self._seconds = self._passed()
        self._error = _code(error) if error is not None else ""

    def piece(self) -> None:
        """Something came of the answer."""
        self._first = self._first or self._passed()

    def restart(self, model: str) -> None:
        """What came is void, and `model` (empty: the same) begins again."""
        self.model, self.usage, self._first = model or self.model, Usage(), 0.0

    def told(self, finish: str = "", answer: Message | None = None) -> e.UsageRecorded:
        """The event that tells of the call, made once. Without a `finish` it has failed or been cancelled."""
        if self._told is None:
            names: tuple[str, ...] = ()
            name = ""
            if self._keeper is not None:
                names = self._keeper.names(self._request, self.blobs)
                name = self._keeper.name(answer, self.blobs) if answer is not None else ""
            self._told = e.UsageRecorded(
                step=self._step,
                model=self.model,
                usage=self.usage,
                role=self._role,
                seconds=self._seconds or self._passed(),
                first=self._first,
                finish=finish,
                error="" if finish else self._error or "cancelled",
                request=names,
                answer=name,
            )
        return self._told

    def told_by(self, event: e.Event) -> bool:
        """Is that the event?"""
        return event is self._told

    def is_kept(self) -> None:
        """The event and its blobs are durable."""
        if self._keeper is not None:
            self._keeper.stored(self.blobs)

    def _passed(self) -> float:
        return round(trio.current_time() - self._began, 6)


class CallRecords:
    """Those of one turn of which its log does not tell yet."""

    def __init__(self) -> None:
        self._all: list[CallRecord] = []

    def take(self, call: CallRecord) -> CallRecord:
        """One begins now. Whatever becomes of it, the log tells of it."""
        self._all.append(call)
        return call

    def strike(self, events: Sequence[e.Event]) -> None:
        """The log has these events."""
        for call in [call for call in self._all if any(call.told_by(event) for event in events)]:
            call.is_kept()
            self._all.remove(call)

    def untold(self) -> tuple[list[e.Event], dict[str, bytes]]:
        """What tells of the calls that failed or were cancelled, with its blobs; for the turn's end."""
        told: list[e.Event] = [call.told() for call in self._all]
        return told, {name: blob for call in self._all for name, blob in call.blobs.items()}


def _code(error: BaseException) -> str:
    """The code of the first error of ours in it."""
    group = BaseExceptionGroup("", [error])
    ours: BaseException | None = group.subgroup(PillionError)
    while isinstance(ours, BaseExceptionGroup):
        ours = ours.exceptions[0]
    if isinstance(ours, PillionError):
        return ours.code
    return "cancelled" if group.subgroup(trio.Cancelled) else "internal"
