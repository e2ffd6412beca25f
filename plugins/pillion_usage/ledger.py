"""The calls that no database holds: those of ephemeral sessions, and all of them where the store is memory."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any

from pillion import Seen
from pillion import events as e

KEPT = 20_000
"""Calls; the oldest go."""
TABLES = """
    CREATE TABLE session (id TEXT PRIMARY KEY, parent TEXT NOT NULL, title TEXT NOT NULL);
    CREATE TABLE llm_data (number INTEGER PRIMARY KEY, root TEXT, turn TEXT, step INTEGER, role TEXT, model TEXT,
        input INTEGER, output INTEGER, cached INTEGER, cost REAL, error TEXT, time INTEGER);
    CREATE INDEX llm_data_by_root ON llm_data (root, time);
    CREATE VIEW llm_day AS SELECT root, time / 86400000 AS day, role, model, 1 AS calls, error <> '' AS errors, input,
        output, cached, cost, time AS newest FROM llm_data;
"""
CALL = """INSERT INTO llm_data (root, turn, step, role, model, input, output, cached, cost, error, time)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
ROOT = """WITH RECURSIVE up (id, parent, depth) AS (
        SELECT id, parent, 0 FROM session WHERE id = ?
        UNION SELECT session.id, session.parent, depth + 1 FROM session JOIN up ON session.id = up.parent)
    SELECT id FROM up ORDER BY depth DESC LIMIT 1"""


class Ledger:
    """An observer that keeps rows in memory, in tables like those of a database, so that one statement asks both."""

    def __init__(self) -> None:
        self._rows = sqlite3.connect(":memory:", isolation_level=None)
        self._rows.executescript(TABLES)
        self.everything = False
        """Also the calls of sessions that last: there is no database."""
        self.since = time.time_ns() // 1_000_000
        """When it began to know of all calls (ms since 1970 UTC)."""

    def all(self, statement: str, values: Sequence[Any] = ()) -> list[Any]:
        """What a SELECT finds."""
        return self._rows.execute(statement, values).fetchall()

    async def watch(self, feed: AsyncIterator[Seen], /) -> None:
        async for seen in feed:
            if seen.ephemeral or self.everything:
                self.take(seen)

    def take(self, seen: Seen) -> None:
        """Keeps what an event says of a call, or of a session's name and place."""
        match e.decode(seen.record.type, seen.record.data):
            case e.SessionOpened(parent=parent):
                self._rows.execute("INSERT OR REPLACE INTO session VALUES (?, ?, '')", (seen.session, parent))
            case e.SessionChanged(title=str(title)):
                self._rows.execute("UPDATE session SET title = ? WHERE id = ?", (title, seen.session))
            case e.UsageRecorded() as call:
                self._call(seen, call)
            case _:
                pass

    def _call(self, seen: Seen, call: e.UsageRecorded) -> None:
        (root,) = next(iter(self.all(ROOT, (seen.session,))), (seen.session,))
        used, record = call.usage, seen.record
        counted = (used.input, used.output, used.cached, used.cost)
        row = (root, record.turn, call.step, call.role, call.model, *counted, call.error, record.time)
        last = (self._rows.execute(CALL, row).lastrowid or 0) - KEPT
        for (gone,) in self.all("SELECT time FROM llm_data WHERE number = ?", (last,)):
            self.since = max(self.since, gone + 1)
            self._rows.execute("DELETE FROM llm_data WHERE number = ?", (last,))
