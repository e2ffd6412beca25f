"""Tools that change files, each model's in the format that it is good at."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
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
from .instructing import ROLE, CodeEdit, Written
from .making import Maker

Format = Literal["replace", "editor", "patch", "blocks", "unified", "whole"]
USUAL: Mapping[str, Format] = {"anthropic/claude-*": "editor", "openai/gpt-*": "patch", "*": "replace"}


class Config(Struct, frozen=True, forbid_unknown_fields=True):
    """`formats`: by model, with `*` for any characters, how it writes edits; the first that fits counts, and behind
    them the shipped ones: `anthropic/claude-*` the editor that those models know, `openai/gpt-*` a patch, others one
    tool with old and new text (`replace`). Further ones: `blocks`, `unified`, `whole`.

    `code_edit`: whether there is a tool that has another model edit: where settings, session or prompt name one for the
    role `edit` or `fast` (`named`), `always`, or `never`.
    """

    formats: Mapping[str, Format] = {}
    code_edit: Literal["named", "always", "never"] = "named"


Given = Config  # in the class below, `Config` is its attribute


class Plugin:
    """Tools that edit files: in the format that suits the model."""

    Config = Config
    hookspecs = EditHooks

    def __init__(self, config: Given) -> None:
        self._checking = Checking()
        self._formats = {**config.formats, **{name: kind for name, kind in USUAL.items() if name not in config.formats}}
        self._kernel: Kernel | None = None
        maker = Maker(self._checking)
        self._code_edit = CodeEdit(maker, self._written)
        self._offered = config.code_edit
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
        self._kernel, self._checking.host = kernel, kernel.host
        yield

    @hookimpl
    def register_tools(self, turn: TurnInfo) -> Sequence[Tool]:
        tool = self._tools[self._format(turn.model.name if turn.model else "")]
        return [tool, self._code_edit] if self._offers(turn.roles) else [tool]

    def _offers(self, named: Collection[str]) -> bool:
        """Is there another model to have files edited by?"""
        if self._offered != "named" or self._kernel is None:
            return self._offered == "always"
        return any(role in named or self._kernel.settings.roles.get(role) for role in (ROLE, "fast"))

    def _format(self, model: str) -> Format:
        return next(kind for name, kind in self._formats.items() if fnmatchcase(model, name))

    def _written(self, model: str) -> Written:
        """The format in which that model writes an edit as its answer."""
        match self._format(model):
            case "replace" | "editor":
                return "blocks"
            case kind:
                return kind
