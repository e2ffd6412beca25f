"""Each hour: deletes the sessions that retention takes, and forgets what the file cache has for nobody."""

from __future__ import annotations

import logging

import trio

from pillion import PillionError

from .filecache import FileCacheDoor
from .retention import DAY, MEGABYTE, Keep
from .store import DatabaseStore

EVERY = 3600.0
"""Seconds between two looks."""
_log = logging.getLogger("pillion.storage")


async def keep_to(store: DatabaseStore, keep: Keep) -> None:
    """Deletes what is past the limits, now and each hour. Never a session that a living process has open."""
    while True:
        try:
            await _sessions(store, keep)
            await _files(store, keep)
        except PillionError as error:
            _log.warning("Retention could not delete what is old: %s", error)
        await trio.sleep(EVERY)


async def _sessions(store: DatabaseStore, keep: Keep) -> None:
    gone = await store.expire(keep) if keep.days or keep.megabytes else []
    if gone:
        freed = sum(tree.bytes for tree in gone) / MEGABYTE
        count = sum(len(tree.sessions) for tree in gone)
        _log.info("Retention: %d sessions are deleted, about %.1f MB", count, freed)


async def _files(store: DatabaseStore, keep: Keep) -> None:
    if keep.cache_days:
        gone = await FileCacheDoor(store).evict(keep.cache_days * DAY / 1000)
        if gone:
            _log.info("The file cache forgets %d contents that nobody used for %g days", gone, keep.cache_days)
