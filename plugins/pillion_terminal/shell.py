"""A shell that stays: folder, variables and functions of one command are there for the next.

It is bash, which reads commands from a descriptor of their own and tells each one's end on another. What commands print
can't look like an end: it comes another way, and each end is told with a word that only this command was given. bash is
interactive, since only then an interrupt ends a whole command and not the shell. What it says as such (prompts, which
jobs are done) goes to a terminal that nobody looks at, unless it has one of its own.
"""

from __future__ import annotations

import os
import secrets
import shlex
import signal
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

import trio

from pillion import ToolError
from pillion.processes import DRAIN, Processes
from pillion.processtree import descendants

from .starting import Starter
from .terminal import Order, Terminal, send

READY = 10.0
"""Seconds that a shell gets to begin."""
HEED = 1.5
"""Seconds that a command gets to end when it is interrupted, and again when what it started is killed."""
SETTLE, SILENT = 0.02, 0.1
"""Seconds in which what a terminal has taken comes out at our end; and the first of it, on a machine that is busy."""
LONGEST_STATUS = 64 * 1024
KEPT = 9, 8, 7, 6, 5
"""Where the shell may keep what its commands read, and where they complain: of one digit, as any shell takes them, and
not what it is given."""
PLAIN = {"HISTFILE": "", "PROMPT_COMMAND": ""}
"""It speaks to a program, not to a person."""


class Running:
    """A command of a shell. `code` is None until it has ended; then `folder` is where the shell is."""

    def __init__(self, command: str, start: int) -> None:
        self.command, self.start = command, start
        self.word = secrets.token_hex(8)
        self.code: int | None = None
        self.folder = ""
        self.end = 0
        """The place in the output up to which it is this command's."""
        self.since = trio.current_time()
        self.over = trio.Event()


class Shell(Terminal):
    """One command at a time. `idle` seconds without one end it."""

    def __init__(self, order: Order, starter: Starter, processes: Processes, bash: str, idle: float) -> None:
        super().__init__(order, starter, processes)
        self._bash, self._idle = bash, idle
        self.running: Running | None = None
        self.last: Running | None = None
        self.folder = str(order.workspace.root / order.folder)
        self._touched = trio.current_time()
        self._pid = 0

    # ── its life ──

    async def live(self, begun: Callable[[], object]) -> None:
        with ExitStack() as stack:
            self._theirs_commands, commands = os.pipe()
            status, self._theirs_status = os.pipe()
            stack.callback(os.close, self._theirs_commands)
            stack.callback(os.close, self._theirs_status)
            aside, self._theirs_aside = os.openpty()
            stack.callback(os.close, self._theirs_aside)
            given = {self._theirs_commands, self._theirs_status, self._theirs_aside}
            self._input, self._errors = [one for one in KEPT if one not in given][:2]
            streams = [trio.lowlevel.FdStream(one) for one in (commands, status, aside)]
            self._commands, self._status, self._aside = streams
            for stream in streams:
                stack.callback(stream.close)
            try:
                await super().live(begun)
            finally:
                if self.running is not None:
                    self.running.over.set()

    def _argv(self) -> Sequence[str]:
        given, aside = self._theirs_commands, self._theirs_aside
        own = f"{aside}>&-" if self.size is not None else f"2>&{aside} {aside}>&-"
        kept = f"{self._input}<&0 {self._errors}>&2"
        start = f'exec "$0" --norc --noprofile --noediting -i {kept} {own} <&{given} {given}<&-'
        return [self._bash, "-c", start, self._bash]

    def _passing(self) -> Sequence[int]:
        return self._theirs_commands, self._theirs_status, self._theirs_aside

    def _tasks(self) -> Sequence[Callable[[], Awaitable[None]]]:
        return self._listen, self._tire, self._overhear

    async def _overhear(self) -> None:
        """Takes what nobody is to read, so that its writer does not wait."""
        while await self._aside.receive_some(LONGEST_STATUS):
            pass

    async def _ready(self) -> bool:
        """Takes in what bash says of itself when it begins, and who it is."""
        begin = Running("", 0)
        self.running = begin
        text = f"PS1= PS2=; set +o history +H; trap 'exit 143' TERM; {self._tell(begin.word, '$$')}"
        with trio.move_on_after(READY):
            await self._commands.send_all(text.encode())
            await begin.over.wait()
            await self._settled(begin)
            self.ring.forget()
            self._pid = await trio.to_thread.run_sync(_named, self.process.pid, begin.code or 0)
            return True
        return False

    async def _listen(self) -> None:
        """Takes what the shell tells, told apart by NUL, which no folder's name has."""
        held = b""
        while data := await self._status.receive_some(LONGEST_STATUS):
            *told, held = (held + data).split(b"\0")
            for one in told:
                self._take(one.decode(errors="replace"))
            held = held[-LONGEST_STATUS:]

    def _take(self, told: str) -> None:
        word, _, rest = told.partition(" ")
        code, _, folder = rest.partition(" ")
        running = self.running
        if running is None or word != running.word or not code.isdigit():
            return  # nobody of ours said that
        running.code, running.folder = int(code), folder
        running.end = self.ring.end + self.process.unread
        self.folder, self.last, self.running = folder, running, None
        self._touched = trio.current_time()
        running.over.set()
        self._changed()

    async def _tire(self) -> None:
        while True:
            await trio.sleep_until(self._touched + self._idle)
            if self.running is not None:
                self._touched = trio.current_time()
            elif trio.current_time() >= self._touched + self._idle:
                self._ask_to_end("idle")

    def _tell(self, word: str, code: str) -> str:
        return f"command printf '%s %d %s\\0' {word} {code} \"$PWD\" >&{self._theirs_status}\n"

    # ── what everybody may do ──

    @property
    def busy(self) -> bool:
        return self.running is not None and not self.over.is_set()

    async def begin(self, command: str) -> Running:
        """Starts a command. ToolError where the shell has ended, or another one runs."""
        self._check()
        if self.running is not None:
            raise ToolError(
                f"Shell {self.order.name} (terminal {self.number}) still runs: {self.running.command}\nWait for it, "
                "give it what it waits for, interrupt it with ctrl-c, or use a shell of another name."
            )
        if "\0" in command:
            raise ToolError("A command can't hold a NUL character.")
        running = self.running = Running(command, self.ring.end)
        kept, errors = self._input, self._errors
        ends = f"<&{kept} {kept}<&- 2>&{errors} {errors}>&- {self._theirs_status}>&-"
        given = f"eval -- {shlex.quote(command)} {ends}\n"
        self._touched = trio.current_time()
        try:
            await self._commands.send_all((given + self._tell(running.word, "$?")).encode(errors="replace"))
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            raise ToolError(f"Terminal {self.number} has ended.") from None
        return running

    async def settle(self, running: Running) -> None:
        """Returns when all that the command has printed is there to be read."""
        with trio.move_on_after(DRAIN):
            await self._settled(running)

    async def _settled(self, running: Running) -> None:
        while running.code is not None and self.ring.end < running.end and not self.over.is_set():
            await self.changed()
        while self.size is not None and not self.over.is_set():
            with trio.move_on_after(SETTLE if self.ring.end > running.start else SILENT) as quiet:
                await self.changed()
            if quiet.cancelled_caught:
                return

    async def interrupt(self) -> None:
        """Ends what it runs, and goes on. What heeds neither Ctrl-C nor the death of all that it started takes the
        shell with it."""
        running = self.running
        if running is None:
            return
        await self._signal(signal.SIGINT)
        with trio.move_on_after(HEED):
            return await running.over.wait()
        await trio.to_thread.run_sync(lambda: send(self._pid, signal.SIGKILL, below=True))
        await self._signal(signal.SIGINT)
        with trio.move_on_after(HEED):
            return await running.over.wait()
        await self.stop("stuck")

    async def _signal(self, number: signal.Signals) -> None:
        if self.size is not None:
            with suppress(OSError):
                os.killpg(self.process.foreground, number)
        else:
            await trio.to_thread.run_sync(send, self._pid, number)


def _named(root: int, own: int) -> int:
    """The process from `root` down that calls itself `own`; in a sandbox numbers are others."""
    for pid in (root, *descendants({root})):
        with suppress(OSError):
            lines = Path(f"/proc/{pid}/status").read_text().splitlines()
            if any(line.startswith("NSpid:") and line.split()[-1] == str(own) for line in lines):
                return pid
    return root
