"""What a terminal prints as Server-Sent Events, from a place on: whoever comes back goes on behind the last id."""

from __future__ import annotations

import msgspec
import trio
from msgspec import Struct

from pillion import Session

from .events import Why
from .ring import pieces
from .terminal import Terminal

BEAT = 15.0
"""Seconds without a byte after which one goes out, so that both sides see whether the other lives."""
PIECE = 64 * 1024
"""Bytes of output in one event at most."""


class _Printed(Struct, frozen=True, omit_defaults=True):
    at: int
    text: str
    dropped: int = 0


class _Ended(Struct, frozen=True):
    why: Why | None
    code: int | None


class Output:
    """An async iterator over the body's chunks. It holds a place, and its session in memory; a slow reader misses what
    is dropped meanwhile, and is told how much."""

    def __init__(self, session: Session, terminal: Terminal, place: int) -> None:
        self._session, self._terminal, self._place = session, terminal, place
        self._greeted = self._ended = False

    def __aiter__(self) -> Output:
        return self

    async def __anext__(self) -> bytes:
        if not self._greeted:
            self._greeted = True
            return b": open\n\nretry: 2000\n\n"
        if self._ended:
            raise StopAsyncIteration
        with trio.move_on_after(BEAT):
            while True:
                if chunk := self._chunk():
                    return chunk
                await self._terminal.changed()
        return b": ping\n\n"

    def _chunk(self) -> bytes:
        terminal, ring = self._terminal, self._terminal.ring
        over = terminal.over.is_set()
        start = max(min(self._place, ring.end), ring.start)
        data, _ = pieces(ring.since(start, PIECE), ended=over and ring.end - start <= PIECE)
        if data:
            dropped, self._place = max(start - self._place, 0), start + len(data)
            text = self._session.kernel.secrets.redact(data.decode(errors="replace"))
            return _event("output", _Printed(start, text, dropped), self._place)
        if not over:
            return b""
        self._ended = True
        return _event("ended", _Ended(terminal.why, terminal.code), ring.end)


def _event(name: str, said: Struct, place: int) -> bytes:
    return f"id: {place}\nevent: {name}\ndata: ".encode() + msgspec.json.encode(said) + b"\n\n"
