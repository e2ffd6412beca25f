"""A server that tests share, in a thread of its own: each has folder, session, vendor and editor to itself."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from itertools import count
from pathlib import Path

from pillion_runtime.testing import Program, vendor_server

from ...inthread import in_thread
from ...scenarios.serverprocess import BOUND, MODELS, ServerProcess, server_process
from .editordouble import NONE, Answers, editor_double
from .sidecar import SETTINGS, Sidecar

MORE = 'tool_tags = ["*/tagged"]'


class Home:
    """`port` is the vendor's: one test after the other serves there."""

    def __init__(self, server: ServerProcess, folder: Path, port: int) -> None:
        self._server, self._folder, self._port = server, folder, port
        self._numbers = count(1)

    @asynccontextmanager
    async def sidecar(self, program: Program, answers: Answers = NONE) -> AsyncIterator[Sidecar]:
        """The server, with a vendor that answers as `program` says, and an editor."""
        number = next(self._numbers)
        work = self._folder / f"work-{number}"
        work.mkdir()
        async with vendor_server(program, port=self._port) as vendor, editor_double(answers) as editor:
            yield Sidecar(self._server, vendor, editor, work, f"session-{number}")


@contextmanager
def open_home(folder: Path) -> Iterator[Home]:
    port = free_port()
    settings = (MODELS + SETTINGS).format(url=f"http://127.0.0.1:{port}", more=MORE)

    @asynccontextmanager
    async def opened() -> AsyncIterator[Home]:
        async with server_process(folder, settings) as server:
            yield Home(server, folder, port)

    with in_thread(opened, BOUND) as home:
        yield home


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port
