"""What the three wire formats have in common: server-sent events in HTTP chunks, encoded before they are sent."""

from __future__ import annotations

from typing import Any, Protocol

import msgspec
from msgspec import Struct

from .asked import Conversation
from .script import Kind, Reply

encode = msgspec.json.encode


class Rendered(Struct, frozen=True):
    """A streamed answer as HTTP chunks: what opens it, its pieces, what closes it (finish reason, usage, end)."""

    opening: bytes
    pieces: tuple[bytes, ...]
    closing: bytes


class Envelope(Struct, frozen=True):
    """What of a request shows in its answer."""

    model: str
    number: int


class Wire(Protocol):
    """A wire format. `broken` is an event whose data is cut JSON."""

    broken: bytes

    def read(self, body: dict[str, Any], /) -> Conversation: ...
    def stream(self, reply: Reply, to: Envelope, /) -> Rendered: ...
    def whole(self, reply: Reply, to: Envelope, /) -> bytes: ...
    def error(self, status: int, kind: Kind, message: str, /) -> bytes: ...
    def error_event(self, kind: Kind, message: str, /) -> bytes: ...


def sse(data: object, event: str = "") -> bytes:
    """One server-sent event with JSON data."""
    name = f"event: {event}\n".encode() if event else b""
    return name + b"data: " + encode(data) + b"\n\n"


def chunk(data: bytes) -> bytes:
    """`data` in HTTP's chunked framing."""
    return b"%x\r\n%b\r\n" % (len(data), data) if data else b""


class Frames:
    """Collects an answer's events: `add` what gives it structure, `piece` what grows."""

    def __init__(self) -> None:
        self._pending = b""
        self._opening = b""
        self._pieces: list[bytes] = []

    def add(self, event: bytes) -> None:
        self._pending += event

    def opened(self) -> None:
        """What was added so far opens the answer."""
        self._opening, self._pending = chunk(self._pending), b""

    def piece(self, event: bytes) -> None:
        """Growth; what was added since the last piece goes before it in the same chunk."""
        self._pieces.append(chunk(self._pending + event))
        self._pending = b""

    def done(self) -> Rendered:
        """The answer; what was added since the last piece closes it."""
        return Rendered(self._opening, tuple(self._pieces), chunk(self._pending))


def call_id(to: Envelope, index: int, given: str) -> str:
    """The id that the program gave, else one that no other call of this server has."""
    return given or f"call_{to.number}_{index}"
