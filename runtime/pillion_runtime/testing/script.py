"""What a program answers: a Reply, which may hold a Fault."""

from __future__ import annotations

import math
from typing import Any, Literal

import msgspec
from msgspec import Struct

from pillion.values import Usage

Kind = Literal["overloaded", "rate_limit", "server", "quota", "key", "context", "invalid"]


class Call(Struct, frozen=True):
    """A tool call whose arguments come in the given pieces of JSON text. No `id`: one that is new for each request."""

    name: str
    arguments: tuple[str, ...] = ("{}",)
    id: str = ""


def call(name: str, /, **arguments: Any) -> Call:
    """A call with these arguments, streamed in three pieces."""
    text = msgspec.json.encode(arguments).decode()
    third = max(1, len(text) // 3)
    return Call(name, tuple(piece for piece in (text[:third], text[third : 2 * third], text[2 * third :]) if piece))


class Status(Struct, frozen=True):
    """The request is answered with an HTTP error. `retry_after` is seconds, sent as the header of that name."""

    code: int
    retry_after: float | None = None
    kind: Kind | None = None
    message: str = "The program said so."


class Verbatim(Struct, frozen=True):
    """The request is answered with this body, byte for byte, and these headers."""

    code: int
    body: str
    headers: tuple[tuple[str, str], ...] = (("content-type", "application/json"),)


class Cut(Struct, frozen=True):
    """The connection ends after `after` pieces; None: before the answer's head. `reset` ends it rudely (TCP RST)."""

    after: int | None = None
    reset: bool = False


class EndEarly(Struct, frozen=True):
    """After `after` pieces the stream ends cleanly, but without finish reason and closing events."""

    after: int = 1


class Malformed(Struct, frozen=True):
    """After `after` pieces comes a chunk that is no JSON."""

    after: int = 1


class ErrorEvent(Struct, frozen=True):
    """After `after` pieces the vendor reports an error in the stream; `body` stands for the whole event, as it is."""

    after: int = 1
    kind: Kind = "overloaded"
    message: str = "Overloaded"
    body: str = ""


class Silence(Struct, frozen=True):
    """After `after` pieces nothing more comes until the client leaves; None: not even the answer's head.

    With `drip` a byte comes each so many seconds, which never becomes a piece.
    """

    after: int | None = 1
    drip: float = math.inf


Fault = Status | Verbatim | Cut | EndEarly | Malformed | ErrorEvent | Silence


class Reply(Struct, frozen=True):
    """One answer: thinking, then text, then calls, each in the given pieces, `pause` seconds from one to the next.

    `delay` is seconds before the first byte. No `finish`: `tool_calls` when there are calls, else `stop`. `headers` are
    further ones of the answer, whatever it is.
    """

    text: str | tuple[str, ...] = ()
    thinking: tuple[str, ...] = ()
    calls: tuple[Call, ...] = ()
    usage: Usage = Usage(input=10, output=5)
    finish: Literal["stop", "tool_calls", "length", "filtered"] | None = None
    seal: str = "c2VhbGVk"
    fault: Fault | None = None
    pause: float = 0.0
    delay: float = 0.0
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def words(self) -> tuple[str, ...]:
        """The text's pieces."""
        if isinstance(self.text, str):
            return (self.text,) if self.text else ()
        return self.text

    @property
    def ending(self) -> Literal["stop", "tool_calls", "length", "filtered"]:
        return self.finish or ("tool_calls" if self.calls else "stop")
