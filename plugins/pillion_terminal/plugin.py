"""The tool that runs a command."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta, Struct

from pillion.contracts.tool import Tool
from pillion.errors import MissingLibrary
from pillion.hookspecs import TurnInfo, hookimpl

from .running import RunCommand
from .starting import Starter


class Config(Struct, frozen=True, forbid_unknown_fields=True):
    """`seconds` a command gets by default, `longest` that a model may ask for; `shell`: by default bash, else sh."""

    seconds: Annotated[float, Meta(gt=0)] = 120.0
    longest: Annotated[float, Meta(gt=0)] = 1200.0
    shell: str = ""


Given = Config  # in the class below, `Config` is its attribute


class Plugin:
    """Tool: run_command."""

    Config = Config

    def __init__(self, config: Given) -> None:
        shell = shutil.which(config.shell) if config.shell else shutil.which("bash") or shutil.which("sh")
        if shell is None:
            raise MissingLibrary(f"There is no shell {config.shell or 'bash or sh'}.", hint="Install bash.")
        self._tools = [RunCommand(Starter(), shell, min(config.seconds, config.longest), config.longest)]

    @hookimpl
    def register_tools(self, turn: TurnInfo) -> Sequence[Tool]:
        return self._tools
