"""Settings and registration."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated, Literal

import trio
from msgspec import Meta, Struct

from pillion import Event, Home, Kernel, NotFound, Strategy, Workspace, hookimpl
from pillion.contracts.forks import Forks

from .events import ForkMerged
from .record import SCHEME

if TYPE_CHECKING:
    import click
    from quart import Blueprint

    from .forks import AllForks

Size = Annotated[int, Meta(gt=0)]


class Config(Struct, frozen=True, forbid_unknown_fields=True):
    """`[plugins.forks]`. `include`: folders that git ignores and a fork has all the same, by name or by path. `way`: by
    default files share blocks (`reflink`) where the file system can, else a fork is an overlay over a base that forks
    share (`overlay`) where the kernel lets a user mount one, else a `copy`; or one of these. `folder`: where forks lie,
    by default in the data directory; files can share blocks within one file system alone. `count` forks at most,
    each dropped when nobody used it for `days` days; one may copy `bytes`."""

    include: tuple[str, ...] = (".venv", "node_modules", "target")
    way: Literal["auto", "reflink", "overlay", "copy"] = "auto"
    folder: str = ""
    count: Size = 64
    days: Annotated[float, Meta(gt=0)] = 30.0
    bytes: Size = 4 * 1024 * 1024 * 1024


Given = Config  # in the class below, `Config` is its attribute


class Plugin:
    """Forks of workspaces: made, worked in, merged, dropped."""

    Config = Config

    def __init__(self, config: Given, home: Home) -> None:
        from .strategies import MergeFork

        self._config, self._home = config, home
        self._forks: AllForks | None = None
        self._strategies: Sequence[Strategy] = [MergeFork(self._there)]

    @hookimpl
    @asynccontextmanager
    async def lifespan(self, kernel: Kernel) -> AsyncIterator[None]:
        from .forks import AllForks
        from .making import Settings
        from .mounting import Mounts

        config = self._config
        settings = Settings(config.include, config.way, config.count, config.days, config.bytes)
        async with trio.open_nursery() as nursery:
            forks = AllForks(kernel, self._home, Mounts(kernel.processes, nursery), config.folder, settings)
            await forks.begin()
            self._forks = forks
            try:
                yield
            finally:
                self._forks = None
                nursery.cancel_scope.cancel()
                forks.close()

    @hookimpl
    def register_forks(self) -> Sequence[Forks]:
        return [self._forks] if self._forks is not None else []

    @hookimpl
    def register_workspaces(self) -> Mapping[str, Callable[[str], Workspace]]:
        return {SCHEME: lambda address: self._there().workspace(address)}

    @hookimpl
    def register_events(self) -> Sequence[type[Event]]:
        return [ForkMerged]

    @hookimpl
    def register_strategies(self) -> Sequence[Strategy]:
        return self._strategies

    @hookimpl(optionalhook=True)
    def register_routes(self, kernel: Kernel) -> Sequence[Blueprint]:
        from .routes import blueprint  # quart; a run without a server does not need it

        return [blueprint(kernel, self._there)]

    @hookimpl(optionalhook=True)
    def register_commands(self) -> Sequence[click.Command]:
        from .command import commands

        return commands()

    def _there(self) -> AllForks:
        """Raises NotFound while the plugin comes or goes."""
        if self._forks is None:
            raise NotFound("Forks can't be had at this moment.")
        return self._forks
