"""From a command to its first output: run_command in each of its ways, beside what it stands on, in the same run.

    python -m tests.bench.commands [ROUNDS]

Beside a command by itself, a job and a pty stands a bare `subprocess`; beside a shell that stays the same bash, fed by
hand. The tool is called as a turn calls it, without a model; the event log is in memory.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import trio

from ..plugins.conftest import RealCall
from ..plugins.terminal.terminalkit import Desk, desk

WARM = 5
COMMAND = "echo x"


class Timed(RealCall):
    """A call that remembers when it was shown something first."""

    first = 0.0

    def output(self, text: str, /) -> None:
        self.first = self.first or time.perf_counter()


async def bare(folder: Path) -> float:
    began = time.perf_counter()
    argv = ["/usr/bin/bash", "-c", COMMAND]
    with subprocess.Popen(  # noqa: ASYNC220 - nobody else is here
        argv, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, start_new_session=True
    ) as p:
        assert p.stdout is not None
        os.read(p.stdout.fileno(), 10)
        return time.perf_counter() - began


async def bare_pty(folder: Path) -> float:
    began = time.perf_counter()
    master, slave = os.openpty()
    argv = ["/usr/bin/bash", "-c", COMMAND]
    with subprocess.Popen(  # noqa: ASYNC220
        argv, cwd=folder, stdin=slave, stdout=slave, stderr=slave, start_new_session=True
    ):
        os.read(master, 10)
        took = time.perf_counter() - began
    os.close(master)
    os.close(slave)
    return took


class BareShell:
    """A bash that reads commands from a pipe and answers on another."""

    def __init__(self, folder: Path) -> None:
        argv = ["/usr/bin/bash", "--norc", "--noprofile"]
        self.process = subprocess.Popen(argv, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    async def once(self, folder: Path) -> float:
        assert self.process.stdin is not None and self.process.stdout is not None
        began = time.perf_counter()
        os.write(self.process.stdin.fileno(), f"{COMMAND}\n".encode())
        os.read(self.process.stdout.fileno(), 10)
        return time.perf_counter() - began


async def tool(at: Desk, folder: Path, **way: Any) -> float:
    """From the call to the first output that people are shown."""
    run = at.plugin._tools[0]
    call = Timed(at.host.kernel.catalog.workspace(str(folder)), at.host.kernel.processes)
    call.session = at.session.id
    began = time.perf_counter()
    await run.run(run.Arguments(command=COMMAND, **way), call)
    return call.first - began


async def measure(rounds: int, *ways: Callable[[], Awaitable[float]]) -> list[float]:
    """The median of each, in milliseconds; taken in turns, so that a busy moment meets all."""
    found: list[list[float]] = [[] for _ in ways]
    for number in range(rounds + WARM):
        for times, way in zip(found, ways, strict=True):
            took = await way()
            if number >= WARM:
                times.append(took * 1000)
    return [statistics.median(times) for times in found]


async def main(rounds: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shell = BareShell(folder)
        async with desk(folder) as at:
            by_itself, pty, kept, one, on_pty, in_shell, in_pty_shell = await measure(
                rounds,
                lambda: bare(folder),
                lambda: bare_pty(folder),
                lambda: shell.once(folder),
                lambda: tool(at, folder),
                lambda: tool(at, folder, pty=True),
                lambda: tool(at, folder, shell="a"),
                lambda: tool(at, folder, shell="b", pty=True),
            )
        shell.process.kill()
        shell.process.wait()
    print(f"{rounds} rounds, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; ms to the first output, median")
    print(f"{'':28}{'bare':>8}{'tool':>8}{'more':>8}{'ratio':>8}")
    for label, floor, took in (
        ("by itself", by_itself, one),
        ("pty", pty, on_pty),
        ("shell that stays", kept, in_shell),
        ("shell that stays, on a pty", kept, in_pty_shell),
    ):
        print(f"{label:28}{floor:8.2f}{took:8.2f}{took - floor:8.2f}{took / floor:8.2f}")


if __name__ == "__main__":
    trio.run(main, int(sys.argv[1]) if len(sys.argv) > 1 else 40)
