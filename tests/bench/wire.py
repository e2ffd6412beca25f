"""A thin HTTP client on raw sockets, so that the measured server does most of the work."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import trio


class Api:
    """One server: `http://127.0.0.1:PORT` and its token. Each connection is used for one request after the other."""

    def __init__(self, url: str, token: str = "") -> None:
        self.host, _, port = url.removeprefix("http://").partition(":")
        self.port = int(port)
        self._head = f"Host: {self.host}:{port}\r\n" + (f"Authorization: Bearer {token}\r\n" if token else "")
        self._idle: list[trio.SocketStream] = []

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        """The decoded JSON answer. Raises RuntimeError for a status of 400 and above."""
        stream = self._idle.pop() if self._idle else await trio.open_tcp_stream(self.host, self.port)
        data = b"" if body is None else msgspec.json.encode(body)
        kind = "Content-Type: application/json\r\n" if body is not None else ""
        head = f"{method} {path} HTTP/1.1\r\n{self._head}{kind}Content-Length: {len(data)}\r\n\r\n"
        await stream.send_all(head.encode() + data)
        got = b""
        while b"\r\n\r\n" not in got:
            got += await _some(stream)
        answer, _, rest = got.partition(b"\r\n\r\n")
        length = int(answer.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        while len(rest) < length:
            rest += await _some(stream)
        self._idle.append(stream)
        if int(answer[9:12]) >= 400:
            raise RuntimeError(rest.decode())
        return msgspec.json.decode(rest) if rest else None

    async def open(self, folder: str, **options: Any) -> str:
        """A new session's id."""
        id: str = (await self.call("POST", "/api/sessions", {"workspace": folder, **options}))["id"]
        return id

    async def prompt(self, session: str, text: str) -> Any:
        return await self.call("POST", f"/api/sessions/{session}/prompts", {"text": text})

    @asynccontextmanager
    async def watch(self, session: str, after: str = "latest") -> AsyncIterator[AsyncIterator[tuple[float, Any]]]:
        """The session's events as they come, each with the moment (perf_counter, s) when it was read."""
        async with await trio.open_tcp_stream(self.host, self.port) as stream:
            head = f"GET /api/sessions/{session}/events?after={after} HTTP/1.1\r\n{self._head}\r\n"
            await stream.send_all(head.encode())
            got = b""
            while b"\r\n\r\n" not in got:
                got += await _some(stream)
            yield _events(stream, got.partition(b"\r\n\r\n")[2])

    async def aclose(self) -> None:
        for stream in self._idle:
            await stream.aclose()


async def _events(stream: trio.SocketStream, got: bytes) -> AsyncIterator[tuple[float, Any]]:
    while True:
        *frames, got = got.split(b"\n\n")
        now = time.perf_counter()
        for frame in frames:
            data = frame.rpartition(b"data: ")[2] if b"data: " in frame else b""
            if data:
                yield now, msgspec.json.decode(data)
        got += await _some(stream)


async def _some(stream: trio.SocketStream) -> bytes:
    data = await stream.receive_some(262_144)
    if not data:
        raise RuntimeError("the server closed the connection")
    return data
