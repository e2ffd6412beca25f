"""A session's log as Server-Sent Events: one reader, which holds nothing but its place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import trio

if TYPE_CHECKING:
    from pillion.eventlog import Frame

BEAT = 15.0
"""Seconds of silence after which a comment goes out, so that both sides see whether the other lives."""
RETRY = 2000
"""Milliseconds after which an EventSource comes back."""
LAST_WORDS = 0.2
"""Seconds of silence after which a stream that is asked to end has said all."""
FAREWELL = 2.0
"""Seconds that a stream which is asked to end gets for its last words."""
MEDIA_TYPE = "text/event-stream"
HEADERS = {
    "content-type": f"{MEDIA_TYPE}; charset=utf-8",
    "cache-control": "no-store",
    "x-accel-buffering": "no",
}


class Pages(Protocol):
    """What a stream reads: `page` waits for frames; none at all means there will be no more."""

    @property
    def cursor(self) -> object: ...

    async def page(self) -> Sequence[Frame]: ...


class Streams:
    """The open streams of a server, so that it can end them all."""

    def __init__(self) -> None:
        self._open: set[Stream] = set()
        self._ending = False
        self._ended = trio.lowlevel.ParkingLot()

    def open(self, reader: Pages) -> Stream:
        stream = Stream(reader, self)
        self._open.add(stream)
        if self._ending:
            stream.end()
        return stream

    def discard(self, stream: Stream) -> None:
        self._open.discard(stream)
        self._ended.unpark_all()

    def end(self) -> None:
        """Each says what is there to say, then ends; so does each that is opened later."""
        self._ending = True
        for stream in tuple(self._open):
            stream.end()

    async def ended(self) -> None:
        """Waits until none is open."""
        while self._open:
            await self._ended.park()


class Stream:
    """An async iterator over the body's chunks: all frames of a page in one. Only reading happens inside.

    It is no generator: a client that sleeps leaves it between two chunks, where nothing is open and nothing runs.
    """

    def __init__(self, reader: Pages, streams: Streams) -> None:
        self._reader = reader
        self._streams = streams
        self._greeted = False
        self._waiting: trio.CancelScope | None = None
        self._ends_by: float | None = None

    def end(self) -> None:
        """No longer waits for more than is on its way."""
        if self._ends_by is None:
            self._ends_by = trio.current_time() + FAREWELL
            if self._waiting is not None:
                self._waiting.cancel()

    def __aiter__(self) -> Stream:
        return self

    async def __anext__(self) -> bytes:
        if not self._greeted:
            self._greeted = True
            return self._greeting()
        while True:
            frames = await self._page()
            if frames:
                return b"".join(map(encode, frames))
            if frames is not None:
                break  # the log is closed
            if self._ends_by is None:
                return b": ping\n\n"
            if self._quiet or trio.current_time() >= self._ends_by:
                break
        await self.aclose()
        raise StopAsyncIteration

    async def aclose(self) -> None:
        self._streams.discard(self)

    async def _page(self) -> Sequence[Frame] | None:
        """The next page. None: nothing came within the beat, or the stream is to end."""
        ending = self._ends_by is not None
        self._quiet = ending
        with trio.move_on_after(LAST_WORDS if ending else BEAT) as self._waiting:
            return await self._reader.page()
        return None

    def _greeting(self) -> bytes:
        """Tells that the stream is open, and from which place, so that one who is cut off at once knows it too."""
        place = str(self._reader.cursor)
        known = f"id: {place}\n\n" if place not in ("", "0") else ""
        return f": open\n\nretry: {RETRY}\n\n{known}".encode()


def encode(frame: Frame) -> bytes:
    """One frame in the format of SSE. An empty id is left out: it would reset the client's cursor."""
    head = f"id: {frame.id}\nevent: {frame.type}\ndata: " if frame.id else f"event: {frame.type}\ndata: "
    return head.encode() + frame.wire() + b"\n\n"
