"""Search of a workspace's code by words."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import trio
from msgspec import Struct

from pillion import ConfigError, Event, Kernel, Tool, TurnInfo, hookimpl

from .hookspecs import IndexHooks
from .judging import ROLE, SemanticSearch
from .rounds import ExploreCode, SearchRound
from .searches import Searches
from .tool import FindCode

if TYPE_CHECKING:
    import click
    from quart import Blueprint

    from pillion.plugins import PluginHost
    from pillion_storage.filecache import FileCacheDoor


class Config(Struct, frozen=True, forbid_unknown_fields=True):
    """`judge`: whether there are tools that have another model judge what was found: where the settings or the session
    name one for the role `fast` (`named`), `always`, or `never`."""

    judge: Literal["named", "always", "never"] = "named"


Given = Config  # in the class below, `Config` is its attribute


class Plugin:
    """Finds the code that is about some words: a tool, a route and a command."""

    Config = Config
    hookspecs = IndexHooks

    def __init__(self, config: Given) -> None:
        self.searches = Searches()
        self._judge = config.judge

    @hookimpl
    @asynccontextmanager
    async def lifespan(self, kernel: Kernel) -> AsyncIterator[None]:
        self.searches.kernel = kernel
        async with trio.open_nursery() as nursery:
            self.searches.embedding.begin(nursery, _door(kernel))
            yield
            self.searches.embedding.begin(None, None)
            nursery.cancel_scope.cancel()

    @hookimpl
    def register_tools(self, turn: TurnInfo) -> Sequence[Tool]:
        tools: list[Tool] = [FindCode(self.searches)]
        if self._judges(turn.roles):
            tools += [SemanticSearch(self.searches), ExploreCode(self.searches)]
        return tools

    def _judges(self, named: Collection[str]) -> bool:
        """Is there a model that judges?"""
        kernel = self.searches.kernel
        if self._judge != "named" or kernel is None:
            return self._judge == "always"
        return ROLE in named or bool(kernel.settings.roles.get(ROLE))

    @hookimpl
    def register_events(self) -> Sequence[type[Event]]:
        return [SearchRound]

    @hookimpl(optionalhook=True)
    def register_routes(self, kernel: Kernel) -> Sequence[Blueprint]:
        from .routes import blueprint  # quart; a run without a server does not need it

        return [blueprint(kernel, self.searches)]

    @hookimpl(optionalhook=True)
    def register_commands(self, load: Callable[[Path | None, Path | None], PluginHost]) -> Sequence[click.Command]:
        from .command import search_command  # click

        return [search_command(load)]


def _door(kernel: Kernel) -> FileCacheDoor | None:
    """The store's file cache; None where it has none."""
    if kernel.host.state("storage") != "on":
        return None
    from pillion_storage.filecache import FileCacheDoor  # the database's library, which others don't need

    try:
        return FileCacheDoor(kernel.store)
    except ConfigError:
        return None
