"""The tool that runs a command."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Annotated

from msgspec import Meta, Struct

from pillion import Kernel
from pillion.contracts.tool import Tool
from pillion.errors import MissingLibrary
from pillion.hookspecs import TurnInfo, hookimpl

from .running import RunCommand
from .sandbox import Mode, Sandbox
from .starting import Starter


class Config(Struct, frozen=True, forbid_unknown_fields=True):
    """`seconds` a command gets by default, `longest` that a model may ask for; `shell`: by default bash, else sh.

    `sandbox`: whether a model's commands run in bubblewrap's; in it, may they use the `network`, and which further
    folders are `writable` or, where they are hidden, `readable`.
    """

    seconds: Annotated[float, Meta(gt=0)] = 120.0
    longest: Annotated[float, Meta(gt=0)] = 1200.0
    shell: str = ""
    sandbox: Mode = "off"
    network: bool = False
    writable: tuple[str, ...] = ()
    readable: tuple[str, ...] = ()


Given = Config  # in the class below, `Config` is its attribute


class Plugin:
    """Tool: run_command."""

    Config = Config

    def __init__(self, config: Given) -> None:
        shell = shutil.which(config.shell) if config.shell else shutil.which("bash") or shutil.which("sh")
        if shell is None:
            raise MissingLibrary(f"There is no shell {config.shell or 'bash or sh'}.", hint="Install bash.")
        self._sandbox = Sandbox(config.sandbox, config.network, config.writable, config.readable)
        starter = Starter(self._sandbox)
        self._tools = [RunCommand(starter, shell, min(config.seconds, config.longest), config.longest)]

    @hookimpl
    @asynccontextmanager
    async def lifespan(self, kernel: Kernel) -> AsyncIterator[None]:
        await self._sandbox.prepare(kernel.processes, kernel.settings)
        yield

    @hookimpl
    def register_checks(self) -> Mapping[str, Callable[[], Awaitable[str]]]:
        return {f"sandbox ({self._sandbox.mode})": self._check_sandbox}

    async def _check_sandbox(self) -> str:
        return self._sandbox.health()

    @hookimpl
    def register_tools(self, turn: TurnInfo) -> Sequence[Tool]:
        return self._tools
