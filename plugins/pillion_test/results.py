"""Where pytest writes its results: a pipe with a name, so that a second run takes nothing of the first away."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import trio

from pillion import ToolError
from pillion.processes import Ended

from .readers.junit import LARGEST

READ = 64 * 1024


class Results:
    """What was written to the pipe at `path`, all runs one after the other."""

    def __init__(self, path: Path, pipe: int) -> None:
        self.path, self._pipe = path, pipe
        self._kept = bytearray()

    async def beside(self, run: Callable[[], Awaitable[Ended]]) -> Ended:
        """What `run` returns; meanwhile what is written is taken, so that nobody waits. Raises its ToolError."""
        refused: ToolError | None = None
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._take)
            try:
                ended = await run()
            except ToolError as error:
                refused = error
            nursery.cancel_scope.cancel()
        if refused is not None:
            raise refused
        return ended

    async def _take(self) -> None:
        while True:
            await trio.lowlevel.wait_readable(self._pipe)
            self._drain()

    def written(self) -> bytes | None:
        """All of it, or one byte more than is read; None for nothing."""
        self._drain()
        return bytes(self._kept) or None

    def _drain(self) -> None:
        with suppress(BlockingIOError):
            while data := os.read(self._pipe, READ):
                self._kept += data[: LARGEST + 1 - len(self._kept)]


@asynccontextmanager
async def results_of() -> AsyncIterator[Results]:
    """A pipe in a folder that is ours alone, and goes with all that is in it."""
    folder = Path(await trio.to_thread.run_sync(tempfile.mkdtemp, None, "pillion-tests-"))
    try:
        path = folder / "results.xml"
        os.mkfifo(path, 0o600)
        pipe = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)  # also to write: so it never comes to its end
        try:
            yield Results(path, pipe)
        finally:
            os.close(pipe)
    finally:
        with trio.CancelScope(shield=True), trio.move_on_after(10):
            await trio.to_thread.run_sync(lambda: shutil.rmtree(folder, ignore_errors=True), abandon_on_cancel=True)
