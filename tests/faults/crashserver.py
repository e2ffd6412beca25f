"""Servers of the crash harness: forks of a process that has imported all they need, see forker.py."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import trio

from pillion_runtime import discovery
from pillion_runtime.cli.exits import ServerLost

from ..canaries import KEYS
from ..scenarios.serverprocess import bare_environment

HERE = Path(__file__).parent


class Server:
    """A process that the forker has made."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.ended = trio.Event()
        self.url = self.token = ""

    def kill(self) -> None:
        if not self.ended.is_set():
            os.kill(self.pid, signal.SIGKILL)


class Forker:
    """Speaks to forker.py."""

    def __init__(self, process: trio.Process) -> None:
        self._process = process
        self._asking = trio.Lock()
        self._made: deque[Server] = deque()
        self._born = trio.Event()
        self._servers: dict[int, Server] = {}

    async def listen(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        rest = b""
        assert self._process.stdout is not None
        async for piece in self._process.stdout:
            *lines, rest = (rest + piece).split(b"\n")
            for said in map(msgspec.json.decode, lines):
                if "ready" in said:
                    task_status.started()
                elif "code" in said:
                    self._servers.pop(said["pid"]).ended.set()
                else:
                    self._servers[said["pid"]] = server = Server(said["pid"])
                    self._made.append(server)
                    self._born.set()

    async def fork(self, asked: dict[str, Any]) -> Server:
        async with self._asking:
            self._born = trio.Event()
            assert self._process.stdin is not None
            await self._process.stdin.send_all(msgspec.json.encode(asked) + b"\n")
            await self._born.wait()
            return self._made.popleft()

    @asynccontextmanager
    async def serve(self, folder: Path, settings: str, log: str) -> AsyncIterator[Server]:
        """`pillion serve` with these settings; killed at the block's end, if it still lives. Raises ServerLost when it
        ends before it serves."""
        (folder / "plugins.toml").write_text(settings)
        out = folder / f"{log}.out"
        os.mkfifo(out)
        async with trio.lowlevel.FdStream(os.open(out, os.O_RDWR | os.O_NONBLOCK)) as stdout:
            config, data = folder / "plugins.toml", folder / "data"
            server = await self.fork(
                {
                    "arguments": ["serve", "--config", str(config), "--data-dir", str(data), "--port", "0"],
                    "folder": str(folder),
                    "environment": bare_environment(folder) | KEYS,
                    "out": str(out),
                    "log": str(folder / log),
                }
            )
            try:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._until_lost, server, nursery.cancel_scope)
                    await stdout.receive_some()
                    nursery.cancel_scope.cancel()
                found = discovery.read(data)
                if found is None:
                    raise ServerLost((folder / log).read_text())
                server.url, server.token = found.url, found.token
                yield server
            finally:
                with trio.CancelScope(shield=True):
                    server.kill()
                    await server.ended.wait()

    async def _until_lost(self, server: Server, scope: trio.CancelScope) -> None:
        await server.ended.wait()
        scope.cancel()


@asynccontextmanager
async def forking() -> AsyncIterator[Forker]:
    process = await trio.lowlevel.open_process(
        [sys.executable, str(HERE / "forker.py")], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    forker = Forker(process)
    try:
        async with trio.open_nursery() as nursery:
            await nursery.start(forker.listen)
            yield forker
            nursery.cancel_scope.cancel()
    finally:
        process.kill()
