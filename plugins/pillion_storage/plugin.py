"""The door: the store `storage`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import trio
from msgspec import Meta, Struct

from pillion import Store, hookimpl

from .hookspecs import StorageHooks

if TYPE_CHECKING:
    import click

    from pillion import Settings
    from pillion.kernel import Kernel
    from pillion.plugins import PluginHost

    from .database import Place
    from .retention import Keep
    from .store import DatabaseStore


class Config(Struct, frozen=True, forbid_unknown_fields=True):
    """`url` of a PostgreSQL server, or `url_env`, a variable that holds it; without one it is a SQLite file.

    `power_safe`: what is acknowledged survives the death of the machine, too, not only of the process.
    `busy_timeout`: seconds to wait for another process that writes. `lease_seconds`: one that was silent for so long is
    taken for dead, and its sessions may be opened by others. `keep_days` and `keep_megabytes`: sessions that nobody has
    touched for so long, and the oldest where events and contents of all sessions are more, are deleted; 0 keeps them.
    `keep_cache_days`: what was made of a file's content, and nobody used for so long, is forgotten; 0 keeps it.
    """

    url: str = ""
    url_env: str = ""
    power_safe: bool = False
    busy_timeout: Annotated[float, Meta(gt=0)] = 10.0
    lease_seconds: Annotated[float, Meta(ge=1)] = 20.0
    keep_days: Annotated[float, Meta(ge=0)] = 0
    keep_megabytes: Annotated[float, Meta(ge=0)] = 0
    keep_cache_days: Annotated[float, Meta(ge=0)] = 30


Given = Config  # in the class below, `Config` is its attribute


class Plugin:
    """Sessions that last, on SQLite or PostgreSQL."""

    Config = Config
    hookspecs = StorageHooks

    def __init__(self, config: Given) -> None:
        self._config = config
        self._store: DatabaseStore | None = None

    @hookimpl
    def register_stores(self, settings: Settings, host: PluginHost) -> Mapping[str, Callable[[], Awaitable[Store]]]:
        return {"storage": lambda: self._open(settings, host)}

    @hookimpl(optionalhook=True)
    def register_commands(self, load: Callable[[Path | None, Path | None], PluginHost]) -> Sequence[click.Command]:
        from .commands import group

        return [group(load)]

    @hookimpl
    def lifespan(self, kernel: Kernel) -> AbstractAsyncContextManager[None]:
        return self._retaining(kernel)

    @asynccontextmanager
    async def _retaining(self, kernel: Kernel) -> AsyncIterator[None]:
        from .retention import Keep

        store, keep = self._store, self.keep
        if store is None or kernel.store is not store or keep == Keep():
            yield
            return
        from .keeping import keep_to  # brings Pony, which is there by now

        async with trio.open_nursery() as nursery:
            nursery.start_soon(keep_to, store, keep)
            yield
            nursery.cancel_scope.cancel()

    @hookimpl
    def register_checks(self) -> Mapping[str, Callable[[], Awaitable[str]]]:
        return {"storage": self._health}

    async def _health(self) -> str:
        return await self._store.health() if self._store is not None else ""

    @property
    def keep(self) -> Keep:
        """What retention leaves."""
        from .retention import Keep

        return Keep(self._config.keep_days, self._config.keep_megabytes, self._config.keep_cache_days)

    def place(self, settings: Settings) -> Place:
        """Where the database is."""
        from .database import FILE, Place

        url = self._config.url or (settings.environment.secret(self._config.url_env) if self._config.url_env else "")
        return Place(
            Path(settings.data_dir) / FILE,
            url and settings.secrets.register(url),
            self._config.power_safe,
            self._config.busy_timeout,
            self._config.lease_seconds,
        )

    async def _open(self, settings: Settings, host: PluginHost) -> Store:
        await trio.to_thread.run_sync(import_module, f"{__package__}.opening")  # Pony takes its time; nobody waits
        from .opening import open_store

        self._store = await open_store(self.place(settings), host, settings.deadlines.store)
        return self._store
