"""Where SQLite and PostgreSQL differ."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Protocol

Row = Sequence[Any]
ROWS = 1000
"""In one statement for PostgreSQL at most."""


class Dialect(Protocol):
    """Speaks to one kind of database over Pony's own connection; `?` in a statement stands for a value."""

    name: str
    types: Mapping[str, str]
    locked: str
    """Behind a SELECT: no other process changes the row until this transaction ends."""

    def now(self, connection: Any) -> int:
        """The one clock of all processes: milliseconds since 1970 UTC."""

    def vacuum(self, connection: Any, *, alone: bool) -> None:
        """Gives room back, all of it where nobody else is at work. Each statement must be a transaction of its own."""

    def run(self, connection: Any, statement: str, values: Row = ()) -> Any:
        """A cursor: `fetchall`, `rowcount`."""

    def run_many(self, connection: Any, statement: str, rows: Sequence[Row]) -> None: ...

    def touch(self, connection: Any, rows: Sequence[Row]) -> int:
        """Brings sessions to a new end of their logs, each row `last, time, id, generation, expected`. How many were
        found as they should be; `time` of 0 leaves a session's own."""

    def lock_schema(self, connection: Any) -> None:
        """No other process migrates until this transaction ends."""

    def has_table(self, connection: Any, table: str) -> bool: ...


class SQLite:
    name = "sqlite"
    locked = ""  # BEGIN IMMEDIATE has done it
    types: Mapping[str, str] = MappingProxyType(
        {
            "bytes": "BLOB",
            "integer": "INTEGER",
            "real": "REAL",
            "json": "TEXT",
            "serial": "INTEGER PRIMARY KEY AUTOINCREMENT",
        }
    )

    def now(self, connection: Any) -> int:
        return time.time_ns() // 1_000_000

    def vacuum(self, connection: Any, *, alone: bool) -> None:
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def run(self, connection: Any, statement: str, values: Row = ()) -> Any:
        return connection.execute(statement, values)

    def run_many(self, connection: Any, statement: str, rows: Sequence[Row]) -> None:
        connection.executemany(statement, rows)

    def touch(self, connection: Any, rows: Sequence[Row]) -> int:
        statement = """UPDATE session SET last = ?1, updated = CASE WHEN ?2 > 0 THEN ?2 ELSE updated END
            WHERE id = ?3 AND generation = ?4 AND last = ?5"""
        return int(connection.executemany(statement, rows).rowcount)

    def lock_schema(self, connection: Any) -> None:
        pass  # BEGIN IMMEDIATE has done it

    def has_table(self, connection: Any, table: str) -> bool:
        found = connection.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (table,))
        return found.fetchone() is not None


class PostgreSQL:
    name = "postgres"
    locked = " FOR UPDATE"
    types: Mapping[str, str] = MappingProxyType(
        {
            "bytes": "BYTEA",
            "integer": "BIGINT",
            "real": "DOUBLE PRECISION",
            "json": "JSONB",
            "serial": "BIGSERIAL PRIMARY KEY",
        }
    )
    LOCK = 0x70696C6C
    """The advisory lock of those who migrate: "pill"."""

    def now(self, connection: Any) -> int:
        clock = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint"
        return int(self.run(connection, clock).fetchone()[0])

    def vacuum(self, connection: Any, *, alone: bool) -> None:
        self.run(connection, "VACUUM (FULL, ANALYZE)" if alone else "VACUUM (ANALYZE)")

    def run(self, connection: Any, statement: str, values: Row = ()) -> Any:
        cursor = connection.cursor()
        cursor.execute(statement.replace("%", "%%").replace("?", "%s"), values)
        return cursor

    def run_many(self, connection: Any, statement: str, rows: Sequence[Row]) -> None:
        from psycopg2.extras import execute_values

        head, _, tail = statement.partition("VALUES (")
        _, _, rest = tail.partition(")")
        execute_values(connection.cursor(), f"{head}VALUES %s{rest}", rows, page_size=ROWS)

    def touch(self, connection: Any, rows: Sequence[Row]) -> int:
        from psycopg2.extras import execute_values

        statement = """UPDATE session SET last = new.last,
            updated = CASE WHEN new.time > 0 THEN new.time ELSE session.updated END
            FROM (VALUES %s) AS new (last, time, id, generation, expected)
            WHERE session.id = new.id AND session.generation = new.generation AND session.last = new.expected"""
        cursor = connection.cursor()
        execute_values(cursor, statement, rows, page_size=len(rows))
        return int(cursor.rowcount)

    def lock_schema(self, connection: Any) -> None:
        self.run(connection, "SELECT pg_advisory_xact_lock(?)", (self.LOCK,))

    def has_table(self, connection: Any, table: str) -> bool:
        return bool(self.run(connection, "SELECT to_regclass(?) IS NOT NULL", (table,)).fetchone()[0])


def rows_of(cursor: Any) -> Iterable[Row]:
    found: Iterable[Row] = cursor.fetchall()
    return found
