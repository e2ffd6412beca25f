"""A server that tests share, in a thread of its own: each has folder, session, vendor and editor to itself."""

from __future__ import annotations

import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from itertools import count
from pathlib import Path

import trio

from pillion_runtime.testing import Program, vendor_server

from ...scenarios.serverprocess import BOUND, MODELS, ServerProcess, server_process
from .editordouble import NONE, Answers, editor_double
from .sidecar import SETTINGS, Sidecar

MORE = 'tool_tags = ["*/tagged"]'


class Home:
    """`port` is the vendor's: one test after the other serves there."""

    def __init__(self, server: ServerProcess, folder: Path, port: int, token: trio.lowlevel.TrioToken) -> None:
        self._server, self._folder, self._port, self._token = server, folder, port, token
        self._numbers = count(1)

    def leave(self, left: trio.Event) -> None:
        self._token.run_sync_soon(left.set)

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
    ready, left = threading.Event(), trio.Event()
    found: list[Home] = []
    failed: list[BaseException] = []
    port = free_port()

    async def serve() -> None:
        settings = (MODELS + SETTINGS).format(url=f"http://127.0.0.1:{port}", more=MORE)
        async with server_process(folder, settings) as server:
            found.append(Home(server, folder, port, trio.lowlevel.current_trio_token()))
            ready.set()
            await left.wait()

    def run() -> None:
        try:
            trio.run(serve)
        except BaseException as error:  # shown in the tests' own thread
            failed.append(error)
        ready.set()

    thread = threading.Thread(target=run)
    thread.start()
    assert ready.wait(BOUND) and found, failed
    yield found[0]
    found[0].leave(left)
    thread.join(2 * BOUND)
    assert not failed and not thread.is_alive(), failed


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port
