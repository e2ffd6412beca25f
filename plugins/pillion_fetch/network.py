"""The two things that are asked of the network: which addresses a name has, and a connection to one of them.

They are two, so that what is judged between them is what is connected to: a name is resolved once, and never again.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from typing import Protocol

import trio

from pillion import ToolError


class NoConnection(ToolError):
    """The host is not there, or does not talk."""

    code = "connection"


class Network(Protocol):
    async def resolve(self, host: str, port: int) -> Sequence[str]:
        """The addresses of a name, the one to try first first. Raises NoConnection."""
        ...

    async def connect(self, address: str, port: int) -> trio.abc.Stream:
        """A connection to that very address. Raises OSError."""
        ...


class Internet:
    """The real one. Proxies of the environment are not used: what they connect to can't be seen from here."""

    async def resolve(self, host: str, port: int) -> Sequence[str]:
        try:
            found = await trio.socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            said = error.strerror if isinstance(error, OSError) else str(error)
            raise NoConnection(f"{host} can't be found: {said}.") from None
        return list(dict.fromkeys(str(address[0]) for *_, address in found))

    async def connect(self, address: str, port: int) -> trio.abc.Stream:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        connection = trio.socket.socket(family, socket.SOCK_STREAM)
        try:
            await connection.connect((address, port))
        except BaseException:
            connection.close()
            raise
        return trio.SocketStream(connection)
