"""Watchers as bytes on a socket: one that is cut off anywhere and comes back, and one that sleeps."""

from __future__ import annotations

import socket
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import h11
import msgspec
import trio

from pillion_runtime.cli.sse_reader import EventStream

from .serverprocess import BOUND, ServerProcess


async def body_bytes(stream: trio.SocketStream, most: float) -> AsyncGenerator[tuple[int, bytes]]:
    """An answer's body, each piece with how many bytes of it, HTTP's framing counted, have come; ends after `most`."""
    http = h11.Connection(h11.CLIENT)
    http.send(h11.Request(method="GET", target="/", headers=[("host", "x")]))
    http.send(h11.EndOfMessage())
    head = b""
    while b"\r\n\r\n" not in head:
        head += bytes(await stream.receive_some(4096))
    head, _, piece = head.partition(b"\r\n\r\n")
    http.receive_data(head + b"\r\n\r\n")
    answer = http.next_event()
    assert isinstance(answer, h11.Response) and answer.status_code == 200, answer
    come = 0
    while True:
        piece = piece[: int(min(most - come, len(piece)))]
        come += len(piece)
        if piece:
            http.receive_data(piece)
        while isinstance(event := http.next_event(), h11.Data):
            yield come, bytes(event.data)
        if isinstance(event, h11.EndOfMessage) or come >= most:
            return
        piece = bytes(await stream.receive_some(65536))
        assert piece, "the server ended the stream"


class Reader:
    """What one watcher of one session puts together, by a client's whole rule: `text = text[:at] + delta`."""

    def __init__(self, server: ServerProcess, session: str) -> None:
        self.server, self._path = server, f"/api/sessions/{session}/events"
        self._stream = EventStream()
        self.whole: list[int] = []
        """Numbers of the whole events, in the order they came."""
        self.types: list[str] = []
        self.open: set[int] = set()
        self.closed: dict[int, str | None] = {}
        """Items with their final text; None: taken back."""
        self.grown: dict[int, str] = {}
        """Each item's text as its deltas alone made it."""
        self.resyncs = 0
        self.bytes = 0
        """Of the last connection's body."""
        self.greeted = trio.Event()

    async def read(self, *, most: float = float("inf"), until: str = "turn.finished", **headers: str) -> None:
        """Reads on from where it was, till `most` bytes of body or an event of that type."""
        if self._stream.last:
            headers.setdefault("Last_Event_ID", self._stream.last)
        with trio.fail_after(BOUND):
            async with await trio.open_tcp_stream("127.0.0.1", self.server.port) as stream:
                await stream.send_all(self.server.request(self._path, **headers))
                await self._take_all(body_bytes(stream, most), until)
        self.greeted.set()
        self.cut()

    def cut(self) -> None:
        """What had come of an event that was not whole comes again."""
        self._stream.cut()

    async def _take_all(self, pieces: AsyncGenerator[tuple[int, bytes]], until: str) -> None:
        async with aclosing(pieces):
            async for self.bytes, piece in pieces:
                self.greeted.set()
                for data in self._stream.feed(piece):
                    self._take(msgspec.json.decode(data))
                if until in self.types:
                    break

    def _take(self, event: dict[str, Any]) -> None:
        match event:
            case {"type": "text.delta", "item": item, "at": at, "text": text}:
                known = self.grown.get(item, "")
                assert at <= len(known), "a piece is missing before this one"
                assert text.startswith(known[at:]), "what was shown has changed"
                self.grown[item] = known[:at] + text
                self.open.add(item)
            case {"type": "resync"}:
                self.resyncs += 1
            case {"id": id} if "." not in id:
                self.whole.append(int(id))
                if "item" in event:
                    self.open.discard(event["item"])
                    self.closed[event["item"]] = event.get("text")
        self.types.append(event["type"])


async def asleep(server: ServerProcess, session: str) -> trio.SocketStream:
    """A watcher that has asked, with little room for answers, and reads nothing."""
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    stream = trio.SocketStream(trio.socket.from_stdlib_socket(raw))
    await stream.socket.connect(("127.0.0.1", server.port))
    await stream.send_all(server.request(f"/api/sessions/{session}/events"))
    return stream
