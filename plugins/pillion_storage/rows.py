"""Statements on Pony's own connection, for what comes by the thousand. In the database's thread, in a db_session."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .dialect import Dialect, Row, rows_of


class Rows:
    """Those of one database; `?` in a statement stands for a value."""

    def __init__(self, database: Any, dialect: Dialect) -> None:
        self._database, self.dialect = database, dialect

    def run(self, statement: str, values: Row = ()) -> Any:
        """A cursor: `fetchall`, `rowcount`."""
        return self.dialect.run(self._database.get_connection(), statement, values)

    def all(self, statement: str, values: Row = ()) -> list[Any]:
        """What a SELECT finds."""
        return list(rows_of(self.run(statement, values)))

    def many(self, statement: str, rows: Sequence[Row]) -> None:
        """An INSERT … VALUES for each of `rows`."""
        if rows:
            self.dialect.run_many(self._database.get_connection(), statement, rows)


def plain(text: str) -> str:
    """`text` as both databases keep it: without the character that PostgreSQL has none of."""
    return text.replace("\0", "\ufffd")
