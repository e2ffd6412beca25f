"""The only place that starts a process, and the one that ends its whole tree."""

from __future__ import annotations

import codecs
import logging
import os
import subprocess
import tempfile
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import IO

import trio
from msgspec import Struct

from .errors import ToolError
from .leftovers import end_leftovers
from .processtree import VARIABLE, Tree, become_subreaper, find_groups

log = logging.getLogger("pillion.processes")

KEPT = 256 * 1024
"""Bytes of output that `run` keeps by default."""
READ = 64 * 1024
DRAIN = 1.0
"""Seconds for what is still in the pipe when all writers that could be ended have ended."""


class Ended(Struct, frozen=True):
    """What `run` tells. `code` is the exit status, negative for a signal; `output` is stdout and stderr as they came,
    `cut` bytes of its middle left out; `left` counts processes that even SIGKILL did not end."""

    code: int
    output: str
    cut: int
    timed_out: bool
    seconds: float
    left: int = 0


class Process:
    """A running program. Iterating gives its output as bytes until every holder of the pipe has closed it."""

    def __init__(
        self,
        program: subprocess.Popen[bytes],
        output: trio.abc.ReceiveStream,
        tree: Tree,
        threads: trio.CapacityLimiter,
    ) -> None:
        self._program = program
        self._output = output
        self._tree = tree
        self._threads = threads
        self._left: int | None = None

    @property
    def pid(self) -> int:
        return self._program.pid

    @property
    def code(self) -> int | None:
        """The exit status, negative for a signal; None while it runs."""
        return self._program.poll()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while data := await self._output.receive_some(READ):
            yield bytes(data)

    async def wait(self) -> int:
        """The exit status of the program itself, negative for a signal."""
        while (code := self.code) is None:
            try:
                watch = os.pidfd_open(self.pid)
            except (AttributeError, OSError):  # no Linux, or an old one
                await trio.to_thread.run_sync(self._program.wait, abandon_on_cancel=True)
                continue
            try:
                await trio.lowlevel.wait_readable(watch)
            finally:
                os.close(watch)
        await trio.lowlevel.checkpoint()
        return code

    async def end(self) -> int:
        """Ends the program and all that descends from it; how many of them could not be ended. Can't be cancelled,
        and takes at most some 10 seconds."""
        if self._left is not None:
            return self._left
        with trio.CancelScope(shield=True):
            left = self._left = await self._tree.end(self._threads)
            with trio.move_on_after(DRAIN):
                await self.wait()
            if self.code is None:  # not seen, e.g. without /proc; or past all killing
                self._program.kill()
                with trio.move_on_after(DRAIN):
                    await self.wait()
        if left:
            log.error("%d processes of process %d could not be ended", left, self.pid)
        return left


class Processes:
    """Starts programs with the given environment and nothing else of ours. `groups=False`: no cgroups."""

    def __init__(self, environment: Mapping[str, str], *, groups: bool = True) -> None:
        self._environment = dict(environment)
        self._groups = groups
        self._found: Path | None = None
        self._ready = False
        # Of its own: an end must never wait for threads that others keep busy.
        self._threads = trio.CapacityLimiter(8)

    @asynccontextmanager
    async def start(
        self,
        argv: Sequence[str],
        *,
        cwd: Path,
        stdin: bytes | None = None,
        extra: Mapping[str, str] = {},
        drop_errors: bool = False,
    ) -> AsyncGenerator[Process]:
        """Runs `argv` in a session of its own, without a terminal, stdout and stderr in one pipe (`drop_errors`: stdout
        alone). When the block is left, however it is left, the program and every descendant of it have ended.
        ToolError if it can't start."""
        self._prepare()
        tree = Tree(self._found)
        environment = {**self._environment, **extra, VARIABLE: tree.mark}
        await trio.lowlevel.checkpoint_if_cancelled()
        with trio.CancelScope(shield=True):  # between the start and the try nothing may come in
            open_it = partial(_open, tree, argv, cwd, stdin, environment, drop_errors)
            program, output = await trio.to_thread.run_sync(open_it, limiter=self._threads)
        stream = trio.lowlevel.FdStream(output)
        process = Process(program, stream, tree, self._threads)
        try:
            yield process
        finally:
            await process.end()
            stream.close()

    async def run(
        self,
        argv: Sequence[str],
        *,
        cwd: Path,
        seconds: float,
        stdin: bytes | None = None,
        limit: int = KEPT,
        on_output: Callable[[str], None] | None = None,
        extra: Mapping[str, str] = {},
        drop_errors: bool = False,
    ) -> Ended:
        """Runs `argv` to its end, or for `seconds`. The output is always drained; its beginning and end, `limit` bytes
        together, are kept. Returns when the program ends, even if a grandchild holds the pipe."""
        kept = Kept(limit)
        began = trio.current_time()
        starting = self.start(argv, cwd=cwd, stdin=stdin, extra=extra, drop_errors=drop_errors)
        async with starting as process, trio.open_nursery() as nursery:
            nursery.start_soon(_drain, process, kept, on_output)
            with trio.move_on_after(seconds) as deadline:
                await process.wait()
            left = await process.end()
            code = process.code
            nursery.cancel_scope.deadline = trio.current_time() + DRAIN
        seconds = trio.current_time() - began
        return Ended(-9 if code is None else code, kept.text(), kept.cut, deadline.cancelled_caught, seconds, left)

    async def end_leftovers(self) -> int:
        """Ends what Pillions that were killed have left running, all of this user's; how many trees that were."""
        return await end_leftovers(self._threads)

    def _prepare(self) -> None:
        if not self._ready:
            self._ready = True
            become_subreaper()
            self._found = find_groups() if self._groups else None


class Kept:
    """The first and the last bytes of a long output, `limit` together."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._head = bytearray()
        self._tail: deque[bytes] = deque()
        self._in_tail = 0
        self.total = 0

    def add(self, data: bytes) -> None:
        self.total += len(data)
        room = self._limit // 2 - len(self._head)
        if room > 0:
            self._head += data[:room]
            data = data[room:]
        if data:
            self._tail.append(data)
            self._in_tail += len(data)
            while self._in_tail - len(self._tail[0]) >= self._limit - self._limit // 2:
                self._in_tail -= len(self._tail.popleft())

    @property
    def cut(self) -> int:
        """Bytes left out of the middle."""
        return max(0, self.total - len(self._head) - min(self._in_tail, self._limit - self._limit // 2))

    def text(self) -> str:
        """What is kept, invalid UTF-8 replaced, with a line in the middle that says how much is left out."""
        tail = b"".join(self._tail)
        if not self.cut:
            return (bytes(self._head) + tail).decode(errors="replace")
        tail = tail[len(tail) - (self._limit - self._limit // 2) :]
        return f"{_whole(bytes(self._head))}\n… {self.cut} bytes left out …\n{_whole(tail)}"


def _whole(data: bytes) -> str:
    """Decodes a piece that was cut at both ends: a character that the cut halved is left out."""
    start = 0
    while start < min(3, len(data)) and data[start] & 0xC0 == 0x80:
        start += 1
    return codecs.getincrementaldecoder("utf-8")("replace").decode(data[start:])


async def _drain(process: Process, kept: Kept, on_output: Callable[[str], None] | None) -> None:
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    async for data in process:
        kept.add(data)
        if on_output is not None and (text := decoder.decode(data)):
            on_output(text)
    if on_output is not None and (text := decoder.decode(b"", final=True)):
        on_output(text)


def _open(
    tree: Tree,
    argv: Sequence[str],
    cwd: Path,
    stdin: bytes | None,
    environment: Mapping[str, str],
    drop_errors: bool,
) -> tuple[subprocess.Popen[bytes], int]:
    """The started program and the reading end of its output. Runs in a thread."""
    if not argv:
        raise ToolError("An empty command can't be started.")
    with ExitStack() as stack:
        source: int | IO[bytes] = subprocess.DEVNULL
        if stdin is not None:
            # A file instead of a pipe: it never fills up, so nobody has to feed it.
            source = stack.enter_context(tempfile.TemporaryFile())
            source.write(stdin)
            source.seek(0)
        reading, writing = os.pipe()
        stack.callback(os.close, writing)
        try:
            with tree.marking():
                program = subprocess.Popen(
                    list(argv),
                    stdin=source,
                    stdout=writing,
                    stderr=subprocess.DEVNULL if drop_errors else writing,
                    cwd=cwd,
                    env=dict(environment),
                    start_new_session=True,
                )
        except (OSError, ValueError) as error:
            os.close(reading)
            said = error.strerror if isinstance(error, OSError) else str(error)
            raise ToolError(f"{argv[0]} can't be started: {said}.") from None
    tree.adopt(program.pid)
    return program, reading
