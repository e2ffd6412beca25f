"""Which sessions go because of their age or the database's size: whole ones, the longest untouched first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from .dialect import Dialect, rows_of
from .leases import processes_of

DAY = 24 * 3600 * 1000
"""In ms."""
MEGABYTE = 1_000_000
AT_ONCE = 200
"""Sessions that are looked for at a time."""
BELOW = """WITH RECURSIVE tree (id) AS (
    SELECT id FROM session WHERE id = ? UNION ALL SELECT s.id FROM session s JOIN tree ON s.parent = tree.id)"""
EVENTS = "SELECT coalesce(sum(length(data)), 0) FROM agent_event"
CONTENTS = """SELECT coalesce(sum(length(data)), 0) FROM blob
    WHERE EXISTS (SELECT 1 FROM blob_use u WHERE u.hash = blob.hash)"""
ALONE = """hash IN (SELECT hash FROM blob_use WHERE session IN (SELECT id FROM tree)) AND NOT EXISTS (
    SELECT 1 FROM blob_use u WHERE u.hash = blob.hash AND u.session NOT IN (SELECT id FROM tree))"""


class Keep(Struct, frozen=True):
    """Of what is kept: `days` since the last event, and `megabytes` of what sessions own; `cache_days` since a file's
    content was last used in the file cache. 0 is without a limit.
    """

    days: float = 0
    megabytes: float = 0
    cache_days: float = 0


class Tree(Struct, frozen=True):
    """A session and all that its turns opened, last `updated` then; `bytes` of events and of contents that nobody else
    has.
    """

    root: str
    updated: int
    sessions: Sequence[str]
    bytes: int


class Look:
    """One pass over the roots, the longest untouched first. `excess`: bytes that sessions own beyond the limit."""

    def __init__(self, connection: Any, dialect: Dialect, keep: Keep) -> None:
        self.oldest = dialect.now(connection) - int(keep.days * DAY) if keep.days else 0
        self._limit = int(keep.megabytes * MEGABYTE)
        self._place: tuple[int, str] = (-1, "")
        self._ahead: list[tuple[int, str]] = []
        self.excess = 0
        self.measure(connection, dialect)

    def measure(self, connection: Any, dialect: Dialect) -> None:
        self.excess = owned(connection, dialect) - self._limit if self._limit else 0

    def next(self, connection: Any, dialect: Dialect, owners: set[str]) -> Tree | None:
        """What goes next, none of it open at one of `owners`. None: all the rest may stay."""
        while self._ahead or self._more(connection, dialect):
            updated, root = self._place = self._ahead[0]
            if updated >= self.oldest and self.excess <= 0:
                return None
            tree = tree_of(connection, dialect, root, owners)
            self._ahead.pop(0)
            if tree is not None:
                return tree
        return None

    def _more(self, connection: Any, dialect: Dialect) -> bool:
        self._ahead = _roots(connection, dialect, self._place)
        return bool(self._ahead)


def planned(connection: Any, dialect: Dialect, keep: Keep, lease: float) -> list[Tree]:
    """What would go now, in this order; a content that several of them have is counted for none."""
    if not keep.days and not keep.megabytes:
        return []
    now = dialect.now(connection)
    owners = {other.id for other in processes_of(dialect, connection) if other.lives(now, lease)}
    look = Look(connection, dialect, keep)
    plan: list[Tree] = []
    while tree := look.next(connection, dialect, owners):
        plan.append(tree)
        look.excess -= tree.bytes
    return plan


def owned(connection: Any, dialect: Dialect) -> int:
    """Bytes of all events, and of contents that sessions name. Reads the length of each row."""
    return sum(int(dialect.run(connection, one).fetchone()[0]) for one in (EVENTS, CONTENTS))


def tree_of(connection: Any, dialect: Dialect, root: str, owners: set[str]) -> Tree | None:
    """None: it is gone, or one of `owners` has some of it open."""
    wanted = f"{BELOW} SELECT id, owner, updated FROM session JOIN tree USING (id)"
    rows = list(rows_of(dialect.run(connection, wanted, (root,))))
    if not rows or any(owner in owners for _, owner, _ in rows):
        return None
    counts = (f"{EVENTS} WHERE session IN (SELECT id FROM tree)", f"{CONTENTS} AND {ALONE}")
    bytes = sum(int(dialect.run(connection, f"{BELOW} {one}", (root,)).fetchone()[0]) for one in counts)
    return Tree(root, next(updated for id, _, updated in rows if id == root), [id for id, _, _ in rows], bytes)


def _roots(connection: Any, dialect: Dialect, after: tuple[int, str]) -> list[tuple[int, str]]:
    found = dialect.run(
        connection,
        f"""SELECT updated, id FROM session s WHERE (updated > ? OR (updated = ? AND id > ?))
        AND NOT EXISTS (SELECT 1 FROM session p WHERE p.id = s.parent) ORDER BY updated, id LIMIT {AT_ONCE}""",
        (after[0], *after),
    )
    return [(updated, id) for updated, id in rows_of(found)]
