"""What other plugins may add to the one database: entities with their migrations, and projections of the log."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from pillion import Record, hookspec


class Migration(Struct, frozen=True):
    """One numbered step of a plugin's tables. Never changed once released: its checksum is kept and compared.

    `statements` are SQL; in them `{bytes}`, `{integer}`, `{real}` and `{json}` stand for the database's own types
    (64 bits, double precision), and `{serial}` for a primary key that numbers itself.
    """

    number: int
    statements: Sequence[str]


class Projected(Struct, frozen=True):
    """What a projection gets: new records of one session, as bytes, inside the transaction that appends them."""

    session: str
    records: Sequence[Record]


Projection = Callable[[Projected], None]


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
        `pillion db rebuild` makes all rows again from the log.
        """
