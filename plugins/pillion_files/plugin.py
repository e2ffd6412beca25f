"""Tools that read, list, search and write the workspace's files."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from pillion.contracts.tool import Tool
from pillion.hookspecs import TurnInfo, hookimpl

from .listing import ListFiles
from .reading import ReadFile
from .ripgrep import Ripgrep, find_ripgrep
from .searching import Glob, Search
from .seen import Seen
from .writing import WriteFile


class Config(Struct, frozen=True, forbid_unknown_fields=True):
    """`ripgrep`: the program's path; by default the installed wheel's, else the one on PATH."""

    ripgrep: str = ""


Given = Config  # in the class below, `Config` is its attribute


class Plugin:
    """Tools: read_file, list_files, glob, search, write_file."""

    Config = Config

    def __init__(self, config: Given) -> None:
        self._ripgrep = Ripgrep(find_ripgrep(config.ripgrep))

    @hookimpl
    def register_tools(self, turn: TurnInfo) -> Sequence[Tool]:
        seen = Seen()
        read = ReadFile(seen, sees=turn.model is None or turn.model.images)
        return [read, ListFiles(self._ripgrep), Glob(self._ripgrep), Search(self._ripgrep), WriteFile(seen)]
