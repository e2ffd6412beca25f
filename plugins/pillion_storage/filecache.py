"""The file cache: facts of files, and what plugins made of their contents. The store must be the database."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

from msgspec import Struct

from pillion import ConfigError, Store

from .rows import Rows
from .store import DatabaseStore

T = TypeVar("T")
TOGETHER = 500
"""Files that one statement is about."""
DAY = 24 * 3600 * 1000
"""Milliseconds; what is used is marked so once in that time."""


class FileFacts(Struct, frozen=True):
    """A file as it was: `path` within its workspace, `hash` of its content, `size` in bytes, `mtime` in nanoseconds
    since 1970 UTC."""

    path: str
    hash: str
    size: int
    mtime: int
    language: str = ""


class Artefact(Struct, frozen=True):
    """What was made of a content: `kind` says what by whom ("syntax.tags"), `version` of the maker; `data` is its own.

    One of another version of the maker is none.
    """

    kind: str
    version: str
    data: bytes


class FileCacheDoor:
    """The door, for a plugin's lifespan: `FileCacheDoor(kernel.store)`. Raises ConfigError where the store is no
    database. All methods take many files at once; all but `evict` do them as one job of the database's thread. They
    raise StoreFailed.
    """

    def __init__(self, store: Store) -> None:
        if not isinstance(store, DatabaseStore):
            raise ConfigError(
                "There is no file cache: the store is no database.",
                key="defaults.store",
                hint='Set store = "storage" in [defaults].',
            )
        self._store = store

    async def facts(self, workspace: str, paths: Iterable[str]) -> dict[str, FileFacts]:
        """By path, what was last put or used of each; of those that are there."""
        wanted = list(dict.fromkeys(paths))

        def work(rows: Rows) -> dict[str, FileFacts]:
            found = {}
            for some in chunks(wanted):
                statement = (
                    "SELECT path, hash, size, mtime, language FROM file_cache"
                    f" WHERE workspace = ? AND path IN ({marks(some)}) ORDER BY seen, id"
                )
                found.update({row[0]: FileFacts(*row) for row in rows.all(statement, (workspace, *some))})
            return found

        return await self._store.reading(work)

    async def artefacts(
        self, workspace: str, files: Iterable[tuple[str, str]], kind: str, version: str
    ) -> dict[str, bytes]:
        """By path, what was put for that content; `files` are paths, each with the hash of its content now."""
        hashes = dict(files)
        used = _now()

        def work(rows: Rows) -> tuple[dict[str, bytes], list[int]]:
            found, idle = {}, []
            for some in chunks(list(hashes)):
                statement = (
                    "SELECT f.id, f.path, f.hash, f.seen, a.data"
                    " FROM file_cache f JOIN file_artefact a ON a.file = f.id"
                    f" WHERE a.kind = ? AND a.version = ? AND f.workspace = ? AND f.path IN ({marks(some)})"
                )
                for id, path, hash, seen, data in rows.all(statement, (kind, version, workspace, *some)):
                    if hash == hashes[path]:
                        found[path] = bytes(data)
                        idle += [id] if seen < used - DAY else []
            return found, idle

        def mark(rows: Rows) -> None:
            for some in chunks(idle):
                rows.run(f"UPDATE file_cache SET seen = ? WHERE id IN ({marks(some)})", (used, *some))

        found, idle = await self._store.reading(work)
        if idle:
            await self._store.writing(mark)
        return found

    async def put(self, workspace: str, files: Iterable[tuple[FileFacts, Sequence[Artefact]]]) -> None:
        """Keeps facts and artefacts. What is there of the same content, and of the same kind, is replaced."""
        now = _now()
        given = {(facts.path, facts.hash): (facts, artefacts) for facts, artefacts in files}
        facts = [(workspace, f.path, f.hash, f.size, f.mtime, f.language, now) for f, _ in given.values()]

        def work(rows: Rows) -> None:
            rows.many(
                "INSERT INTO file_cache (workspace, path, hash, size, mtime, language, seen)"
                " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (workspace, path, hash) DO UPDATE SET"
                " size = excluded.size, mtime = excluded.mtime, language = excluded.language, seen = excluded.seen",
                facts,
            )
            ids = _ids(rows, workspace, [path for path, _ in given])
            made = {
                (ids[key], artefact.kind): (artefact.version, artefact.data)
                for key, (_, artefacts) in given.items()
                for artefact in artefacts
            }
            rows.many(
                "INSERT INTO file_artefact (file, kind, version, data) VALUES (?, ?, ?, ?)"
                " ON CONFLICT (file, kind) DO UPDATE SET version = excluded.version, data = excluded.data",
                [(*key, *value) for key, value in made.items()],
            )

        if given:
            await self._store.writing(work)

    async def evict(self, seconds: float) -> int:
        """Forgets what nobody put or used for so long, to a day; how many files."""
        before = _now() - int(seconds * 1000)

        def work(rows: Rows) -> int:
            old = "SELECT id FROM file_cache WHERE seen < ? ORDER BY seen LIMIT ?"
            return int(rows.run(f"DELETE FROM file_cache WHERE id IN ({old})", (before, TOGETHER)).rowcount)

        gone = 0
        while some := await self._store.writing(work):  # in pieces, since sessions write meanwhile
            gone += some
        return gone


def _ids(rows: Rows, workspace: str, paths: Sequence[str]) -> Mapping[tuple[str, str], int]:
    found = {}
    for some in chunks(list(dict.fromkeys(paths))):
        statement = f"SELECT path, hash, id FROM file_cache WHERE workspace = ? AND path IN ({marks(some)})"
        found.update({(path, hash): id for path, hash, id in rows.all(statement, (workspace, *some))})
    return found


def chunks(values: Sequence[T]) -> Iterator[Sequence[T]]:
    return (values[start : start + TOGETHER] for start in range(0, len(values), TOGETHER))


def marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))


def _now() -> int:
    return time.time_ns() // 1_000_000
