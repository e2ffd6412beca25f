"""The database behind the contract: its thread, its steps, its projections, its life across processes."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import trio

from pillion import Batch, ConfigError, Conflict, Record, SessionInfo, Store, hookimpl
from pillion.plugins import PluginHost
from pillion.testing.kit import plain_settings
from pillion_storage import migrations
from pillion_storage.database import FILE, Place, bound
from pillion_storage.hookspecs import Migration, Projected
from pillion_storage.opening import open_store
from pillion_storage.plugin import Config, Plugin
from pillion_storage.tables import STEPS


def info(id: str) -> SessionInfo:
    return SessionInfo(id, "/w", 1, 1)


def record(seq: int) -> Record:
    return Record(seq, "turn.finished", "t", seq, b"{}")


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = await open_store(Place(tmp_path / FILE))
    yield store
    await store.aclose()


async def test_of_many_commits_at_once_only_the_wrong_ones_fail(store: Store) -> None:
    for n in range(20):
        await store.create(info(f"s{n}"))
    failed: list[int] = []

    async def one(n: int) -> None:
        try:
            await store.commit(Batch(f"s{n}", 1, 1 if n % 5 == 0 else 0, [record(1)]))
        except Conflict:
            failed.append(n)

    async with trio.open_nursery() as nursery:
        for n in range(20):
            nursery.start_soon(one, n)
    assert sorted(failed) == [0, 5, 10, 15]
    assert [len(await store.read(f"s{n}", 0, 9)) for n in range(6)] == [0, 1, 1, 1, 1, 0]


async def test_a_row_that_the_database_refuses_takes_no_other_with_it(store: Store) -> None:
    """Two records of one seq in a batch: only the primary key sees that."""
    first, second = await store.create(info("a")), await store.create(info("b"))
    raised: list[Exception] = []

    async def bad() -> None:
        try:
            await store.commit(Batch("a", first.generation, 0, [record(1), record(1)]))
        except Exception as error:
            raised.append(error)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(bad)
        nursery.start_soon(store.commit, Batch("b", second.generation, 0, [record(1)]))
    assert [type(error).__name__ for error in raised] == ["StoreFailed"]
    assert await store.read("a", 0, 9) == []
    assert await store.read("b", 0, 9) == [record(1)]
    await store.commit(Batch("a", first.generation, 0, [record(1)]))


class Notes:
    """A plugin with a table of its own, and a projection that fills it."""

    @hookimpl
    def register_entities(self, database: Any) -> list[Migration]:
        from pony.orm import PrimaryKey, Required

        class Note(database.Entity):  # type: ignore[name-defined,misc]
            _table_ = "note"
            session = Required(str)
            seq = Required(int)
            PrimaryKey(session, seq)

        self.Note = Note
        return [Migration(1, ["CREATE TABLE note (session TEXT, seq {integer}, PRIMARY KEY (session, seq))"])]

    @hookimpl
    def register_projections(self) -> dict[str, Any]:
        return {"notes": self.project}

    def project(self, projected: Projected) -> None:
        for record in projected.records:
            self.Note(session=projected.session, seq=record.seq)
            if record.type == "bad":
                raise RuntimeError("on purpose")


async def test_a_projection_is_written_with_the_log_and_a_bad_one_rolled_back_alone(tmp_path: Path) -> None:
    host = PluginHost(plain_settings(tmp_path))
    host.add("storage", Plugin(Config()))
    host.add("notes", Notes())
    store = await open_store(Place(tmp_path / FILE), host)
    made = await store.create(info("a"))
    await store.commit(Batch("a", made.generation, 0, [record(1)]))
    await store.commit(Batch("a", made.generation, 1, [Record(2, "bad", "t", 2, b"{}"), record(3)]))
    await store.aclose()
    rows = sqlite3.connect(tmp_path / FILE)
    assert rows.execute("SELECT session, seq FROM note").fetchall() == [("a", 1)]
    assert rows.execute("SELECT count(*) FROM agent_event").fetchone() == (3,)
    ((projection, seq, reason),) = rows.execute("SELECT projection, seq, reason FROM projection_fault")
    assert (projection, seq) == ("notes.notes", 2)
    assert "on purpose" in reason


async def test_a_database_of_a_newer_program_is_refused(tmp_path: Path) -> None:
    store = await open_store(Place(tmp_path / FILE))
    await store.aclose()
    with sqlite3.connect(tmp_path / FILE) as rows:
        rows.execute("INSERT INTO schema_version VALUES ('storage', 99, 'x', 0)")
    with pytest.raises(ConfigError, match="written by a newer Pillion"):
        await open_store(Place(tmp_path / FILE))


async def test_a_step_that_was_changed_is_refused(tmp_path: Path) -> None:
    store = await open_store(Place(tmp_path / FILE))
    await store.aclose()
    with sqlite3.connect(tmp_path / FILE) as rows:
        rows.execute("UPDATE schema_version SET checksum = 'other'")
    with pytest.raises(ConfigError, match="Step 1 of 'storage' in the database is not the one"):
        await open_store(Place(tmp_path / FILE))


def test_a_new_step_is_applied_once_after_a_copy_was_made(tmp_path: Path) -> None:
    place = Place(tmp_path / FILE)
    database = bound(place)
    steps = {"storage": STEPS[:1]}
    assert migrations.upgrade(database, place.dialect, steps, place.file) == ["storage 1"]
    assert list(tmp_path.glob("*.backup.sqlite")) == []
    more = {
        "storage": (*STEPS[:1], Migration(2, ["CREATE TABLE extra (id {integer})", "INSERT INTO extra VALUES (7)"]))
    }
    assert migrations.upgrade(database, place.dialect, more, place.file) == ["storage 2"]
    assert migrations.upgrade(database, place.dialect, more, place.file) == []
    (copy,) = tmp_path.glob("*.backup.sqlite")
    assert sqlite3.connect(place.file).execute("SELECT id FROM extra").fetchall() == [(7,)]
    assert sqlite3.connect(copy).execute("SELECT max(number) FROM schema_version").fetchone() == (1,)
    database.disconnect()


def test_a_step_that_fails_leaves_all_as_it_was(tmp_path: Path) -> None:
    place = Place(tmp_path / FILE)
    database = bound(place)
    bad = {"storage": (*STEPS[:1], Migration(2, ["CREATE TABLE extra (id {integer})", "CREATE nonsense"]))}
    with pytest.raises(Exception, match="nonsense"):
        migrations.upgrade(database, place.dialect, bad, place.file)
    tables = sqlite3.connect(place.file).execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    assert tables == []
    database.disconnect()
