"""One loopback server for all three wire formats. Bytes are written by hand, so that every fault can be shown."""

from __future__ import annotations

import math
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import lru_cache
from typing import Any

import h11
import msgspec
import trio
from msgspec.structs import replace

from . import wire_chat, wire_messages, wire_responses
from .asked import Asked, Format
from .pacer import BREATH, Paced, Pacer
from .rules import Program
from .script import Cut, EndEarly, ErrorEvent, Kind, Malformed, Reply, Silence, Status, Verbatim
from .wire import Envelope, Rendered, Wire, chunk

WIRES: dict[str, tuple[Format, Wire]] = {
    "/v1/chat/completions": ("chat", wire_chat),
    "/v1/responses": ("responses", wire_responses),
    "/v1/messages": ("messages", wire_messages),
}
BY_FORMAT = dict(WIRES.values())
KINDS: dict[int, Kind] = {401: "key", 402: "quota", 403: "key", 429: "rate_limit", 503: "overloaded", 529: "overloaded"}
JSON = "application/json"
EVENTS = "text/event-stream; charset=utf-8"


class ClientLeft(Exception):
    """The client closed the connection."""


class Vendor:
    """A running server. `asked` holds the model calls in order; `open_…` are counts of this moment.

    `connections` counts all that were ever opened, `left_early` the answers whose client went away before their end.
    """

    def __init__(self, program: Program, url: str, models: tuple[str, ...]) -> None:
        self.program = program
        self.url = url
        self.models = models
        self.asked: list[Asked] = []
        self.counted: list[bytes] = []
        """What it was to count, and not to answer."""
        self.connections = 0
        self.open_connections = 0
        self.open_streams = 0
        self.left_early = 0
        self.pacer = Pacer()
        self._changed = trio.Event()

    async def until(self, ready: Callable[[Vendor], bool]) -> None:
        """Waits until `ready(self)`, which is asked whenever something changed."""
        while not ready(self):
            await self._changed.wait()

    def changed(self) -> None:
        self._changed.set()
        self._changed = trio.Event()


@asynccontextmanager
async def vendor_server(
    program: Program, *, port: int = 0, models: tuple[str, ...] = ("scripted",)
) -> AsyncIterator[Vendor]:
    """Serves on 127.0.0.1 until left. An exception of the program ends the server, so that it can't be missed."""
    listeners = await trio.open_tcp_listeners(port, host="127.0.0.1")
    vendor = Vendor(program, f"http://127.0.0.1:{listeners[0].socket.getsockname()[1]}", models)

    async def connected(stream: trio.SocketStream) -> None:
        await _Connection(vendor, stream).serve()

    failure: Exception | None = None
    async with trio.open_nursery() as nursery:
        nursery.start_soon(vendor.pacer.run)
        await nursery.start(trio.serve_listeners, connected, listeners)
        try:
            yield vendor
        except Exception as error:  # a test's own failure is shown bare, not in the nursery's group
            failure = error
        nursery.cancel_scope.cancel()
    if failure is not None:
        raise failure


@lru_cache(256)
def _rendered(format: Format, reply: Reply, to: Envelope) -> Rendered:
    return BY_FORMAT[format].stream(reply, to)


class _Connection:
    """One client's connection: requests one after the other."""

    def __init__(self, vendor: Vendor, stream: trio.SocketStream) -> None:
        self._vendor = vendor
        self._stream = stream
        self._http = h11.Connection(h11.SERVER)
        self._further: tuple[tuple[str, str], ...] = ()
        """Headers of the answer that is given."""

    async def serve(self) -> None:
        self._vendor.connections += 1
        self._vendor.open_connections += 1
        try:
            async with self._stream:
                while (request := await self._next_request()) is not None:
                    await self._answer(*request)
                    if self._http.our_state is not h11.DONE or self._http.their_state is not h11.DONE:
                        return
                    self._http.start_next_cycle()
        except (ClientLeft, trio.BrokenResourceError, trio.ClosedResourceError, h11.RemoteProtocolError):
            return
        finally:
            self._vendor.open_connections -= 1
            self._vendor.changed()

    async def _next_request(self) -> tuple[h11.Request, bytes] | None:
        request, body = None, bytearray()
        while True:
            match event := self._http.next_event():
                case h11.Request():
                    request = event
                case h11.Data():
                    body += event.data
                case h11.EndOfMessage():
                    assert request is not None
                    return request, bytes(body)
                case h11.ConnectionClosed():
                    return None
                case _:
                    self._http.receive_data(await self._stream.receive_some(65536))

    async def _answer(self, request: h11.Request, body: bytes) -> None:
        path = request.target.partition(b"?")[0].decode()
        headers = {name.decode(): value.decode("latin-1") for name, value in request.headers}
        if path == "/v1/models" and request.method == b"GET":
            return await self._whole(200, _models(self._vendor.models, "anthropic-version" in headers))
        if path == "/v1/messages/count_tokens" and request.method == b"POST":
            return await self._count(body)
        if path not in WIRES or request.method != b"POST":
            return await self._whole(404, b'{"error":{"message":"No such route.","type":"not_found_error"}}')
        format_, wire = WIRES[path]
        try:
            said = wire.read(msgspec.json.decode(body))
        except (msgspec.DecodeError, KeyError, TypeError, AttributeError) as error:
            return await self._whole(400, wire.error(400, "invalid", f"Not understood: {error!r}"))
        asked = Asked(
            format=format_,
            number=len(self._vendor.asked) + 1,
            headers=headers,
            body=body,
            **{name: getattr(said, name) for name in said.__struct_fields__},
        )
        self._vendor.asked.append(asked)
        await self._play(wire, asked, self._vendor.program(asked))

    async def _count(self, body: bytes) -> None:
        """What Anthropic counts: here a token a byte. It refuses what only a call has, as the vendor does."""
        asked = msgspec.json.decode(body)
        extra = [name for name in ("max_tokens", "stream", "temperature") if name in asked]
        if extra:
            refusal = wire_messages.error(400, "invalid", f"{extra[0]}: Extra inputs are not permitted")
            return await self._whole(400, refusal)
        self._vendor.counted.append(body)
        await self._whole(200, msgspec.json.encode({"input_tokens": len(body)}))

    async def _play(self, wire: Wire, asked: Asked, reply: Reply) -> None:
        """The answer, watched: whoever looks at the vendor sees it begin and end."""
        self._vendor.open_streams += 1
        self._vendor.changed()
        self._further = reply.headers
        try:
            if reply.delay:
                await self._rest_until(trio.current_time() + reply.delay)
            match reply.fault:
                case Status() as status:
                    await self._refuse(wire, status)
                case Verbatim(code, body, headers):
                    await self._whole(code, body.encode(), *headers)
                case Cut(None, reset):
                    self._cut(reset)
                case Silence(None):
                    await self._rest_until(math.inf)
                case _ if asked.stream:
                    await self._pieces(wire, asked, reply)
                case _:
                    await self._at_once(wire, asked, reply)
        except (ClientLeft, trio.BrokenResourceError):
            self._vendor.left_early += 1
            raise
        finally:
            self._further = ()
            self._vendor.open_streams -= 1
            self._vendor.changed()

    async def _pieces(self, wire: Wire, asked: Asked, reply: Reply) -> None:
        # answers without calls need no number, so one encoding serves them all
        bare = replace(reply, headers=()) if reply.headers else reply
        rendered = _rendered(asked.format, bare, Envelope(asked.model, asked.number if reply.calls else 0))
        after = len(rendered.pieces) if reply.fault is None else reply.fault.after  # type: ignore[union-attr]
        await self._head(200, EVENTS, ("transfer-encoding", "chunked"))
        await self._stream.send_all(rendered.opening)
        await self._grow(rendered.pieces[:after], reply.pause)
        match reply.fault:
            case None:
                await self._stream.send_all(rendered.closing)
            case Cut(_, reset):
                return self._cut(reset)
            case Malformed():
                await self._stream.send_all(chunk(wire.broken))
            case ErrorEvent(_, kind, message, body):
                await self._stream.send_all(chunk(body.encode() if body else wire.error_event(kind, message)))
            case Silence(drip=drip):
                while True:
                    await self._rest_until(trio.current_time() + drip)
                    await self._stream.send_all(chunk(b":"))
        await self._send(h11.EndOfMessage())

    async def _grow(self, pieces: tuple[bytes, ...], pause: float) -> None:
        """The pieces in their time, written by the pacer while this task looks whether the client goes away."""
        paced = Paced(self._stream.socket.fileno(), pieces, pause)
        while not paced.over:
            paced.scope = trio.CancelScope()
            if pause:
                with paced.scope:
                    self._vendor.pacer.add(paced)
                    try:
                        await self._rest_until(math.inf)
                    finally:
                        paced.scope.cancel()
            else:
                while paced.write(BREATH):
                    await trio.lowlevel.checkpoint()
            if paced.rest:
                await self._stream.send_all(paced.rest)
                paced.rest = b""

    async def _at_once(self, wire: Wire, asked: Asked, reply: Reply) -> None:
        data = wire.whole(reply, Envelope(asked.model, asked.number))
        match reply.fault:
            case ErrorEvent(_, kind, message, _):
                return await self._whole(500, wire.error(500, kind, message))
            case Malformed() | EndEarly():
                data = data[: len(data) // 2]
            case Cut(_, reset):
                await self._head(200, JSON, ("content-length", str(len(data))))
                await self._stream.send_all(data[: len(data) // 2])
                return self._cut(reset)
            case Silence():
                await self._head(200, JSON, ("content-length", str(len(data))))
                await self._rest_until(math.inf)
        await self._whole(200, data)

    async def _refuse(self, wire: Wire, status: Status) -> None:
        kind = status.kind or KINDS.get(status.code, "server" if status.code >= 500 else "invalid")
        extra = [("retry-after", f"{status.retry_after:g}")] if status.retry_after is not None else []
        await self._whole(status.code, wire.error(status.code, kind, status.message), *extra)

    async def _whole(self, status: int, data: bytes, *headers: tuple[str, str]) -> None:
        await self._head(status, JSON, ("content-length", str(len(data))), *headers)
        await self._send(h11.Data(data))
        await self._send(h11.EndOfMessage())

    async def _head(self, status: int, kind: str, *headers: tuple[str, str]) -> None:
        named = [("x-request-id", "req_1"), ("request-id", "req_1"), *headers, *self._further]
        if not any(name == "content-type" for name, _ in headers):
            named.append(("content-type", kind))
        await self._send(h11.Response(status_code=status, headers=named))

    async def _send(self, event: Any) -> None:
        data = self._http.send(event)
        if data:
            await self._stream.send_all(data)

    async def _rest_until(self, deadline: float) -> None:
        """Waits, and looks meanwhile whether the client goes away: ClientLeft."""
        with trio.move_on_at(deadline):
            while True:
                data = await self._stream.receive_some(65536)
                if not data:
                    raise ClientLeft
                self._http.receive_data(data)

    def _cut(self, reset: bool) -> None:
        if reset:
            self._stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._stream.socket.close()


def _models(names: tuple[str, ...], anthropic: bool) -> bytes:
    """The list of models, as the vendor that is asked writes it."""
    if anthropic:
        data: list[dict[str, Any]] = [
            {"type": "model", "id": name, "display_name": name, "created_at": "2026-01-01T00:00:00Z"} for name in names
        ]
        return msgspec.json.encode({"data": data, "has_more": False, "first_id": names[0], "last_id": names[-1]})
    data = [{"id": name, "object": "model", "created": 1_790_000_000, "owned_by": "pillion"} for name in names]
    return msgspec.json.encode({"object": "list", "data": data})
