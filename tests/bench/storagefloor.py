"""The floor of the store: the same rows in the same transactions, by the bare driver, from one thread."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

import psycopg2
from psycopg2.extras import execute_values

from pillion import Batch
from pillion_storage.database import Place

TOUCH = "UPDATE session SET last = ?, updated = ? WHERE id = ? AND generation = ? AND last = ?"
MANY = """UPDATE session SET last = new.last, updated = new.time
    FROM (VALUES %s) AS new (last, time, id, generation, expected)
    WHERE session.id = new.id AND session.generation = new.generation AND session.last = new.expected"""
EVENT = "INSERT INTO agent_event (session, seq, type, turn, time, data) VALUES"
PAGE = """SELECT * FROM session WHERE parent = '' AND NOT archived AND (created, id) < (?, ?) {more}
    ORDER BY created DESC, id DESC LIMIT 51"""


class BareSQLite:
    def __init__(self, place: Place) -> None:
        self._connection = sqlite3.connect(place.file, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.execute("PRAGMA foreign_keys = ON")

    def commit(self, batches: Sequence[Batch]) -> None:
        """All in one transaction."""
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.executemany(TOUCH, [touched(batch) for batch in batches])
        self._connection.executemany(f"{EVENT} (?, ?, ?, ?, ?, ?)", rows(batches))
        self._connection.execute("COMMIT")

    def all(self, statement: str, values: Sequence[Any]) -> list[Any]:
        return self._connection.execute(statement, values).fetchall()

    def close(self) -> None:
        self._connection.close()


class BarePostgres:
    def __init__(self, place: Place) -> None:
        self._connection = psycopg2.connect(place.url, options="-c synchronous_commit=local")
        self._cursor = self._connection.cursor()

    def commit(self, batches: Sequence[Batch]) -> None:
        execute_values(self._cursor, MANY, [touched(batch) for batch in batches], page_size=1000)
        execute_values(self._cursor, f"{EVENT} %s", rows(batches), page_size=1000)
        self._connection.commit()

    def all(self, statement: str, values: Sequence[Any]) -> list[Any]:
        self._cursor.execute(statement.replace("?", "%s"), values)
        found: list[Any] = self._cursor.fetchall()
        self._connection.rollback()
        return found

    def close(self) -> None:
        self._connection.close()


def floor(place: Place) -> BareSQLite | BarePostgres:
    return BarePostgres(place) if place.url else BareSQLite(place)


def touched(batch: Batch) -> tuple[Any, ...]:
    last = batch.records[-1]
    return (last.seq, last.time, batch.session, batch.generation, batch.expected)


def rows(batches: Sequence[Batch]) -> list[tuple[Any, ...]]:
    return [(batch.session, r.seq, r.type, r.turn, r.time, r.data) for batch in batches for r in batch.records]
