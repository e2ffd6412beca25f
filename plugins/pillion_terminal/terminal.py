"""A program that outlives the call which started it: its output, its input, and its end."""

from __future__ import annotations

import os
import signal
import termios
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Literal

import trio
from msgspec import Struct

from pillion import ToolError, Workspace
from pillion.processes import DRAIN, Process, Processes, Size
from pillion.processtree import descendants

from .events import Why
from .ring import Ring
from .starting import By, Starter
from .waiting import Waits, waits

KEPT = 1024 * 1024
"""Bytes of output that are kept of each."""
WRITING = 5.0
"""Seconds in which a program takes what is typed."""
PAUSE, LONGEST_PAUSE = 0.25, 1.0
"""Seconds without output after which it is looked whether it waits for input, at first and in the end."""
AGAIN = 0.1
"""Seconds until it is looked once more: it may just have been on the way."""
QUIET: Mapping[Waits, float] = {"yes": 0.0, "maybe": 2.0, "unknown": 10.0}
"""Seconds without output for which it must be so."""
Outcome = Literal["done", "waits", "may wait", "late"]


class Order(Struct, frozen=True):
    """What is to be started. `command` is what a person reads; `name` is a shell's."""

    command: str
    argv: tuple[str, ...]
    workspace: Workspace
    folder: str = ""
    by: By = "model"
    name: str = ""
    size: Size | None = None
    extra: Mapping[str, str] = {}
    shared: bool = True


class Terminal:
    """One of a session, known by its number. `live` is its life; the rest may be called by anybody meanwhile."""

    number = 0
    process: Process

    def __init__(self, order: Order, starter: Starter, processes: Processes) -> None:
        self.order, self.size = order, order.size
        self._starter, self._processes = starter, processes
        self.ring = Ring(KEPT)
        self.seen = 0
        """The place up to which the model has read."""
        self.began = time.time()
        self.seconds = 0.0
        self.code: int | None = None
        self.why: Why | None = None
        """None: it lives."""
        self.over = trio.Event()
        self._ending: Why | None = None
        self._end, self._drained, self._change = trio.Event(), trio.Event(), trio.Event()
        self._one = trio.Lock()
        self._heard = trio.current_time()

    # ── its life ──

    async def live(self, begun: Callable[[], object]) -> None:
        """From its start, which `begun` is told, to its end. ToolError if it can't start."""
        order, began = self.order, trio.current_time()
        folder = order.workspace.root / order.folder
        try:
            argv = self._starter.argv_of(self._argv(), workspace=order.workspace, folder=folder, by=order.by)
            async with (
                self._processes.start(
                    argv,
                    cwd=folder,
                    extra=order.extra,
                    open_input=order.size is None,
                    terminal=order.size,
                    passing=self._passing(),
                ) as self.process,
                trio.open_nursery() as nursery,
            ):
                nursery.start_soon(self._drain)
                for task in self._tasks():
                    nursery.start_soon(task)
                if ready := await self._ready():
                    begun()
                else:
                    self._ask_to_end("failed")
                await self._to_its_end()
                nursery.cancel_scope.cancel()
        except ToolError:
            self._ending = "failed"
            raise
        finally:
            self.why = self._ending or "session"
            self.code = self.process.code if hasattr(self, "process") else None
            self.seconds = trio.current_time() - began
            self.over.set()
            self._changed()
        if not ready:
            raise ToolError("It did not begin in time.")

    async def _to_its_end(self) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._exit)
            await self._end.wait()
            nursery.cancel_scope.cancel()
        await self.process.end()
        with trio.move_on_after(DRAIN):
            await self._drained.wait()

    async def _exit(self) -> None:
        await self.process.wait()
        self._ask_to_end("exited")

    async def _drain(self) -> None:
        async for data in self.process:
            self.ring.add(data)
            self._heard = trio.current_time()
            self._changed()
        self._drained.set()

    def _argv(self) -> Sequence[str]:
        return self.order.argv

    def _passing(self) -> Sequence[int]:
        """Descriptors that it gets besides."""
        return ()

    def _tasks(self) -> Sequence[Callable[[], Awaitable[None]]]:
        """What is to be done while it lives."""
        return ()

    async def _ready(self) -> bool:
        """Returns when it can be used. False: it never will."""
        return True

    def _ask_to_end(self, why: Why) -> None:
        self._ending = self._ending or why
        self._end.set()

    def _changed(self) -> None:
        self._change.set()
        self._change = trio.Event()

    # ── what everybody may do ──

    @property
    def busy(self) -> bool:
        """Is something at work that one might wait for?"""
        return not self.over.is_set()

    async def stop(self, why: Why = "stopped") -> None:
        """Ends it and all that it started; returns when that is so. It takes some 10 seconds at most."""
        self._ask_to_end(why)
        await self.over.wait()

    async def interrupt(self) -> None:
        """As Ctrl-C does."""
        if self.size is not None:
            with suppress(OSError):
                os.killpg(self.process.foreground, signal.SIGINT)
        else:
            await trio.to_thread.run_sync(send, self.process.pid, signal.SIGINT)

    async def write(self, data: bytes) -> None:
        """Types it. ToolError where it has ended, or does not take it in time."""
        self._check()
        with trio.move_on_after(WRITING) as scope:
            async with self._one:
                await self.process.write(data)
        if scope.cancelled_caught:
            raise ToolError(f"It did not take all of the input within {WRITING:g} s.")

    async def close_input(self) -> None:
        """Tells it that no more input comes."""
        self._check()
        async with self._one:
            await self.process.close_input()

    def resize(self, size: Size) -> None:
        """ToolError where it has no terminal of its own, or has ended."""
        self._check()
        if self.size is None:
            raise ToolError("It has no terminal of its own, so it has no size.")
        self.process.resize(size)
        self.size = size

    @property
    def hides(self) -> bool:
        """Is what is typed now not to be seen, e.g. a password?"""
        return self.size is not None and not self.over.is_set() and not self.process.terminal_shows(termios.ECHO)

    async def changed(self) -> None:
        """Waits until there is more to read, or something has ended."""
        await self._change.wait()

    async def watch(
        self,
        seconds: float,
        done: Callable[[], bool],
        shown: Callable[[], None] = lambda: None,
        *,
        waiting: bool = True,
    ) -> Outcome:
        """Waits until `done`, until it has ended or (`waiting`) waits for input; `late`: none of these in time. Calls
        `shown` whenever there may be more to read."""
        pause = PAUSE
        with trio.move_on_after(seconds):
            while True:
                shown()
                if done() or self.over.is_set():
                    return "done"
                with trio.move_on_after(pause) as quiet:
                    await self.changed()
                pause = min(2 * pause, LONGEST_PAUSE) if quiet.cancelled_caught else PAUSE
                if waiting and quiet.cancelled_caught and (said := await self.waits()):
                    return "waits" if said == "yes" else "may wait"
        return "late"

    async def waits(self) -> Waits | None:
        """Whether it waits for input at this moment; None: it does not."""
        found = await self._look()
        if found == "no" or trio.current_time() - self._heard < QUIET[found]:
            return None
        end = self.ring.end
        await trio.sleep(AGAIN)
        return found if await self._look() == found and self.ring.end == end else None

    async def _look(self) -> Waits:
        if self.over.is_set() or not hasattr(self, "process"):
            return "no"
        process, group, keys = self.process, 0, False
        if self.size is not None:
            with suppress(OSError):
                group, keys = process.foreground, not process.terminal_shows(termios.ICANON)
        return await trio.to_thread.run_sync(lambda: waits(process.pid, process.reads, group=group, keys=keys))

    @property
    def ending(self) -> bool:
        """Takes it nothing more, since it has ended or is about to?"""
        return self._end.is_set() or self.over.is_set()

    def _check(self) -> None:
        if self.ending or not hasattr(self, "process"):
            raise ToolError(f"Terminal {self.number} has ended.")


def send(root: int, number: signal.Signals, *, below: bool = False) -> None:
    """Signals a process and those below it of the same group; `below`: all below it, and not itself."""
    with suppress(ProcessLookupError):
        group = os.getpgid(root)
        for pid in [*(() if below else (root,)), *descendants({root})]:
            with suppress(ProcessLookupError, PermissionError):
                if below or os.getpgid(pid) == group:
                    os.kill(pid, number)
