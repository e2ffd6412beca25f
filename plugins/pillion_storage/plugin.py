"""The door: the store `storage`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import trio
from msgspec import Meta, Struct

from pillion import Store, hookimpl

from .hookspecs import StorageHooks

if TYPE_CHECKING:
    from pillion import Settings
    from pillion.plugins import PluginHost

    from .store import DatabaseStore


class Config(Struct, frozen=True, forbid_unknown_fields=True):
    """`url` of a PostgreSQL server, or `url_env`, a variable that holds it; without one it is a SQLite file.

    `power_safe`: what is acknowledged survives the death of the machine, too, not only of the process.
    `busy_timeout`: seconds to wait for another process that writes.
    """

    url: str = ""
    url_env: str = ""
    power_safe: bool = False
    busy_timeout: Annotated[float, Meta(gt=0)] = 10.0


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

    @hookimpl
    def register_checks(self) -> Mapping[str, Callable[[], Awaitable[str]]]:
        return {"storage": self._health}

    async def _health(self) -> str:
        return await self._store.health() if self._store is not None else ""

    async def _open(self, settings: Settings, host: PluginHost) -> Store:
        await trio.to_thread.run_sync(import_module, f"{__package__}.opening")  # Pony takes its time; nobody waits
        from .database import FILE, Place
        from .opening import open_store

        url = self._config.url or (settings.environment.secret(self._config.url_env) if self._config.url_env else "")
        place = Place(
            Path(settings.data_dir) / FILE,
            url and settings.secrets.register(url),
            self._config.power_safe,
            self._config.busy_timeout,
        )
        self._store = await open_store(place, host, settings.deadlines.store)
        return self._store
