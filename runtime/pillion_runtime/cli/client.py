"""A small HTTP/1.1 client for the live server: loopback, one connection a request, every wait with a deadline.

The vendors' SDKs bring a full client; importing it would cost each `pillion run` a tenth of a second.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import h11
import msgspec
import trio

from pillion.portable import More

from .exits import ServerLost, ServerSaid

CONNECT = 2.0
"""Seconds until a connection stands; the server is on this machine."""
ANSWER = 30.0
"""Seconds until a request is answered whole."""
READ = 65536
LARGEST = 64 * 1024 * 1024
"""Bytes of one answer that are read."""


class _Problem(msgspec.Struct):
    """The parts of an RFC 9457 problem that are told on."""

    detail: str = ""
    title: str = ""
    code: str = "error"
    errors: list[dict[str, str]] = []


class Body:
    """An answer whose head has come. `status` is its HTTP status, `headers` by their names in small letters."""

    def __init__(self, stream: trio.abc.Stream, connection: h11.Connection) -> None:
        self._stream, self._connection = stream, connection
        self.status = 0
        self.headers: dict[str, str] = {}

    async def more(self) -> bytes:
        """The next bytes; empty at the end. Raises ServerLost when the connection is cut before it."""
        event = await self._next()
        return bytes(event.data) if isinstance(event, h11.Data) else b""

    async def whole(self) -> bytes:
        """All bytes. Raises ServerLost also when there are too many."""
        data = bytearray()
        while piece := await self.more():
            data += piece
            if len(data) > LARGEST:
                raise ServerLost("The server's answer does not end.")
        return bytes(data)

    async def head(self) -> None:
        """Waits for the status line and headers."""
        event = await self._next()
        while isinstance(event, h11.InformationalResponse):
            event = await self._next()
        if not isinstance(event, h11.Response):
            raise ServerLost("The server gave no answer.")
        self.status = event.status_code
        self.headers = {name.decode(): value.decode("latin-1") for name, value in event.headers}

    async def _next(self) -> Any:
        try:
            while (event := self._connection.next_event()) is h11.NEED_DATA:
                self._connection.receive_data(bytes(await self._stream.receive_some(READ)))
        except (h11.RemoteProtocolError, trio.BrokenResourceError, OSError) as error:
            raise ServerLost(f"The server's answer was cut off: {error}.") from None
        return event


class Client:
    """Requests to one server; `token` may be `""` for what needs none.

    Every failure is a PillionError: ServerSaid for its answers, ServerLost for none.
    """

    def __init__(self, url: str, token: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 80
        self._headers = {"host": parts.netloc, "user-agent": "pillion-cli"}
        if token:
            self._headers["authorization"] = f"Bearer {token}"

    async def call(self, method: str, path: str, body: Any = None, *, deadline: float = ANSWER) -> Any:
        """One request; the answer's JSON, None where there is none. `deadline` is in seconds."""
        with trio.move_on_after(deadline):
            async with self.open(method, path, body, deadline=deadline) as answer:
                data = await answer.whole()
                return msgspec.json.decode(data) if data else None
        raise ServerLost(f"The server did not answer {method} {path} within {deadline:g} s.")

    @asynccontextmanager
    async def open(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: Mapping[str, str] = {},
        *,
        deadline: float = ANSWER,
    ) -> AsyncIterator[Body]:
        """One request; its answer as it comes, its head within `deadline` seconds. Raises ServerSaid for a status from
        400 on, ServerLost."""
        stream = await self._connect()
        async with stream:
            try:
                with trio.fail_after(deadline):
                    answer = await self._send(stream, method, path, body, headers)
            except trio.TooSlowError:
                raise ServerLost(f"The server did not answer {method} {path} within {deadline:g} s.") from None
            if answer.status >= 400:
                raise said(answer.status, await answer.whole())
            yield answer

    async def pour(self, path: str, media_type: str, more: More, *, deadline: float) -> Any:
        """POSTs a long body as `more` gives it; the answer's JSON, which may come before the body's end. Raises
        ServerSaid, ServerLost, and what `more` raises."""
        async with await self._connect() as stream:
            with trio.move_on_after(deadline):
                connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=READ)
                answer = Body(stream, connection)
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._pour, stream, connection, path, media_type, more)
                    await answer.head()
                    data = await answer.whole()
                    nursery.cancel_scope.cancel()
                if answer.status >= 400:
                    raise said(answer.status, data)
                return msgspec.json.decode(data)
        raise ServerLost(f"The server did not answer POST {path} within {deadline:g} s.")

    async def _pour(
        self, stream: trio.abc.Stream, connection: h11.Connection, path: str, media_type: str, more: More
    ) -> None:
        headers = {"connection": "close", "content-type": media_type, "transfer-encoding": "chunked"}
        head = h11.Request(method="POST", target=path, headers=list((self._headers | headers).items()))
        with contextlib.suppress(trio.BrokenResourceError, OSError):  # refused unread: the answer says why
            await stream.send_all(connection.send(head) or b"")
            while piece := await more():
                await stream.send_all(connection.send(h11.Data(data=piece)) or b"")
            await stream.send_all(connection.send(h11.EndOfMessage()) or b"")

    async def _connect(self) -> trio.abc.Stream:
        try:
            with trio.fail_after(CONNECT):
                return await trio.open_tcp_stream(self._host, self._port)
        except (OSError, trio.TooSlowError) as error:
            raise ServerLost(f"The server at {self._host}:{self._port} can't be reached: {error}.") from None

    async def _send(self, stream: trio.abc.Stream, method: str, path: str, body: Any, more: Mapping[str, str]) -> Body:
        connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=READ)
        headers = self._headers | {"connection": "close"} | dict(more)
        data = b"" if body is None else msgspec.json.encode(body)
        if body is not None:
            headers |= {"content-type": "application/json", "content-length": str(len(data))}
        sent = connection.send(h11.Request(method=method, target=path, headers=list(headers.items()))) or b""
        sent += connection.send(h11.Data(data=data)) or b"" if data else b""
        sent += connection.send(h11.EndOfMessage()) or b""
        answer = Body(stream, connection)
        with contextlib.suppress(trio.BrokenResourceError, OSError):  # refused unread: the answer says why
            await stream.send_all(sent)
        await answer.head()
        return answer


def said(status: int, data: bytes) -> ServerSaid:
    """The problem that the server told, as an error."""
    try:
        problem = msgspec.json.decode(data, type=_Problem)
    except msgspec.DecodeError:
        problem = _Problem(title=f"The server answered with status {status}.")
    words = problem.detail or problem.title
    fields = "; ".join(
        f"{error.get('field', '')}: {error.get('message', '')}"
        for error in problem.errors
        if error.get("message", "") not in words
    )
    return ServerSaid(f"{words} ({fields})" if fields else words, problem.code, status)
