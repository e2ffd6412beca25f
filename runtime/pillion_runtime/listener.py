"""Hypercorn's HTTP connections on trio, in a nursery of ours.

hypercorn's own `serve` sends inside an endless shield: a client that stops reading holds the shutdown for ever. Here a
send has a deadline, what is left when the server ends is cut, and one broken connection never ends the server.
Closing is shielded: Quart cancels the task that sent the last byte, and hypercorn closes in that task.
A head whose length says that a body follows leaves together with it: a send costs as much as a handler.
"""

from __future__ import annotations

import logging
import math
import os
import socket
from typing import Any, cast

import trio
from hypercorn.config import Config
from hypercorn.events import Closed, Event, RawData
from hypercorn.trio.tcp_server import TCPServer
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import ConnectionState
from hypercorn.utils import wrap_app

from . import malformed
from .door import Door
from .hostsettings import Address

STALLED = 300.0
"""Seconds that one send may take; then the client is dropped, and may come back with its cursor."""
IDLE = 30.0
"""Seconds that a connection may be silent between requests, or amid the headers of one."""

log = logging.getLogger("pillion.http")


def bind(address: Address) -> socket.socket:
    """A socket that listens there. Raises OSError when it can't."""
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((address.host, address.port))
        listening.listen(1024)
    except OSError:
        listening.close()
        raise
    return listening


class _Silence:
    """Since when a connection waits for a request. hypercorn begins a task for that, twice a request; here one looks
    after all.
    """

    def __init__(self) -> None:
        self.since = math.inf

    async def restart(self, *_: object) -> None:
        self.since = trio.current_time()

    async def stop(self) -> None:
        self.since = math.inf


class Connection(TCPServer):
    """One client's connection."""

    _sending: trio.CancelScope | None = None
    _stalled = STALLED
    _head = b""
    idle_task: _Silence  # type: ignore[assignment]

    async def close_if_silent(self, seconds: float) -> None:
        """Ends it when it has waited so long for a request."""
        if trio.current_time() - self.idle_task.since >= seconds:
            await trio.aclose_forcefully(self.stream)

    async def protocol_send(self, event: Event) -> None:
        """As hypercorn's, but what the client does not take within STALLED ends the connection."""
        if isinstance(event, RawData):
            if not self._head and _announces_body(event.data):
                self._head = event.data  # at the latest the empty end of the message brings it out
                if malformed.is_bare(event.data):
                    self._head = malformed.told(event.data)
            else:
                await self._write(event.data)
            return
        if self._head:
            await self._write(b"")
        with trio.CancelScope(shield=True, deadline=trio.current_time() + self._stalled):
            await super().protocol_send(event)

    async def _write(self, data: bytes) -> None:
        data, self._head = self._head + data, b""
        if not data:
            return
        async with self.send_lock:
            try:
                data = data[self._send_now(data) :]
                if not data:
                    return
                with trio.CancelScope(shield=True, deadline=trio.current_time() + self._stalled) as self._sending:
                    await self.stream.send_all(data)
                    return
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                pass
        await trio.aclose_forcefully(self.stream)
        await self.protocol.handle(Closed())

    def _send_now(self, data: bytes) -> int:
        """How much the client's window took without waiting, which is nearly always all of it."""
        try:
            return os.write(self.stream.socket.fileno(), data)
        except OSError:  # full, or gone: trio's send waits, or says so
            return 0

    def cut(self) -> None:
        """Ends a send that hangs, which no cancel from outside reaches, and lets no other hang."""
        self._stalled = 0
        if self._sending is not None:
            self._sending.cancel()


def _announces_body(data: bytes) -> bool:
    return data.startswith(b"HTTP/1.1 ") and b"\r\ncontent-length: " in data[:4096]


class Listener:
    """Serves `door` on a listening socket until `stop`."""

    def __init__(self, door: Door) -> None:
        self._config = Config()
        self._config.include_server_header = False
        self._config.errorlog = logging.getLogger("hypercorn.error")
        self._config.keep_alive_max_requests = 1_000_000
        self._context = WorkerContext(None)
        self._app = wrap_app(cast(Any, door), 0, "asgi")
        self._live: set[Connection] = set()
        self._ended = trio.lowlevel.ParkingLot()
        self._accepting = trio.CancelScope()
        self._farewell = 1.0

    async def run(self, listening: socket.socket, task_status: trio.TaskStatus[None]) -> None:
        """Ends some time after `stop`, when every connection has ended. Closes the socket."""
        listener = trio.SocketListener(trio.socket.from_stdlib_socket(listening))
        async with trio.open_nursery() as connections:
            try:
                connections.start_soon(self._close_silent)
                with self._accepting:
                    task_status.started()
                    await trio.serve_listeners(self._handle, [listener], handler_nursery=connections)
                await self._context.terminated.set()  # busy connections close after their answer
                await self._close_silent_now(0)
                await self._last_answers()
            finally:
                connections.cancel_scope.cancel()
                for connection in self._live:
                    connection.cut()

    def stop(self, farewell: float = 1.0) -> None:
        """Takes no more connections; open requests get `farewell` seconds."""
        self._farewell = farewell
        self._accepting.cancel()

    async def _handle(self, stream: trio.SocketStream) -> None:
        connection = Connection(self._app, self._config, self._context, ConnectionState({}), cast(Any, stream))
        connection.idle_task = _Silence()
        self._live.add(connection)
        try:
            await connection.run()
        except Exception:  # the edge of HTTP
            log.exception("connection failed")
        finally:
            self._live.discard(connection)
            self._ended.unpark_all()

    async def _close_silent(self) -> None:
        while True:
            await trio.sleep(IDLE / 10)
            await self._close_silent_now(IDLE)

    async def _close_silent_now(self, seconds: float) -> None:
        for connection in tuple(self._live):
            await connection.close_if_silent(seconds)

    async def _last_answers(self) -> None:
        with trio.move_on_after(self._farewell):
            while self._live:
                await self._ended.park()
