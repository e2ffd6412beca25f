"""A log as an endless body: one reader, which holds nothing but its place. How it looks is the form's business."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

import trio

from .wanted import EVERYTHING, Wanted

if TYPE_CHECKING:
    from pillion.frames import Frame

BEAT = 15.0
"""Seconds without a byte after which one goes out, so that both sides see whether the other lives."""
LAST_WORDS = 0.2
"""Seconds of silence after which a stream that is asked to end has said all."""
FAREWELL = 2.0
"""Seconds that a stream which is asked to end gets for its last words."""


class Pages(Protocol):
    """What a stream reads: `page` waits for frames; none at all means there will be no more."""

    @property
    def cursor(self) -> object: ...

    async def page(self) -> Sequence[Frame]: ...


class Form(Protocol):
    """How frames look on the wire. A `place` is a cursor, "" where there is none to tell."""

    def greeting(self, place: str) -> bytes: ...

    def frame(self, frame: Frame) -> bytes: ...

    def beat(self, place: str) -> bytes: ...


class Streams:
    """The open streams of a server, so that it can end them all."""

    def __init__(self) -> None:
        self._open: set[Stream] = set()
        self._ending = False
        self._ended = trio.lowlevel.ParkingLot()

    def open(
        self, reader: Pages, form: Form, wanted: Wanted = EVERYTHING, *, on_close: Callable[[], None] | None = None
    ) -> Stream:
        stream = Stream(reader, form, wanted, self, on_close)
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
    """An async iterator over the body's chunks: all wanted frames of a page in one. Only reading happens inside.

    It is no generator: a client that sleeps leaves it between two chunks, where nothing is open and nothing runs.
    """

    def __init__(
        self, reader: Pages, form: Form, wanted: Wanted, streams: Streams, on_close: Callable[[], None] | None
    ) -> None:
        self._reader, self._form, self._wanted = reader, form, wanted
        self._streams, self._on_close = streams, on_close
        self._beat = 0.0
        self._greeted = False
        self._told = ""
        """The place that the client knows."""
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
        chunk = await self._chunk() if self._greeted else self._greeting()
        if not chunk:
            await self.aclose()
            raise StopAsyncIteration
        self._beat = trio.current_time() + BEAT
        return chunk

    async def aclose(self) -> None:
        self._streams.discard(self)
        if self._on_close is not None:
            self._on_close()

    async def _chunk(self) -> bytes:
        """What goes out next; nothing: the log is closed, or the stream has ended."""
        while True:
            frames = await self._page()
            if frames:
                if shown := [frame for frame in frames if self._wanted(frame.type)]:
                    self._told = shown[-1].id
                    return b"".join(map(self._form.frame, shown))
            elif frames is not None:
                return b""  # the log is closed
            elif self._ends_by is not None and (self._quiet or trio.current_time() >= self._ends_by):
                return b""
            if trio.current_time() >= self._beat:  # also when there was much, and none of it wanted
                return self._form.beat(self._news())

    async def _page(self) -> Sequence[Frame] | None:
        """The next page. None: nothing came within the beat, or the stream is to end."""
        ending = self._ends_by is not None
        self._quiet = ending
        until = trio.current_time() + LAST_WORDS if ending else self._beat
        with trio.CancelScope(deadline=until) as self._waiting:
            return await self._reader.page()
        return None

    def _greeting(self) -> bytes:
        """Tells that the stream is open, and from which place, so that one who is cut off at once knows it too."""
        self._greeted = True
        return self._form.greeting(self._news())

    def _news(self) -> str:
        """The reader's place, if the client does not know it."""
        place = str(self._reader.cursor)
        if place in (self._told, "0"):
            return ""
        self._told = place
        return place
