"""A proxy before a server that cuts event streams off in the middle, as a network does that is lost."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

import trio


class Cutting:
    """Listens on `port`. The first streams of events that pass end behind so many bytes as `cuts` says, one by one."""

    def __init__(self, cuts: Sequence[int]) -> None:
        self.port = 0
        self.target = 0
        self.left = list(cuts)

    async def serve(self, client: trio.SocketStream) -> None:
        with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
            async with await trio.open_tcp_stream("127.0.0.1", self.target) as server, trio.open_nursery() as nursery:
                follows = trio.Event()
                nursery.start_soon(self._up, client, server, follows)
                await self._down(client, server, follows)
                nursery.cancel_scope.cancel()

    async def _up(self, client: trio.SocketStream, server: trio.SocketStream, follows: trio.Event) -> None:
        with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
            async for piece in client:
                if b"/events HTTP/1.1" in piece:
                    follows.set()
                await server.send_all(piece)
            await server.send_eof()

    async def _down(self, client: trio.SocketStream, server: trio.SocketStream, follows: trio.Event) -> None:
        passed = 0
        async for piece in server:
            passed += len(piece) if follows.is_set() else 0
            if self.left and passed > self.left[0]:
                await client.send_all(piece[: len(piece) - (passed - self.left.pop(0))])
                return
            await client.send_all(piece)


@asynccontextmanager
async def cutting(*cuts: int) -> AsyncIterator[Cutting]:
    """Set its `target` to the server's port."""
    proxy = Cutting(cuts)
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    proxy.port = listener.socket.getsockname()[1]
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.serve_listeners, proxy.serve, [listener])
        yield proxy
        nursery.cancel_scope.cancel()
