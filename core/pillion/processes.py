"""The only place that starts a process, and the one that ends its whole tree."""

from __future__ import annotations

import codecs
import fcntl
import logging
import os
import signal
import struct
import subprocess
import sys
import tempfile
import termios
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import IO

import trio
from msgspec import Struct

from . import mountview
from .errors import ToolError
from .leftovers import end_leftovers
from .processtree import VARIABLE, Tree, become_subreaper, find_groups

log = logging.getLogger("pillion.processes")

KEPT = 256 * 1024
"""Bytes of output that `run` keeps by default."""
READ = 64 * 1024
DRAIN = 1.0
"""Seconds for what is still in the pipe when all writers that could be ended have ended."""
_ON_TERMINAL = ("/bin/sh", "-c", 'exec "$@" <>"$0" >&0 2>&0')
"""A session's leader that opens a terminal which has no session gets it as its own; only so do Ctrl-C and jobs work."""


class Size(Struct, frozen=True):
    """Of a terminal, in characters."""

    rows: int = 24
    columns: int = 80


class Ended(Struct, frozen=True):
    """What `run` tells. `code` is the exit status, negative for a signal; `output` is stdout and stderr as they came,
    `cut` bytes of its middle left out; `left` counts processes that even SIGKILL did not end."""

    code: int
    output: str
    cut: int
    timed_out: bool
    seconds: float
    left: int = 0


class _Ends(Struct, frozen=True):
    """A started program, and our ends of what it reads and writes; `input` is -1 where nothing can be written to it."""

    program: subprocess.Popen[bytes]
    output: int
    input: int
    terminal: bool
    reads: tuple[int, int]


class Process:
    """A running program. Iterating gives its output as bytes until every holder of the pipe has closed it.

    One on a terminal has its input and output there; `write` and `close_input` are for one that was started with
    `open_input` or `terminal`.
    """

    def __init__(self, ends: _Ends, tree: Tree | None, threads: trio.CapacityLimiter) -> None:
        self._program = ends.program
        self._ends = ends
        self._output = trio.lowlevel.FdStream(ends.output)
        self._input = trio.lowlevel.FdStream(ends.input) if ends.input >= 0 else None
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
        with suppress(trio.BrokenResourceError):  # so a terminal ends that nobody has open any more
            while data := await self._output.receive_some(READ):
                yield bytes(data)

    @property
    def unread(self) -> int:
        """Bytes that it has written and nobody has taken from the pipe yet."""
        return int.from_bytes(fcntl.ioctl(self._ends.output, termios.FIONREAD, bytes(4)), sys.byteorder)

    async def write(self, data: bytes) -> None:
        """Gives it input; waits while it takes none and the pipe is full. ToolError where it can take no more."""
        stream = self._output if self._ends.terminal else self._input
        try:
            if stream is None:
                raise ToolError("It was started without an input.")
            await stream.send_all(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            raise ToolError("It takes no more input.") from None

    async def close_input(self) -> None:
        """It reads to the end of what it was given: the pipe is closed, or a terminal's end of input typed."""
        if self._ends.terminal:
            await self.write(b"\x04")
        elif self._input is not None:
            await self._input.aclose()

    @property
    def reads(self) -> tuple[int, int]:
        """Its standard input, as `st_rdev` and `st_ino` of `os.stat` name one: what it has in common with whoever
        reads from there, too."""
        return self._ends.reads

    @property
    def foreground(self) -> int:
        """The process group that a terminal's keys go to."""
        return os.tcgetpgrp(self._ends.output)

    def terminal_shows(self, flag: int) -> bool:
        """Whether its terminal has a local mode set, e.g. `termios.ECHO`."""
        return bool(termios.tcgetattr(self._ends.output)[3] & flag)

    def resize(self, size: Size) -> None:
        """Makes its terminal that large; who draws on it is told so."""
        _size(self._ends.output, size)

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

    def close(self) -> None:
        """Nothing is read or written any more."""
        self._output.close()
        if self._input is not None:
            self._input.close()

    async def end(self) -> int:
        """Ends the program and all that descends from it; how many of them could not be ended. Can't be cancelled,
        and takes at most some 10 seconds."""
        if self._left is not None:
            return self._left
        with trio.CancelScope(shield=True):
            left = self._left = await self._tree.end(self._threads) if self._tree else 0
            if self._tree:
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
        open_input: bool = False,
        terminal: Size | None = None,
        passing: Sequence[int] = (),
        single: bool = False,
    ) -> AsyncGenerator[Process]:
        """Runs `argv` in a session of its own, without a terminal, stdout and stderr in one pipe (`drop_errors`: stdout
        alone). When the block is left, however it is left, the program and every descendant of it have ended.
        ToolError if it can't start.

        `open_input`: it reads what is written to the Process, instead of `stdin`. With `terminal` it gets a new one of
        that size for all three, and as its controlling terminal; one that can't start then says so there. It inherits
        the descriptors in `passing`, under their numbers. `single`: a program that is known to start no other; it alone
        is ended, at once.
        """
        self._prepare()
        tree = Tree(None if single else self._found)
        environment = {**self._environment, **extra, VARIABLE: tree.mark}
        await trio.lowlevel.checkpoint_if_cancelled()
        with trio.CancelScope(shield=True):  # between the start and the try nothing may come in
            plan = _Plan(argv, cwd, environment, stdin, drop_errors, open_input, terminal, tuple(passing))
            ends = await trio.to_thread.run_sync(_open, tree, plan, limiter=self._threads)
        process = Process(ends, None if single else tree, self._threads)
        try:
            yield process
        finally:
            await process.end()
            process.close()

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


def how_ended(code: int) -> str:
    """The exit status of a program, negative for a signal, in words."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"ended by signal {-code}"


def _size(terminal: int, size: Size) -> None:
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", size.rows, size.columns, 0, 0))


class _Plan(Struct, frozen=True):
    """What is to be started."""

    argv: Sequence[str]
    cwd: Path
    environment: Mapping[str, str]
    stdin: bytes | None
    drop_errors: bool
    open_input: bool
    terminal: Size | None
    passing: tuple[int, ...]


def _open(tree: Tree, plan: _Plan) -> _Ends:
    """Starts it. Runs in a thread."""
    if not plan.argv:
        raise ToolError("An empty command can't be started.")
    argv, cwd = mountview.entering(plan.argv, plan.cwd)
    with ExitStack() as ours, ExitStack() as theirs:
        source: int | IO[bytes] = subprocess.DEVNULL
        given = -1
        if plan.terminal is not None:
            reading, writing = os.openpty()
            _size(writing, plan.terminal)
            argv = [*_ON_TERMINAL, os.ttyname(writing), *argv]
            source = writing
        else:
            reading, writing = os.pipe()
        ours.callback(os.close, reading)
        theirs.callback(os.close, writing)
        if plan.terminal is None and plan.open_input:
            source, given = os.pipe()
            theirs.callback(os.close, source)
            ours.callback(os.close, given)
        elif plan.stdin is not None:
            # A file instead of a pipe: it never fills up, so nobody has to feed it.
            source = theirs.enter_context(tempfile.TemporaryFile())
            source.write(plan.stdin)
            source.seek(0)
        found = os.fstat(source) if isinstance(source, int) and source >= 0 else None
        try:
            with tree.marking():
                program = subprocess.Popen(
                    argv,
                    stdin=source,
                    stdout=writing,
                    stderr=subprocess.DEVNULL if plan.drop_errors else writing,
                    cwd=cwd,
                    env=dict(plan.environment),
                    start_new_session=True,
                    pass_fds=plan.passing,
                )
        except (OSError, ValueError) as error:
            said = error.strerror if isinstance(error, OSError) else str(error)
            raise ToolError(f"{plan.argv[0]} can't be started: {said}.") from None
        ours.pop_all()
    tree.adopt(program.pid)
    return _Ends(program, reading, given, plan.terminal is not None, (found.st_rdev, found.st_ino) if found else (0, 0))
