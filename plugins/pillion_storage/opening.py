"""Opens the store: the thread, the database, this process's row; with the entities and projections of all plugins."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Any

from .database import Place, opened
from .faults import explained
from .hookspecs import Migration, Projection
from .leases import Leases
from .processes import BEATS, Self
from .projections import own
from .rebuilding import Progress, is_wanted, rebuild
from .store import DatabaseStore
from .tables import STEPS
from .thread import DatabaseThread

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pillion.plugins import PluginHost

    from .database import Opened

TOLD = 500
"""Sessions between two lines that tell how far a rebuild is."""
_log = logging.getLogger("pillion.storage")


async def open_store(place: Place, host: PluginHost | None = None, patience: float = 30.0) -> DatabaseStore:
    """The store at `place`, its tables the newest. `patience`: seconds for a database that does not answer.

    Raises ConfigError, MissingLibrary, StoreFailed.
    """
    thread = DatabaseThread(partial(explained, place=place), patience)
    thread.start()
    try:
        ready = await thread.plain(partial(prepared, place, host))
        leases = Leases(ready, Self.make(), place.lease_seconds)
        await thread.write(leases.beat)
        projections = all_projections(ready, host)
        if await thread.plain(partial(is_wanted, ready)):
            await thread.plain(partial(rebuilt, ready, projections))
        await thread.beat(leases.beat, place.lease_seconds / BEATS)
    except BaseException:
        thread.stop()
        raise
    return DatabaseStore(thread, ready, leases, projections)


def rebuilt(ready: Opened, projections: Mapping[str, Projection]) -> None:
    """`rebuild`, with its progress in the log: nothing else is served meanwhile."""

    def told(progress: Progress) -> None:
        if progress.done == 1:
            _log.info("The tables are new: the rows of %d sessions are made again from their logs", progress.sessions)
        elif progress.done % TOLD == 0:
            _log.info("Of %d sessions the rows of %d are made again", progress.sessions, progress.done)

    done = rebuild(ready, projections, told)
    if done.faults:
        _log.warning("%d projections failed; `pillion db status` says which", done.faults)
    if done.done:
        _log.info("The rows of %d sessions are made again", done.done)


def prepared(place: Place, host: PluginHost | None) -> Opened:
    """The database with all plugins' tables and entities. Raises ConfigError, MissingLibrary, StoreFailed."""
    steps: dict[str, Sequence[Migration]] = {}
    return opened(place, steps, partial(define, host, steps))


def define(host: PluginHost | None, steps: dict[str, Sequence[Migration]], database: Any) -> None:
    """Adds to `database` the entities of the plugins, and to `steps` all steps."""
    steps["storage"] = STEPS
    for plugin, answer in host.ask("register_entities", database=database) if host else ():
        steps[plugin] = answer


def all_projections(ready: Opened, host: PluginHost | None) -> dict[str, Projection]:
    """This plugin's own, and those of the others, by the plugin's name and theirs."""
    found = {f"storage.{name}": projection for name, projection in own(ready.rows, ready.search).items()}
    for plugin, answer in host.ask("register_projections") if host else ():
        found |= {f"{plugin}.{name}": projection for name, projection in answer.items()}
    return found
