"""run_command."""

from __future__ import annotations

import math
from typing import Annotated

import trio
from msgspec import Meta, Struct

from pillion.contracts.tool import Call, Effect, Output
from pillion.errors import ToolError
from pillion.escapes import Stripper, plain_pieces
from pillion.longresult import MOST
from pillion.overlay import unseen
from pillion.processes import Ended, how_ended

from .starting import Starter

QUIET = {"TERM": "dumb", "NO_COLOR": "1", "PAGER": "cat", "GIT_PAGER": "cat", "GIT_TERMINAL_PROMPT": "0"}
"""So that programs neither colour, nor page, nor ask: there is nobody at the terminal, and no terminal."""
ENDING = 15.0
"""Seconds, beyond the command's own, that ending its processes may take."""


class CommandArguments(Struct, frozen=True, forbid_unknown_fields=True):
    command: Annotated[str, Meta(min_length=1, description="What the shell runs.")]
    seconds: Annotated[float, Meta(gt=0, description="After that many it is stopped.")] | None = None
    folder: Annotated[str, Meta(description="Where it runs, relative to the workspace; by default its top.")] = ""


class RunCommand:
    """A command of the shell, without input. When it ends, all that it started ends."""

    name = "run_command"
    effect: Effect = "execute"
    Arguments = CommandArguments

    def __init__(self, starter: Starter, shell: str, default: float, longest: float) -> None:
        self._starter = starter
        self._shell, self._default, self._longest = shell, default, longest
        self.description = (
            f"Run a command with {shell} in the workspace and get its exit code and output. It has no input and no "
            f"terminal; what it leaves running is ended. Stopped after `seconds` ({default:g}, at most {longest:g})."
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
        return command + self._starter.note() + unseen(call.workspace, "the command sees")

    def confined(self, arguments: CommandArguments) -> bool:
        """Whether it can write to the workspace alone, and use no network."""
        return self._starter.sandbox.confines

    async def run(self, arguments: CommandArguments, call: Call) -> Output:
        folder = await _folder(arguments, call)
        stripper = Stripper()

        def show(piece: str) -> None:
            if text := stripper.take(piece):
                call.output(text)

        root = call.workspace.root
        argv = [self._shell, "-c", arguments.command]
        ended = await call.processes.run(
            self._starter.argv_of(argv, root=root, folder=root / folder, by="model"),
            cwd=root / folder,
            seconds=self._allowed(arguments),
            limit=MOST,
            on_output=show,
            extra=QUIET,
        )
        if text := stripper.rest():
            call.output(text)
        said = _told(ended, await _plain(ended.output), self._allowed(arguments)) + unseen(
            call.workspace, "the command saw"
        )
        return Output(said, error=ended.code != 0 or ended.timed_out)


async def _folder(arguments: CommandArguments, call: Call) -> str:
    """The folder's real place in the workspace."""
    entry = await call.workspace.stat(arguments.folder)
    if entry is None or entry.kind != "folder":
        raise ToolError(f"There is no folder {arguments.folder}.")
    return entry.path


async def _plain(output: str) -> str:
    """In pieces, so that a long output holds nobody up."""
    pieces = []
    for piece in plain_pieces(output):
        pieces.append(piece)
        await trio.lowlevel.checkpoint()
    return "".join(pieces)


def _told(ended: Ended, output: str, allowed: float) -> str:
    how = f"stopped after {allowed:g} s" if ended.timed_out else how_ended(ended.code)
    left = f"; {ended.left} of its processes could not be ended" if ended.left else ""
    output = output.rstrip("\n")
    return f"{output}\n[{how}{left}]" if output else f"[{how}, no output{left}]"
