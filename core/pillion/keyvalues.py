"""A plugin's values in a file of SQLite's, beside the rest that is its own. A call opens the file and closes it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TypeVar

import trio

from .errors import StoreFailed, TooLarge

T = TypeVar("T")
LOCKED_SECONDS = 10.0
"""How long other processes may write before a call gives up."""
LARGEST = 64 * 1024 * 1024
"""Bytes of the file."""
PAGE = 4096
TABLE = "CREATE TABLE IF NOT EXISTS entries (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID"


class FileValues:
    """`folder` makes the directory that the file is in. Before the first write nothing is there."""

    def __init__(self, path: Path, folder: Callable[[], Path]) -> None:
        self._path, self._folder = path, folder
        self._one = trio.CapacityLimiter(1)  # SQLite has one writer anyway

    async def read(self, key: str) -> bytes | None:
        return await self._look(lambda file: _value(file, key), None)

    async def keys(self, prefix: str) -> list[str]:
        query = "SELECT key FROM entries WHERE substr(key, 1, ?) = ? ORDER BY key"
        return await self._look(lambda file: [key for (key,) in file.execute(query, (len(prefix), prefix))], [])

    async def write(self, key: str, value: bytes | None) -> bool:
        return await self._change(lambda file: _put(file, key, value))

    async def swap(self, key: str, old: bytes | None, new: bytes | None) -> bool:
        def work(file: sqlite3.Connection) -> bool:
            if _value(file, key) != old:
                return False
            _put(file, key, new)
            return True

        return await self._change(work)

    async def _look(self, work: Callable[[sqlite3.Connection], T], nothing: T) -> T:
        def in_thread() -> T:
            return self._transaction("BEGIN", work) if self._path.exists() else nothing

        return await trio.to_thread.run_sync(in_thread, limiter=self._one, abandon_on_cancel=True)

    async def _change(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """All of `work` or nothing. A cancel waits for it, so that the caller knows what became of it."""

        def in_thread() -> T:
            self._folder()
            return self._transaction("BEGIN IMMEDIATE", work)

        return await trio.to_thread.run_sync(in_thread, limiter=self._one)

    def _transaction(self, begin: str, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            with closing(sqlite3.connect(self._path, timeout=LOCKED_SECONDS, isolation_level=None)) as file:
                file.execute(f"PRAGMA max_page_count = {LARGEST // PAGE}")
                file.execute(begin)
                file.execute(TABLE)
                result = work(file)
                file.execute("COMMIT")
                return result
        except sqlite3.Error as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_FULL:
                raise TooLarge(f"{self._path} is full: it may have {LARGEST // 1024 // 1024} MiB.") from None
            raise StoreFailed(f"{self._path} can't be used: {error}.") from None


def _value(file: sqlite3.Connection, key: str) -> bytes | None:
    row = file.execute("SELECT value FROM entries WHERE key = ?", (key,)).fetchone()
    return None if row is None else bytes(row[0])


def _put(file: sqlite3.Connection, key: str, value: bytes | None) -> bool:
    """Was there one before?"""
    gone = file.execute("DELETE FROM entries WHERE key = ?", (key,)).rowcount > 0
    if value is not None:
        file.execute("INSERT INTO entries VALUES (?, ?)", (key, value))
    return gone
