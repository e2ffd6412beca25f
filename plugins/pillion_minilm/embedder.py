"""Who makes vectors: a process that begins with the first text and ends when nobody has wanted any for a while."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import msgspec
import trio

from pillion import ToolError
from pillion.processes import Process, Processes

DIMENSIONS = 384
SIZE = DIMENSIONS * 4
IDLE = 120.0
"""Seconds without a text after which the process ends."""
SECONDS = 60.0
"""For one batch; the first one also waits for the model."""
THREADS = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
"""More would wait for each other in a loop, and slow the others of a busy machine."""


class _Job:
    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = texts
        self.vectors: Sequence[bytes] = ()
        self.error = ""
        self.done = trio.Event()


class Embedder:
    """An Embedder as the plugin index wants one. `run` is a task of the plugin's lifespan."""

    name = "all-minilm-l6-v2/1"
    dimensions = DIMENSIONS

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._jobs, self._next = trio.open_memory_channel[_Job](0)  # who comes waits for those before

    async def embed(self, texts: Sequence[str]) -> Sequence[bytes]:
        """A vector of length 1 for each, as 32-bit numbers, the low byte first. Raises ToolError."""
        if not texts:
            return ()
        job = _Job(texts)
        with trio.move_on_after(SECONDS):
            await self._jobs.send(job)
            await job.done.wait()
            if not job.error:
                return job.vectors
        raise ToolError(job.error or "The model that makes vectors did not answer in time.")

    async def run(self, processes: Processes) -> None:
        while True:
            job = await self._next.receive()
            try:
                await self._serve(processes, job)
            except ToolError as error:
                job.error = str(error)
                job.done.set()

    async def _serve(self, processes: Processes, job: _Job | None) -> None:
        """One process, from its first job until it is idle, or fails one. Raises ToolError where it can't begin."""
        argv = [sys.executable, "-P", "-m", f"{__package__}.worker", str(self._folder)]
        extra = {"PYTHONPATH": os.pathsep.join(sys.path[1:]), **THREADS}
        async with processes.start(
            argv, cwd=Path("/"), drop_errors=True, open_input=True, single=True, extra=extra
        ) as process:
            answers = _rows(process)
            while job is not None:
                with trio.move_on_after(SECONDS):
                    await self._work(process, answers, job)
                if not job.vectors:
                    job.error = "The process that makes vectors ended."
                job.done.set()
                if job.error:
                    return
                job = None
                with trio.move_on_after(IDLE):
                    job = await self._next.receive()

    async def _work(self, process: Process, answers: AsyncIterator[bytes], job: _Job) -> None:
        try:
            await process.write(msgspec.json.encode(job.texts) + b"\n")
            job.vectors = [await anext(answers) for _ in job.texts]
        except (StopAsyncIteration, trio.BrokenResourceError):
            return


async def _rows(process: Process) -> AsyncIterator[bytes]:
    data = b""
    async for piece in process:
        data += piece
        while len(data) >= SIZE:
            yield data[:SIZE]
            data = data[SIZE:]
