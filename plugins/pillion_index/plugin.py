"""Search of a workspace's code by words."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from pillion import Kernel, Tool, TurnInfo, hookimpl

from .searching import FindCode, Searches

if TYPE_CHECKING:
    from quart import Blueprint


class Plugin:
    """Finds the code that is about some words: a tool and a route."""

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
