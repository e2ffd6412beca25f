"""Worker processes for many files: a few side by side, and a time limit for each file."""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec
import trio

from pillion.processes import Process, Processes

from .reading import Read

MOST = 4
"""Processes; no more than there are cores."""
TOGETHER = 20
"""Files that a process is given at once."""
SECONDS = 5.0
"""For one file."""
BEGIN = 20.0
"""More for the first one: a process has to begin."""

Job = tuple[str, str]
"""A path and the name of its language."""
Take = Callable[[Read], None]


class Workers:
    """`seconds` is the limit for one file; `begin` is added for the first one of a process."""

    def __init__(self, processes: Processes, seconds: float = SECONDS, begin: float = BEGIN) -> None:
        self._processes = processes
        self._seconds, self._begin = seconds, begin

    async def read(self, root: Path, files: Sequence[Path], jobs: Sequence[Job], take: Take) -> list[str]:
        """Gives what was found in each file to `take`. Returns the paths that took too long, or ended their process."""
        waiting = deque(jobs)
        hung: list[str] = []
        count = max(1, min(MOST, os.cpu_count() or 1, len(jobs) // TOGETHER))

        async def work() -> None:
            while waiting:
                await self._process(root, files, waiting, hung, take)

        async with trio.open_nursery() as nursery:
            for _ in range(count):
                nursery.start_soon(work)
        return hung

    async def _process(
        self, root: Path, files: Sequence[Path], waiting: deque[Job], hung: list[str], take: Take
    ) -> None:
        """One process, until all is done or it is ended for a file that hangs."""
        argv = [sys.executable, "-P", "-m", f"{__package__}.worker"]
        mine: deque[Job] = deque()
        seconds = self._begin + self._seconds
        try:
            async with AsyncExitStack() as stack:
                start = self._processes.start(
                    argv, cwd=Path("/"), drop_errors=True, open_input=True, single=True,
                    extra={"PYTHONPATH": os.pathsep.join(sys.path[1:])},
                )  # fmt: skip
                process = await stack.enter_async_context(start)
                await _write(process, {"root": str(root), "files": [str(file) for file in files]})
                frames = _frames(process)
                while waiting or mine:
                    if not mine:
                        mine.extend(waiting.popleft() for _ in range(min(TOGETHER, len(waiting))))
                        await _write(process, {"read": list(mine)})
                    with trio.fail_after(seconds):
                        take(msgspec.msgpack.decode(await anext(frames), type=Read))
                    mine.popleft()
                    seconds = self._seconds
                    await trio.lowlevel.checkpoint()  # several frames may be there at once
        except (trio.TooSlowError, StopAsyncIteration, trio.BrokenResourceError, msgspec.DecodeError):
            if mine:
                hung.append(mine.popleft()[0])
        waiting.extendleft(reversed(mine))


async def _write(process: Process, said: object) -> None:
    await process.write(msgspec.json.encode(said) + b"\n")


async def _frames(process: Process) -> AsyncIterator[bytes]:
    data = b""
    async for piece in process:
        data += piece
        while len(data) >= 4 and len(data) >= 4 + (size := int.from_bytes(data[:4], "big")):
            yield data[4 : 4 + size]
            data = data[4 + size :]
