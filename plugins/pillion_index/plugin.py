"""Search of a workspace's code by words."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pillion import Kernel, Tool, TurnInfo, hookimpl

from .hookspecs import IndexHooks
from .searches import Searches
from .tool import FindCode

if TYPE_CHECKING:
    import click
    from quart import Blueprint

    from pillion.plugins import PluginHost


class Plugin:
    """Finds the code that is about some words: a tool, a route and a command."""

    hookspecs = IndexHooks

    def __init__(self) -> None:
        self._searches = Searches()

    @hookimpl
    @asynccontextmanager
    async def lifespan(self, kernel: Kernel) -> AsyncIterator[None]:
        self._searches.kernel = kernel
        yield

    @hookimpl
    def register_tools(self, turn: TurnInfo) -> Sequence[Tool]:
        return [FindCode(self._searches)]

    @hookimpl(optionalhook=True)
    def register_routes(self, kernel: Kernel) -> Sequence[Blueprint]:
        from .routes import blueprint  # quart; a run without a server does not need it

        return [blueprint(kernel, self._searches)]

    @hookimpl(optionalhook=True)
    def register_commands(self, load: Callable[[Path | None, Path | None], PluginHost]) -> Sequence[click.Command]:
        from .command import search_command  # click

        return [search_command(load)]
