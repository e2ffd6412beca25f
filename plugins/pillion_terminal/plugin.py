"""Commands, shells that stay, jobs in the background: for the model and for the person."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated

from msgspec import Meta, Struct

from pillion import Event, Kernel
from pillion.contracts.confinement import Confinement
from pillion.contracts.tool import Tool
from pillion.errors import MissingLibrary
from pillion.hookspecs import TurnInfo, hookimpl

from .events import TerminalEnded, TerminalStarted, TerminalTyped
from .running import RunCommand
from .sandbox import Mode, Sandbox
from .starting import Starter
from .terminals import Terminals
from .tools import TerminalRead, TerminalStop, TerminalWait, TerminalWrite

if TYPE_CHECKING:
    from quart import Blueprint


class Config(Struct, frozen=True, forbid_unknown_fields=True):
    """`seconds` a command gets by default, `longest` that a model may ask for; `shell`: by default bash, else sh.
    `idle` seconds after which a shell that nobody uses ends; `terminals` that a session may have at a time.

    `sandbox`: whether a model's commands run in bubblewrap's; in it, may they use the `network`, and which further
    folders are `writable` or, where they are hidden, `readable`.
    """

    seconds: Annotated[float, Meta(gt=0)] = 120.0
    longest: Annotated[float, Meta(gt=0)] = 1200.0
    shell: str = ""
    idle: Annotated[float, Meta(gt=0)] = 3600.0
    terminals: Annotated[int, Meta(gt=0)] = 16
    sandbox: Mode = "off"
    network: bool = False
    writable: tuple[str, ...] = ()
    readable: tuple[str, ...] = ()


Given = Config  # in the class below, `Config` is its attribute


class Plugin:
    """Tools: run_command, terminal_read, terminal_write, terminal_wait, terminal_stop. Routes for a person's own."""

    Config = Config

    def __init__(self, config: Given) -> None:
        bash = shutil.which("bash") or ""
        shell = shutil.which(config.shell) if config.shell else bash or shutil.which("sh")
        if not shell:
            raise MissingLibrary(f"There is no shell {config.shell or 'bash or sh'}.", hint="Install bash.")
        self._sandbox = Sandbox(config.sandbox, config.network, config.writable, config.readable)
        default = min(config.seconds, config.longest)
        self._shell, self._starter, self._terminals = shell, Starter(self._sandbox), Terminals(config.terminals)
        self._tools: Sequence[Tool] = [
            RunCommand(self._terminals, self._starter, shell, bash, default, config.longest, config.idle),
            TerminalRead(self._terminals),
            TerminalWrite(self._terminals),
            TerminalWait(self._terminals, config.longest),
            TerminalStop(self._terminals),
        ]

    @hookimpl
    @asynccontextmanager
    async def lifespan(self, kernel: Kernel) -> AsyncIterator[None]:
        await self._sandbox.prepare(kernel.processes, kernel.settings)
        self._terminals.kernel = kernel
        try:
            yield
        finally:
            await self._terminals.end_all("plugin")

    @hookimpl
    def register_confinements(self) -> Sequence[Confinement]:
        return [self._sandbox]

    @hookimpl
    def register_checks(self) -> Mapping[str, Callable[[], Awaitable[str]]]:
        return {f"sandbox ({self._sandbox.mode})": self._check_sandbox}

    async def _check_sandbox(self) -> str:
        return self._sandbox.health()

    @hookimpl
    def register_events(self) -> Sequence[type[Event]]:
        return [TerminalStarted, TerminalTyped, TerminalEnded]

    @hookimpl
    def register_tools(self, turn: TurnInfo) -> Sequence[Tool]:
        return self._tools

    @hookimpl(optionalhook=True)
    def register_routes(self, kernel: Kernel) -> Sequence[Blueprint]:
        from .routes import blueprint  # quart; a run without a server does not need it

        return [blueprint(kernel, self._terminals, self._starter, self._shell)]
