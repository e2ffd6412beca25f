"""Settings and registration."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated

import trio
from msgspec import Meta, Struct

from pillion import Event, Home, Kernel, Strategy, TurnInfo, hookimpl
from pillion.contracts.forks import Snapshots
from pillion.contracts.witness import Witness

from .bounds import Bounds
from .events import CheckpointMissed, CheckpointTaken, WorkspaceRestored
from .sharing import SharedSnapshots
from .shelf import Shelf
from .strategies import Redo, Restore, Undo
from .timeline import OWN, Timelines
from .watching import Watch

if TYPE_CHECKING:
    import click
    from quart import Blueprint

Size = Annotated[int, Meta(gt=0)]


class Config(Struct, frozen=True, forbid_unknown_fields=True):
    """`[plugins.checkpoints]`. `largest` is in bytes: a file that has more is not kept, which its checkpoint notes.

    Of each workspace the newest `count` checkpoints are kept, for `days` days, in about `bytes`.
    """

    largest: Size = 16 * 1024 * 1024
    count: Size = 1000
    days: Annotated[float, Meta(gt=0)] = 30.0
    bytes: Size = 4 * 1024 * 1024 * 1024


Given = Config  # in the class below, `Config` is its attribute


class Plugin:
    """Snapshots of the workspace before each step that changes it: undo, redo, restore."""

    Config = Config

    def __init__(self, config: Given, home: Home) -> None:
        self._config = config
        self._shelf = Shelf(home, config.largest)
        self._timelines = Timelines()
        self._snapshots = SharedSnapshots(self._shelf, self._timelines)
        self._strategies: Sequence[Strategy] = [way(self._shelf, self._timelines) for way in (Undo, Redo, Restore)]

    @hookimpl
    @asynccontextmanager
    async def lifespan(self, kernel: Kernel) -> AsyncIterator[None]:
        config = self._config
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._shelf.sweep, Bounds(config.count, config.days, config.bytes))
            try:
                yield
            finally:
                nursery.cancel_scope.cancel()
        self._shelf.close()

    @hookimpl
    def register_events(self) -> Sequence[type[Event]]:
        return [CheckpointTaken, CheckpointMissed, WorkspaceRestored]

    @hookimpl
    def register_snapshots(self) -> Sequence[Snapshots]:
        return [self._snapshots]

    @hookimpl
    def register_strategies(self) -> Sequence[Strategy]:
        return self._strategies

    @hookimpl
    def register_witnesses(self, turn: TurnInfo) -> Sequence[Witness]:
        return [] if turn.strategy in OWN else [Watch(self._shelf)]

    @hookimpl(optionalhook=True)
    def register_routes(self, kernel: Kernel) -> Sequence[Blueprint]:
        from .routes import blueprint  # quart; a run without a server does not need it

        return [blueprint(kernel, self._shelf, self._timelines)]

    @hookimpl(optionalhook=True)
    def register_commands(self) -> Sequence[click.Command]:
        from .command import commands

        return commands()
