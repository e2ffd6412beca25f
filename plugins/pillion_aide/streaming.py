"""A stream of the sidecar's events: one event a chunk, the first and the last as the editor expects them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, cast

from quart import Response

from pillion import PillionError

from . import framing, uievents
from .editorfaults import EditorFailed
from .framing import UIEvent
from .vendors import Unusable

MEDIA_TYPE = "text/event-stream"
Told = tuple[str, UIEvent]
"""The exchange that an event is of, and the event."""


class Source:
    """What a stream tells. `more` waits for the next events, none at the end; `left`: the editor went away before."""

    async def more(self) -> list[Told]:
        return []

    def left(self) -> None:
        """Nothing to be done."""


class Whole(Source):
    """Events that are there when `work` is done."""

    def __init__(self, work: Callable[[], Awaitable[list[Told]]]) -> None:
        self._work: Callable[[], Awaitable[list[Told]]] | None = work

    async def more(self) -> list[Told]:
        work, self._work = self._work, None
        return await work() if work is not None else []


class Stream:
    """The body of an answer. It is no generator: an editor that goes away leaves it between two chunks.

    What goes wrong is told as an error of `exchange`.
    """

    def __init__(self, session: str, exchange: str, source: Source, redact: Callable[[str], str]) -> None:
        self._session, self._exchange, self._source, self._redact = session, exchange, source, redact
        self._ready: list[bytes] = [framing.started(session)]
        self._ended = False
        self._over = False

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        while not self._ready and not self._ended:
            try:
                told = await self._source.more()
            except PillionError as error:
                told, self._ended = [(self._exchange, uievents.error(self._redact(message_of(error))))], True
            self._ended = self._ended or not told
            self._ready = [framing.told(self._session, exchange, event) for exchange, event in told]
            if self._ended:
                self._ready.append(framing.done(self._session))
        if not self._ready:
            self._over = True
            raise StopAsyncIteration
        return self._ready.pop(0)

    async def aclose(self) -> None:
        if not self._over:
            self._source.left()


def message_of(error: PillionError) -> str:
    """What the editor is told: sentences that are for the person as they are."""
    return str(error) if isinstance(error, (Unusable, EditorFailed)) else f"Internal server error: {error}"


def streamed(stream: Stream) -> Response:
    headers = {"content-type": MEDIA_TYPE, "cache-control": "no-store", "x-accel-buffering": "no"}
    response = Response(cast(Any, stream), 200, headers)
    response.timeout = None
    return response
