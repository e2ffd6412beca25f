"""What other plugins may add to the one database: entities with their migrations, and projections of the log."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from pillion import Record, hookspec


class Migration(Struct, frozen=True):
    """One numbered step of a plugin's tables. Never changed once released: its checksum is kept and compared.

    `statements` are SQL; in them `{bytes}`, `{integer}`, `{real}` and `{json}` stand for the database's own types
    (64 bits, double precision), and `{serial}` for a primary key that numbers itself. Those of `sqlite` or `postgres`
    follow them, on that database alone.
    """

    number: int
    statements: Sequence[str]
    sqlite: Sequence[str] = ()
    postgres: Sequence[str] = ()

    def on(self, dialect: str) -> Sequence[str]:
        """All that are run on the database of this name."""
        return (*self.statements, *(self.sqlite if dialect == "sqlite" else self.postgres))


class Projected(Struct, frozen=True):
    """What a projection gets: new records of one session, as bytes, inside the transaction that appends them.

    `anew`: they are the first of that session's log, and what the projection has of the session goes before.
    """

    session: str
    records: Sequence[Record]
    anew: bool = False


Projection = Callable[[Projected], None]
"""One that has a set `types` is only called with batches that hold an event of one of these types."""


class StorageHooks:
    """Asked when the store is opened, before the kernel begins."""

    @hookspec
    def register_entities(self, database: Any) -> Sequence[Migration]:
        """Defines Pony entities on `database` (a pony.orm.Database) and returns the plugin's migrations.

        Each entity names its `_table_`; the tables are made by the migrations, never by Pony.
        """

    @hookspec
    def register_projections(self) -> Mapping[str, Projection]:
        """Sync functions by name that keep rows in step with the log. They run in the append's transaction, in the
        database's thread, inside a `db_session`. One that raises is recorded and its rows of that batch are left out;
        `pillion db rebuild` makes all rows again from the log. Each append waits for them: give a projection its
        `types`, the set of those events that it reads. Rows of a session refer to `session (id)` with ON DELETE
        CASCADE, so that they go with it.
        """
