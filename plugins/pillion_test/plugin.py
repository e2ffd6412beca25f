"""The tool run_tests, and the event with its report."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated

from msgspec import Meta, Struct, field

from pillion import Event, Home, Kernel, MissingLibrary, Tool, TurnInfo, hookimpl

from .remembered import Commands
from .report import TestsFinished
from .running import RunTests

if TYPE_CHECKING:
    import click


class Config(Struct, frozen=True, forbid_unknown_fields=True):
    """`commands` by folder: how the tests of what lies in it are run. `seconds` that they get by default, `longest`
    that a model may ask for."""

    commands: Mapping[str, str] = field(default_factory=dict)
    seconds: Annotated[float, Meta(gt=0)] = 600.0
    longest: Annotated[float, Meta(gt=0)] = 3600.0


Given = Config  # in the class below, `Config` is its attribute


class Plugin:
    """Runs a project's tests, and understands what they say: tool run_tests."""

    Config = Config

    def __init__(self, config: Given, home: Home) -> None:
        shell = shutil.which("bash") or shutil.which("sh")
        if shell is None:
            raise MissingLibrary("There is no shell bash or sh.", hint="Install bash.")
        known = Commands(home, config.commands)
        self._run_tests = RunTests(known, shell, min(config.seconds, config.longest), config.longest)

    @hookimpl
    @asynccontextmanager
    async def lifespan(self, kernel: Kernel) -> AsyncIterator[None]:
        self._run_tests.kernel = kernel
        yield

    @hookimpl
    def register_events(self) -> Sequence[type[Event]]:
        return [TestsFinished]

    @hookimpl
    def register_tools(self, turn: TurnInfo) -> Sequence[Tool]:
        return [self._run_tests]

    @hookimpl(optionalhook=True)
    def register_commands(self) -> Sequence[click.Command]:
        from .command import tests  # click

        return [tests]
