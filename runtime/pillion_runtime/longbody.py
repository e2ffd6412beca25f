"""A request's body that is too long to be held: it is read as it comes, and its sender waits for who reads it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import trio
from quart_trio.asgi import TrioASGIHTTPConnection
from quart_trio.wrappers import TrioRequest
from quart_trio.wrappers.request import TrioBody

from pillion.portable import WHOLE, More

from . import once
from .problems import Refused

LONG = {("POST", "/api/sessions/import"): WHOLE}
"""The routes that read theirs so, and the bytes that it may have. With an Idempotency-Key it is held, as any other."""
HELD = 1024 * 1024
"""Bytes that may be there unread."""
SILENCE = 60.0
"""Seconds that the next bytes may take."""


class LongBody(TrioBody):
    """Read by `more`; `leave` when no more is wanted."""

    def __init__(self, expected_content_length: int | None, max_content_length: int | None) -> None:
        super().__init__(expected_content_length, None)
        self._most = max_content_length or WHOLE
        self._left = self._most
        self._abandoned = False
        self._room = trio.Event()
        if (expected_content_length or 0) > self._most:
            self._refuse()

    def append(self, data: bytes) -> None:
        self._left -= len(data)
        if self._left < 0:
            self._refuse()
        if not self._abandoned:
            super().append(data)

    async def more(self) -> bytes:
        """The next bytes; none at the end. Raises Refused: 413, 408."""
        with trio.move_on_after(SILENCE):
            data = await anext(self, b"")
            self._room.set()
            return data
        raise Refused(408, f"Nothing more of the body came for {SILENCE:g} s.")

    def leave(self) -> None:
        """What still comes is let pass."""
        self._abandoned = True
        self.clear()
        self._room.set()

    async def room(self) -> None:
        """Waits until more may come."""
        while len(self._data or b"") >= HELD and not self._complete.is_set():  # a newer Quart has None for nothing
            self._room = trio.Event()
            await self._room.wait()

    def _refuse(self) -> None:
        self._must_raise = Refused(413, f"This body may have {self._most // 1024**2} MiB.")
        self.leave()
        self.set_complete()


@asynccontextmanager
async def body_of(request: Any) -> AsyncIterator[More]:
    """A function that gives the request's next bytes, also of a body that is held; what is not read is let pass."""
    body = request.body
    if isinstance(body, LongBody):
        try:
            yield body.more
        finally:
            body.leave()
        return
    pieces = [b"", await request.get_data(cache=True, as_text=False, parse_form_data=False)]

    async def more() -> bytes:
        return pieces.pop() if pieces else b""

    yield more


class Request(TrioRequest):
    """Quart's, with a long body where LONG says so."""

    def __init__(self, method: str, scheme: str, path: str, *args: Any, max_content_length: int | None, **more: Any):
        headers = args[1]
        if (method, path) in LONG and once.HEADER not in headers:
            self.body_class = LongBody
            max_content_length = LONG[method, path]
        super().__init__(method, scheme, path, *args, max_content_length=max_content_length, **more)


class Connection(TrioASGIHTTPConnection):
    """Quart's, which takes no more of a long body than there is room for."""

    async def handle_messages(  # type: ignore[override]  # as its base in quart_trio does
        self, nursery: trio.Nursery, request: Any, receive: Any
    ) -> None:
        body = request.body

        async def paced() -> Any:
            if isinstance(body, LongBody):
                await body.room()
            return await receive()

        await super().handle_messages(nursery, request, paced)
