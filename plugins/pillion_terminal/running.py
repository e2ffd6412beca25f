"""run_command."""

from __future__ import annotations

import math
from typing import Annotated

import trio
from msgspec import Meta, Struct

from pillion.contracts.tool import Call, Effect, Output
from pillion.errors import ToolError
from pillion.escapes import Stripper
from pillion.longresult import MOST
from pillion.overlay import unseen
from pillion.processes import Ended, Size
from pillion.toolrun import SHOWN

from .ring import Follower
from .shell import PLAIN, Running, Shell
from .starting import Starter
from .telling import exit_of, fresh, joined, made_plain, printed, state
from .terminal import Order, Outcome, Terminal
from .terminals import Terminals

QUIET = {"TERM": "dumb", "NO_COLOR": "1", "PAGER": "cat", "GIT_PAGER": "cat", "GIT_TERMINAL_PROMPT": "0"}
"""So that programs neither colour, nor page, nor ask: there is nobody at the terminal, and no terminal."""
DRAWN = {"TERM": "xterm-256color", "PAGER": "cat", "GIT_PAGER": "cat"}
"""For those that are given one."""
ENDING = 15.0
"""Seconds, beyond the command's own, that ending its processes may take."""
BEGINNING = 0.5
"""Seconds in which a job in the background shows how it begins: most that can't work say so at once."""


class CommandArguments(Struct, frozen=True, forbid_unknown_fields=True):
    command: Annotated[str, Meta(min_length=1, description="What the shell runs.")]
    seconds: Annotated[float, Meta(gt=0, description="After that many it is stopped.")] | None = None
    folder: Annotated[str, Meta(description="Where it runs, relative to the workspace; by default its top.")] = ""
    shell: Annotated[
        str,
        Meta(
            max_length=40,
            pattern=r"^[\w.-]*$",
            description="A name: runs in the session's shell of that name, which keeps folder, variables and functions "
            "for the next command. Made at its first use.",
        ),
    ] = ""
    background: Annotated[bool, Meta(description="It goes on, for a server or a watcher; `seconds` do not count.")] = (
        False
    )
    pty: Annotated[bool, Meta(description="It gets a terminal of its own, for programs that want one.")] = False


class RunCommand:
    """A command of the shell: by itself, in a shell that stays, or in the background."""

    name = "run_command"
    effect: Effect = "execute"
    Arguments = CommandArguments

    def __init__(
        self, terminals: Terminals, starter: Starter, shell: str, bash: str, default: float, longest: float, idle: float
    ) -> None:
        self._terminals, self._starter = terminals, starter
        self._shell, self._bash, self._default, self._longest = shell, bash, default, longest
        self._idle = idle
        self.description = (
            f"Run a command with {shell} in the workspace and get its exit code and output. By itself it has no input "
            f"and no terminal, and what it leaves running is ended. Stopped after `seconds` ({default:g}, at most "
            f"{longest:g}). With `shell` it runs in a bash that stays, with `background` or `pty` as a terminal that "
            "goes on; each has a number for terminal_read, terminal_write, terminal_wait and terminal_stop. You are "
            "told when one waits for input. All end with the session."
        )

    def seconds(self, arguments: CommandArguments) -> float:
        return self._allowed(arguments) + ENDING

    def _allowed(self, arguments: CommandArguments) -> float:
        asked = self._default if arguments.seconds is None else arguments.seconds
        return min(asked if math.isfinite(asked) else self._default, self._longest)

    async def preview(self, arguments: CommandArguments, call: Call) -> str:
        """The command, after the folder where it is not the workspace's top; and what it will not see."""
        folder = await _folder(arguments, call)
        command = f"cd {folder}\n{arguments.command}" if folder else arguments.command
        where = f"\n[In the shell {arguments.shell}]" if arguments.shell else ""
        where += "\n[In the background, to the session's end]" if arguments.background else ""
        return command + where + self._starter.sandbox.note() + unseen(call.workspace, "the command sees")

    def confined(self, arguments: CommandArguments) -> bool:
        """Whether it can write to the workspace alone, and use no network."""
        return self._starter.sandbox.confines

    async def run(self, arguments: CommandArguments, call: Call) -> Output:
        folder = await _folder(arguments, call)
        if arguments.shell:
            output = await self._in_shell(arguments, call, folder)
        elif arguments.background or arguments.pty:
            output = await self._as_terminal(arguments, call, folder)
        else:
            output = await self._once(arguments, call, folder)
        return Output(output.text + unseen(call.workspace, "the command saw"), error=output.error)

    # ── by itself ──

    async def _once(self, arguments: CommandArguments, call: Call, folder: str) -> Output:
        stripper, shown = Stripper(), 0

        def show(piece: str) -> None:
            nonlocal shown
            if shown < SHOWN and (text := stripper.take(piece)):  # nobody is shown more
                shown += len(text)
                call.output(text)

        place, allowed = call.workspace.root / folder, self._allowed(arguments)
        argv = [self._shell, "-c", arguments.command]
        ended = await call.processes.run(
            self._starter.argv_of(argv, workspace=call.workspace, folder=place, by="model"),
            cwd=place,
            seconds=allowed,
            limit=MOST,
            on_output=show,
            extra=QUIET,
        )
        if text := stripper.rest():
            call.output(text)
        told = _told(ended, await made_plain(ended.output), allowed)
        return Output(told, error=ended.code != 0 or ended.timed_out)

    # ── in a shell that stays ──

    async def _in_shell(self, arguments: CommandArguments, call: Call, folder: str) -> Output:
        if arguments.background:
            raise ToolError("A shell runs one command at a time: leave out `shell` or `background`.")
        shell = await self._shell_for(arguments, call, folder)
        before, allowed = shell.folder, self._allowed(arguments)
        running = await shell.begin(arguments.command)
        show = _Show(call, shell, running.start)
        try:
            outcome = await shell.watch(allowed, running.over.is_set, show)
        except trio.Cancelled:
            with trio.CancelScope(shield=True):  # it has deadlines of its own
                await shell.interrupt()
            raise
        if outcome == "late":
            await shell.interrupt()
        await shell.settle(running)
        show.rest()
        text, shell.seen = await printed(shell.ring, running.start)
        how = _shell_state(shell, running, outcome, allowed, before)
        return Output(joined(text, how), error=running.code != 0 and outcome in ("done", "late"))

    async def _shell_for(self, arguments: CommandArguments, call: Call, folder: str) -> Shell:
        if not self._bash:
            raise ToolError("There is no bash here, which a shell that stays needs: leave out `shell`.")
        session = await self._terminals.kernel.session(call.session)
        shell = self._terminals.shell(session, arguments.shell)
        if shell is not None and shell.ending:
            await shell.over.wait()  # it has deadlines of its own
            shell = None
        if shell is None:
            size, extra = (Size(), DRAWN) if arguments.pty else (None, QUIET)
            order = Order("", (), call.workspace, folder, name=arguments.shell, size=size, extra=extra | PLAIN)
            shell = Shell(order, self._starter, call.processes, self._bash, self._idle)
            return await self._terminals.open(session, shell, session.turn)
        if arguments.folder:
            raise ToolError(f"The shell {arguments.shell} is open already, in {shell.folder}: use cd in the command.")
        if arguments.pty and shell.size is None:
            raise ToolError(f"The shell {arguments.shell} has no terminal of its own: use one of another name.")
        return shell

    # ── as a terminal that goes on ──

    async def _as_terminal(self, arguments: CommandArguments, call: Call, folder: str) -> Output:
        size, extra = (Size(), DRAWN) if arguments.pty else (None, QUIET)
        argv = (self._shell, "-c", arguments.command)
        order = Order(arguments.command, argv, call.workspace, folder, size=size, extra=extra)
        session = await self._terminals.kernel.session(call.session)
        terminal = Terminal(order, self._starter, call.processes)
        terminal = await self._terminals.open(session, terminal, session.turn)
        allowed = BEGINNING if arguments.background else self._allowed(arguments)
        show, late = _Show(call, terminal, 0), False
        try:
            outcome = await terminal.watch(allowed, lambda: False, show)
            late = outcome == "late" and not arguments.background
            if late:
                await terminal.stop()
        except trio.Cancelled:
            if not arguments.background:
                with trio.CancelScope(shield=True):  # its end has a deadline
                    await terminal.stop("cancelled")
            raise
        show.rest()
        how = f"stopped after {allowed:g} s" if late else state(terminal, outcome)
        return Output(joined(await fresh(terminal), how), error=late or bool(terminal.code))


class _Show:
    """Shows people what a terminal prints while a call waits for it."""

    def __init__(self, call: Call, terminal: Terminal, place: int) -> None:
        self._call = call
        self._follower = Follower(terminal.ring, place)
        self._shown = 0

    def __call__(self) -> None:
        self._tell(last=False)

    def rest(self) -> None:
        self._tell(last=True)

    def _tell(self, *, last: bool) -> None:
        if self._shown < SHOWN and (text := self._follower.take(last=last)):
            self._shown += len(text)
            self._call.output(text)


def _shell_state(shell: Shell, running: Running, outcome: Outcome, allowed: float, before: str) -> str:
    if shell.over.is_set():
        how = f"stopped after {allowed:g} s, and the shell with it" if outcome == "late" else "the shell has ended"
        return f"{how}: {exit_of(shell.code)}; the next command gets a new one"
    if outcome == "late":
        return f"stopped after {allowed:g} s; the shell goes on"
    if outcome != "done":
        return state(shell, outcome)
    moved = f", now in {shell.folder}" if shell.folder != before else ""
    return f"exit code {running.code}{moved}"


async def _folder(arguments: CommandArguments, call: Call) -> str:
    """The folder's real place in the workspace."""
    entry = await call.workspace.stat(arguments.folder)
    if entry is None or entry.kind != "folder":
        raise ToolError(f"There is no folder {arguments.folder}.")
    return entry.path


def _told(ended: Ended, output: str, allowed: float) -> str:
    how = f"stopped after {allowed:g} s" if ended.timed_out else exit_of(ended.code)
    left = f"; {ended.left} of its processes could not be ended" if ended.left else ""
    return joined(output, how + left)
