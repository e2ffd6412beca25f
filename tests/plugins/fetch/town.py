"""A network of a test's own: names with addresses, and at each address a real server on loopback that sends bytes."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import trio

from pillion import Output
from pillion_fetch.fetching import FetchArguments
from pillion_fetch.network import Internet, NoConnection
from pillion_fetch.plugin import Config, Plugin

PUBLIC, OTHER = "93.184.216.34", "2606:2800:220:1::1"
Talk = Callable[[str, trio.abc.Stream], Awaitable[None]]
"""What a server does with a request's head and its connection."""


class Town:
    """Implements Network. `names`: what a name has at each look-up, the last one for good."""

    def __init__(self, nursery: trio.Nursery) -> None:
        self._nursery = nursery
        self.names: dict[str, list[list[str]]] = {}
        self.heads: list[str] = []
        """The heads of the requests that came."""
        self.connected: list[tuple[str, int]] = []
        self._ports: dict[str, int] = {}

    async def house(self, address: str, talk: Talk | bytes, context: ssl.SSLContext | None = None) -> int:
        """A server that stands for `address`, at every port of it; its own port on loopback."""

        async def serve(stream: trio.abc.Stream) -> None:
            try:
                stream = trio.SSLStream(stream, context, server_side=True) if context else stream
                head = b""
                while b"\r\n\r\n" not in head:
                    if not (data := await stream.receive_some(4096)):
                        return
                    head += data
                self.heads.append(head.decode())
                if isinstance(talk, bytes):
                    await stream.send_all(talk)
                else:
                    await talk(head.decode(), stream)
                await stream.aclose()
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                pass  # the client has enough

        (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
        self._nursery.start_soon(trio.serve_listeners, serve, [listener])
        self._ports[address] = listener.socket.getsockname()[1]
        return self._ports[address]

    async def resolve(self, host: str, port: int) -> Sequence[str]:
        await trio.lowlevel.checkpoint()
        if host not in self.names:
            raise NoConnection(f"{host} can't be found.")
        looked = self.names[host]
        return looked.pop(0) if len(looked) > 1 else looked[0]

    async def connect(self, address: str, port: int) -> trio.abc.Stream:
        self.connected.append((address, port))
        if address not in self._ports:
            raise ConnectionRefusedError(111, "refused")
        return await Internet().connect("127.0.0.1", self._ports[address])


@asynccontextmanager
async def town() -> AsyncIterator[Town]:
    """With a house at PUBLIC, whose name is lantern.example; what it says is told by each test."""
    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            made = Town(nursery)
            made.names["lantern.example"] = [[PUBLIC]]
            yield made
            nursery.cancel_scope.cancel()


async def fetched(call: Any, url: str, network: Any = None, **config: Any) -> Output:
    (tool,) = Plugin(Config(**config), network).register_tools(None)  # type: ignore[arg-type]
    found = await tool.run(FetchArguments(url), call)
    assert isinstance(found, Output)
    return found


def inside(found: Output) -> str:
    """What stands between the marks."""
    lines = found.text.split("\n")
    at = [number for number, line in enumerate(lines) if line == lines[-1]]
    assert len(at) == 2 and lines[-1].startswith("=====")
    return "\n".join(lines[at[0] + 1 : at[1]])


def answer(body: bytes = b"", kind: str = "text/plain", status: str = "200 OK", *more: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {len(body)}", *more, "", ""]
    return "\r\n".join(line for line in lines if kind or "Content-Type" not in line).encode() + body
