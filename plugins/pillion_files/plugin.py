"""Tools that read, list, search and write the workspace's files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from pillion import ContextProvider, Kernel
from pillion.contracts.tool import Tool
from pillion.hookspecs import TurnInfo, hookimpl

from .listing import ListFiles
from .reading import ReadFile
from .ripgrep import Ripgrep, find_ripgrep
from .rules import Rules
from .searching import Glob, Search
from .writing import WriteFile

if TYPE_CHECKING:
    from quart import Blueprint


class Config(Struct, frozen=True, forbid_unknown_fields=True):
    """`ripgrep`: the program's path; by default the installed wheel's, else the one on PATH."""

    ripgrep: str = ""


Given = Config  # in the class below, `Config` is its attribute


class Plugin:
    """Tools that read, list, search and write files, and routes that do so for people."""

    Config = Config

    def __init__(self, config: Given) -> None:
        self._ripgrep = Ripgrep(find_ripgrep(config.ripgrep))
        self._rules = Rules()

    @hookimpl
    def register_tools(self, turn: TurnInfo) -> Sequence[Tool]:
        read = ReadFile(self._rules, sees=turn.model is None or turn.model.images, trusted=turn.trusted)
        written = WriteFile(self._rules)
        return [read, ListFiles(self._ripgrep), Glob(self._ripgrep), Search(self._ripgrep), written]

    @hookimpl
    def register_contexts(self, turn: TurnInfo) -> Sequence[ContextProvider]:
        return [self._rules] if turn.trusted else []

    @hookimpl(optionalhook=True)
    def register_routes(self, kernel: Kernel) -> Sequence[Blueprint]:
        from . import changes, routes, treeroute  # quart; a run without a server does not need it

        ripgrep = self._ripgrep
        return [routes.blueprint(kernel), treeroute.blueprint(kernel, ripgrep), changes.blueprint(kernel, ripgrep)]
