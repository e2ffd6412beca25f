"""Which sessions go because of their age or the database's size: whole ones, the longest untouched first."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import trio
from msgspec import Struct

from pillion import PillionError

from .dialect import Dialect, rows_of
from .leases import processes_of

if TYPE_CHECKING:
    from .store import DatabaseStore

DAY = 24 * 3600 * 1000
"""In ms."""
MEGABYTE = 1_000_000
EVERY = 3600.0
"""Seconds between two looks."""
AT_ONCE = 200
"""Sessions that are looked for at a time."""
BELOW = """WITH RECURSIVE tree (id) AS (
    SELECT id FROM session WHERE id = ? UNION ALL SELECT s.id FROM session s JOIN tree ON s.parent = tree.id)"""
_log = logging.getLogger("pillion.storage")


class Keep(Struct, frozen=True):
    """Of what is kept: `days` since the last event, and `megabytes` of the whole database; 0 is without a limit."""

    days: float = 0
    megabytes: float = 0


class Tree(Struct, frozen=True):
    """A session and all that its turns opened, `bytes` of events and of contents that nobody else has."""

    root: str
    sessions: Sequence[str]
    bytes: int


async def keep_to(store: DatabaseStore, keep: Keep) -> None:
    """Deletes what is past the limits, now and each hour. Never a session that a living process has open."""
    while True:
        try:
            gone = await store.expire(keep)
            if gone:
                freed = sum(tree.bytes for tree in gone) / MEGABYTE
                count = sum(len(tree.sessions) for tree in gone)
                _log.info("Retention: %d sessions are deleted, about %.1f MB", count, freed)
        except PillionError as error:
            _log.warning("Retention could not delete old sessions: %s", error)
        await trio.sleep(EVERY)


def planned(connection: Any, dialect: Dialect, keep: Keep, lease: float, most: int = 0) -> list[Tree]:
    """What is to go, in this order; `most` trees of it, if that is given."""
    if not keep.days and not keep.megabytes:
        return []
    now = dialect.now(connection)
    oldest = now - int(keep.days * DAY) if keep.days else 0
    excess = dialect.used(connection) - int(keep.megabytes * MEGABYTE) if keep.megabytes else 0
    owners = {other.id for other in processes_of(dialect, connection) if other.lives(now, lease)}
    plan: list[Tree] = []
    place: tuple[int, str] = (-1, "")
    while roots := _roots(connection, dialect, place):
        for updated, root in roots:
            if updated >= oldest and excess <= 0:
                return plan
            tree = tree_of(connection, dialect, root, owners)
            if tree is not None:
                plan.append(tree)
                excess -= tree.bytes
            if most and len(plan) == most:
                return plan
        place = roots[-1]
    return plan


def tree_of(connection: Any, dialect: Dialect, root: str, owners: set[str]) -> Tree | None:
    """None: one of `owners` has some of it open."""
    rows = list(
        rows_of(dialect.run(connection, f"{BELOW} SELECT id, owner FROM session JOIN tree USING (id)", (root,)))
    )
    if not rows or any(owner in owners for _, owner in rows):
        return None
    sessions = [id for id, _ in rows]
    return Tree(root, sessions, sum(_bytes(connection, dialect, id) for id in sessions))


def _roots(connection: Any, dialect: Dialect, after: tuple[int, str]) -> list[tuple[int, str]]:
    found = dialect.run(
        connection,
        f"""SELECT updated, id FROM session s WHERE (updated > ? OR (updated = ? AND id > ?))
        AND NOT EXISTS (SELECT 1 FROM session p WHERE p.id = s.parent) ORDER BY updated, id LIMIT {AT_ONCE}""",
        (after[0], *after),
    )
    return [(updated, id) for updated, id in rows_of(found)]


def _bytes(connection: Any, dialect: Dialect, session: str) -> int:
    events = "SELECT coalesce(sum(length(data)), 0) FROM agent_event WHERE session = ?"
    blobs = """SELECT coalesce(sum(length(data)), 0) FROM blob_use u JOIN blob ON blob.hash = u.hash
        WHERE session = ? AND NOT EXISTS (SELECT 1 FROM blob_use o WHERE o.hash = u.hash AND o.session <> u.session)"""
    return sum(int(dialect.run(connection, one, (session,)).fetchone()[0]) for one in (events, blobs))
