"""A map of the repository for models and people."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

from msgspec import Struct

from pillion import ContextProvider, Kernel, MissingLibrary, Tool, TurnInfo, hookimpl

from .context import MapContext
from .maps import Maps
from .ranker import MapRanker
from .tool import RepoMap

if TYPE_CHECKING:
    from quart import Blueprint


class Config(Struct, frozen=True, forbid_unknown_fields=True):
    """`tokens`: of the map that a model is given when it asks for one; `context`: of the one that it is given
    unasked when a turn begins, as soon as the workspace has been read; 0: none."""

    tokens: int = 3000
    context: int = 0


Given = Config  # in the class below, `Config` is its attribute


class Plugin:
    """A map of the repository: the definitions that matter most for a conversation."""

    Config = Config

    def __init__(self, config: Given) -> None:
        if find_spec("numpy") is None:
            raise MissingLibrary("The library numpy is not installed.", hint="pip install 'pillion[map]'")
        self._config = config
        self.maps = Maps()

    @hookimpl
    @asynccontextmanager
    async def lifespan(self, kernel: Kernel) -> AsyncIterator[None]:
        self.maps.kernel = kernel
        yield

    @hookimpl
    def register_tools(self, turn: TurnInfo) -> Sequence[Tool]:
        return [RepoMap(self.maps, self._config.tokens)]

    @hookimpl
    def register_contexts(self, turn: TurnInfo) -> Sequence[ContextProvider]:
        return [MapContext(self.maps, self._config.context)] if self._config.context else []

    @hookimpl(optionalhook=True)
    def register_rankers(self) -> Sequence[MapRanker]:
        return [MapRanker(self.maps)]

    @hookimpl(optionalhook=True)
    def register_routes(self, kernel: Kernel) -> Sequence[Blueprint]:
        from .routes import blueprint  # quart; a run without a server does not need it

        return [blueprint(kernel, self.maps)]
