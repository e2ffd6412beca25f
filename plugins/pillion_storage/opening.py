"""Opens the store: the thread, the database, this process's row; with the entities and projections of all plugins."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from .database import Place, opened
from .faults import explained
from .hookspecs import Migration, Projection
from .processes import Self, now_ms
from .projections import own
from .rebuilding import is_wanted, rebuild
from .store import DatabaseStore
from .tables import STEPS
from .thread import DatabaseThread

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pillion.plugins import PluginHost

    from .database import Opened


async def open_store(place: Place, host: PluginHost | None = None, patience: float = 30.0) -> DatabaseStore:
    """The store at `place`, its tables the newest. `patience`: seconds for a database that does not answer.

    Raises ConfigError, MissingLibrary, StoreFailed.
    """
    thread = DatabaseThread(partial(explained, place=place), patience)
    thread.start()
    try:
        ready = await thread.plain(partial(_prepared, place, host))
        me = Self.make()
        await thread.write(partial(_enter, ready, me))
        projections = all_projections(ready, host)
        if await thread.plain(partial(is_wanted, ready)):
            await thread.plain(partial(rebuild, ready, projections))
    except BaseException:
        thread.stop()
        raise
    return DatabaseStore(thread, ready, me, projections)


def _prepared(place: Place, host: PluginHost | None) -> Opened:
    steps: dict[str, Sequence[Migration]] = {"storage": STEPS}

    def define(database: Any) -> None:
        for plugin, answer in host.ask("register_entities", database=database) if host else ():
            steps[plugin] = answer

    return opened(place, steps, define)


def _enter(ready: Opened, me: Self) -> None:
    ready.entities.Process(id=me.id, host=me.host, pid=me.pid, born=me.born, started=now_ms(), beat=now_ms())


def all_projections(ready: Opened, host: PluginHost | None) -> dict[str, Projection]:
    """This plugin's own, and those of the others, by the plugin's name and theirs."""
    found = {f"storage.{name}": projection for name, projection in own(ready.rows, ready.search).items()}
    for plugin, answer in host.ask("register_projections") if host else ():
        found |= {f"{plugin}.{name}": projection for name, projection in answer.items()}
    return found
