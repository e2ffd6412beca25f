"""Tools that change files, each model's in the format that it is good at."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from fnmatch import fnmatchcase
from typing import Literal

from msgspec import Struct

from pillion.contracts.tool import Tool
from pillion.hookspecs import TurnInfo, hookimpl
from pillion.kernel import Kernel

from . import formatted
from .checking import Checking
from .editing import EditFile
from .editor import Editor
from .hookspecs import EditHooks
from .making import Maker

Format = Literal["replace", "editor", "patch", "blocks", "unified", "whole"]
USUAL: Mapping[str, Format] = {"anthropic/claude-*": "editor", "openai/gpt-*": "patch", "*": "replace"}


class Config(Struct, frozen=True, forbid_unknown_fields=True):
    """`formats`: by model, with `*` for any characters, how it writes edits; the first that fits counts, and behind
    them the shipped ones: `anthropic/claude-*` the editor that those models know, `openai/gpt-*` a patch, others one
    tool with old and new text (`replace`). Further ones: `blocks`, `unified`, `whole`.
    """

    formats: Mapping[str, Format] = {}


Given = Config  # in the class below, `Config` is its attribute


class Plugin:
    """Tools that edit files: in the format that suits the model."""

    Config = Config
    hookspecs = EditHooks

    def __init__(self, config: Given) -> None:
        self._checking = Checking()
        self._formats = {**config.formats, **{name: kind for name, kind in USUAL.items() if name not in config.formats}}
        maker = Maker(self._checking)
        self._tools: dict[Format, Tool] = {
            "replace": EditFile(maker),
            "editor": Editor(maker),
            "patch": formatted.patch(maker),
            "blocks": formatted.blocks(maker),
            "unified": formatted.unified(maker),
            "whole": formatted.whole(maker),
        }

    @hookimpl
    @asynccontextmanager
    async def lifespan(self, kernel: Kernel) -> AsyncIterator[None]:
        self._checking.host = kernel.host
        yield

    @hookimpl
    def register_tools(self, turn: TurnInfo) -> Sequence[Tool]:
        model = turn.model.name if turn.model else ""
        return [self._tools[next(kind for name, kind in self._formats.items() if fnmatchcase(model, name))]]
