"""The API that the Aide editor speaks to its sidecar. Off by default."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import trio

from pillion import Event, Kernel, Provider, Strategy, Tool, TurnInfo, hookimpl

from .anchored import NAME, Anchored, ReplaceLines
from .editortools import EditorTerminal, RecentEditsTool, RequestScreenshot
from .exchanges import OWN
from .grants import GrantedProvider
from .hookspecs import AideHooks
from .languageserver import GetDiagnostics, GoTo, QuickFix
from .rider import Config, Rider
from .sessions import LABEL

if TYPE_CHECKING:
    import click
    from quart import Blueprint

TOKENLESS = ("/api/reach_the_devs", "/api/agentic/", "/api/file/edit_file", "/api/tree_sitter/")

Given = Config  # in the class below, `Config` is its attribute


class Plugin:
    """The sidecar's routes over Pillion's sessions, for the Aide editor and what else speaks to a sidecar."""

    Config = Config
    hookspecs = AideHooks

    def __init__(self, config: Given) -> None:
        self._config = config
        self._rider = Rider(config)

    @hookimpl
    @asynccontextmanager
    async def lifespan(self, kernel: Kernel) -> AsyncIterator[None]:
        async with trio.open_nursery() as nursery:
            self._rider.start(kernel, nursery)
            yield
            self._rider.bridges.leave()
            nursery.cancel_scope.cancel()

    @hookimpl
    def register_providers(self) -> Sequence[Provider]:
        return [GrantedProvider(self._rider.grants)]

    @hookimpl
    def register_strategies(self) -> Sequence[Strategy]:
        return [Anchored(self._rider.selections)]

    @hookimpl
    def register_tools(self, turn: TurnInfo) -> Sequence[Tool]:
        """What an editor can be asked, while one is there."""
        if turn.strategy == NAME:
            return [ReplaceLines()]
        bridge = self._rider.bridges.of(turn.labels[LABEL]) if LABEL in turn.labels else None
        if bridge is None or not bridge.there:
            return []
        tools: list[Tool] = [GetDiagnostics(bridge), GoTo(bridge, self._rider.kernel.catalog.code), QuickFix(bridge)]
        tools += [EditorTerminal(bridge), RecentEditsTool(bridge)]
        return [*tools, RequestScreenshot(bridge)] if bridge.devtools else tools

    @hookimpl
    def register_events(self) -> Sequence[type[Event]]:
        return OWN

    @hookimpl(optionalhook=True)
    def register_routes(self, kernel: Kernel) -> Sequence[Blueprint]:
        from .routes import blueprint  # quart; a run without a server does not need it

        return [blueprint(self._rider)]

    @hookimpl(optionalhook=True)
    def register_commands(self) -> Sequence[click.Command]:
        from .command import aide

        return [aide]

    @hookimpl(optionalhook=True)
    def register_tokenless(self) -> Sequence[str]:
        return () if self._config.demand_token else TOKENLESS

    @hookimpl(optionalhook=True)
    def report_version(self) -> str:
        return self._config.reported_version
