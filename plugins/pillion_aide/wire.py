"""HTTP with an editor: a request at a time on each connection, and connections that are kept for the next one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import h11
import trio

from .editorfaults import EditorLacks

KEPT = 4
IDLE = 4.0
"""Seconds for which a connection is kept. An editor, as Node does by itself, closes it after 5."""
LARGEST = 32 * 1024 * 1024
"""Bytes of an answer."""
SURE = 1.0
"""For which it is hardly closed meanwhile."""
READ = 65536
BROKEN = (OSError, trio.BrokenResourceError, trio.ClosedResourceError)


class _Line:
    """One connection. `answered`: a response has begun to the last request."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self.stream, self.http = stream, h11.Connection(h11.CLIENT)
        self.since = trio.current_time()
        self.answered = False

    async def ask(self, request: h11.Request, data: bytes) -> tuple[int, bytes]:
        self.answered = False
        sent = self.http.send(request) or b""
        if data:
            sent += self.http.send(h11.Data(data)) or b""
        await self.stream.send_all(sent + (self.http.send(h11.EndOfMessage()) or b""))
        status, body = 0, bytearray()
        while True:
            event = self.http.next_event()
            if event is h11.NEED_DATA:
                some = await self.stream.receive_some(READ)
                if not (some or self.answered):
                    raise trio.BrokenResourceError("it was closed before an answer")
                self.http.receive_data(some)
            elif isinstance(event, h11.Response):
                status, self.answered = event.status_code, True
            elif isinstance(event, h11.Data):
                body += event.data
                if len(body) > LARGEST:
                    raise EditorLacks("What the editor answers is too long.")
            elif isinstance(event, (h11.EndOfMessage, h11.ConnectionClosed)):
                return status, bytes(body)

    def again(self) -> bool:
        """Is it ready for a next request?"""
        if self.http.our_state is not h11.DONE or self.http.their_state is not h11.DONE:
            return False
        self.http.start_next_cycle()
        self.since = trio.current_time()
        return True


class Wire:
    """To one host and port."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._at = host
        """Where it was found last: a name is looked up once."""
        self._idle: list[_Line] = []

    async def ask(self, method: str, target: str, data: bytes, *, once: bool) -> tuple[int, bytes]:
        """Status and body. `once`: what it asks for must not be done twice; else it is asked again where a connection
        that was kept had been closed meanwhile.

        Raises what is in BROKEN, h11.ProtocolError, EditorLacks.
        """
        host = f"[{self._host}]" if ":" in self._host else self._host
        headers = [("Host", f"{host}:{self._port}")]
        if method == "POST":
            headers += [("Content-Type", "application/json"), ("Content-Length", str(len(data)))]
        request = h11.Request(method=method, target=target, headers=headers)
        while (kept := self._kept(SURE if once else IDLE)) is not None:
            try:
                async with self._used(kept):
                    return await kept.ask(request, data)
            except (*BROKEN, h11.RemoteProtocolError):
                if once or kept.answered:
                    raise
        line = _Line(await self._connected())
        async with self._used(line):
            return await line.ask(request, data)

    def close(self) -> None:
        """Of the connections that nobody uses."""
        while self._idle:
            self._idle.pop().stream.socket.close()

    def _kept(self, idle: float) -> _Line | None:
        """One that was used within `idle` seconds, and on which nothing came since: that would be its end."""
        while self._idle:
            line = self._idle.pop()
            if trio.current_time() - line.since < idle and not line.stream.socket.is_readable():
                return line
            line.stream.socket.close()
        return None

    @asynccontextmanager
    async def _used(self, line: _Line) -> AsyncIterator[None]:
        """It is kept where its answer is whole, else closed."""
        kept = False
        try:
            yield
            kept = line.again() and len(self._idle) < KEPT
        finally:
            if kept:
                self._idle.append(line)
            else:
                line.stream.socket.close()

    async def _connected(self) -> trio.SocketStream:
        try:
            stream = await trio.open_tcp_stream(self._at, self._port)
        except OSError:  # it may be about to open its port again
            await trio.sleep(0.1)
            stream = await trio.open_tcp_stream(self._host, self._port)
        self._at = str(stream.socket.getpeername()[0])
        return stream
