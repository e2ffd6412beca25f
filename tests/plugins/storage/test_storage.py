"""The database behind the contract: its thread, its steps, its projections, its life across processes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import trio

from pillion import Batch, ConfigError, Conflict, Record, SessionInfo, hookimpl
from pillion.plugins import PluginHost
from pillion.testing.kit import plain_settings
from pillion_storage import migrations
from pillion_storage.database import Place, bound
from pillion_storage.hookspecs import Migration, Projected
from pillion_storage.opening import open_store
from pillion_storage.plugin import Config, Plugin
from pillion_storage.standing import connected
from pillion_storage.store import DatabaseStore
from pillion_storage.tables import STEPS

from .places import rows, store_at


def info(id: str) -> SessionInfo:
    return SessionInfo(id, "/w", 1, 1)


def record(seq: int) -> Record:
    return Record(seq, "turn.finished", "t", seq, b"{}")


@pytest.fixture
async def store(place: Place) -> AsyncIterator[DatabaseStore]:
    store = await open_store(place)
    yield store
    await store.aclose()


async def test_of_many_commits_at_once_only_the_wrong_ones_fail(store: DatabaseStore) -> None:
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


async def test_a_row_that_the_database_refuses_takes_no_other_with_it(store: DatabaseStore) -> None:
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


async def test_a_projection_is_written_with_the_log_and_a_bad_one_rolled_back_alone(
    tmp_path: Path, place: Place
) -> None:
    host = PluginHost(plain_settings(tmp_path))
    host.add("storage", Plugin(Config()))
    host.add("notes", Notes())
    store = await open_store(place, host)
    made = await store.create(info("a"))
    await store.commit(Batch("a", made.generation, 0, [record(1)]))
    await store.commit(Batch("a", made.generation, 1, [Record(2, "bad", "t", 2, b"{}"), record(3)]))
    assert await rows(store, "SELECT session, seq FROM note") == [("a", 1)]
    assert await rows(store, "SELECT count(*) FROM agent_event") == [(3,)]
    assert ("notes", 1) in await rows(store, "SELECT plugin, number FROM schema_version")
    ((projection, seq, reason),) = await rows(store, "SELECT projection, seq, reason FROM projection_fault")
    assert (projection, seq) == ("notes.notes", 2)
    assert "on purpose" in reason
    await store.aclose()


async def test_a_database_of_a_newer_program_is_refused(place: Place) -> None:
    async with store_at(place) as store:
        await store.writing(lambda rows: rows.run("INSERT INTO schema_version VALUES ('storage', 99, 'x', 0)"))
    with pytest.raises(ConfigError, match="step 99 of 'storage'") as refused:
        await open_store(place)
    assert "written by a newer Pillion" in str(refused.value.hint) and "*.backup.sqlite" in str(refused.value.hint)


async def test_a_step_that_was_changed_is_refused(place: Place) -> None:
    async with store_at(place) as store:
        await store.writing(lambda rows: rows.run("UPDATE schema_version SET checksum = 'other'"))
    with pytest.raises(ConfigError, match="Step 1 of 'storage' in the database is not the one"):
        await open_store(place)


def test_a_new_step_is_applied_once(place: Place) -> None:
    database, file = bound(place), None if place.url else place.file
    steps = {"storage": STEPS[:1]}
    assert migrations.upgrade(database, place.dialect, steps, file) == ["storage 1"]
    assert copies(place) == []
    extra = Migration(2, ["CREATE TABLE extra (id {integer})", "INSERT INTO extra VALUES (7)"])
    more = {"storage": (*STEPS[:1], extra)}
    assert migrations.upgrade(database, place.dialect, more, file) == ["storage 2"]
    assert migrations.upgrade(database, place.dialect, more, file) == []
    assert found(place, "SELECT id FROM extra") == [(7,)]
    database.disconnect()
    if file:
        (copy,) = copies(place)
        assert found(Place(copy), "SELECT max(number) FROM schema_version") == [(1,)], "a copy was made before"


def test_a_step_that_fails_leaves_all_as_it_was(place: Place) -> None:
    database, file = bound(place), None if place.url else place.file
    bad = Migration(2, ["CREATE TABLE extra (id {integer})", "CREATE nonsense"])
    with pytest.raises(Exception, match="nonsense"):
        migrations.upgrade(database, place.dialect, {"storage": (*STEPS[:1], bad)}, file)
    with connected(place) as connection:
        there = [place.dialect.has_table(connection, table) for table in ("extra", "session", "schema_version")]
    assert there == [False] * 3
    database.disconnect()


def copies(place: Place) -> list[Path]:
    return list(place.file.parent.glob("*.backup.sqlite"))


def found(place: Place, statement: str) -> list[tuple[Any, ...]]:
    with connected(place) as connection:
        return [tuple(row) for row in place.dialect.run(connection, statement).fetchall()]
