"""The tool that changes a part of a file."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from pillion.contracts.tool import Tool
from pillion.hookspecs import TurnInfo, hookimpl

from .editing import EditFile


class Config(Struct, frozen=True, forbid_unknown_fields=True):
    """No settings."""


Given = Config  # in the class below, `Config` is its attribute


class Plugin:
    """Tool: edit_file, exact search and replace."""

    Config = Config

    def __init__(self, config: Given) -> None:
        self._tools = [EditFile()]

    @hookimpl
    def register_tools(self, turn: TurnInfo) -> Sequence[Tool]:
        return self._tools
