"""Every past schema becomes the newest, and what it held is there."""

from __future__ import annotations

import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import trio
from msgspec.structs import replace

from pillion import Batch, Record, SessionQuery
from pillion_storage.database import FILE, Place
from pillion_storage.migrations import back_up
from pillion_storage.opening import open_store
from pillion_storage.store import DatabaseStore
from pillion_storage.tables import STEPS

from .places import rows
from .privatepostgres import Postgres
from .schemas import freeze

PAST = range(1, len(STEPS))
OPENER = Path(__file__).with_name("opener.py")


async def has_rows(store: DatabaseStore) -> None:
    """Turns and calls of old logs, as the newest tables have them."""
    calls = await rows(store, "SELECT session, seq, root, turn, role, input, error FROM llm_data ORDER BY time")
    assert calls == [
        ("first", 6, "first", "t0", "", 7, ""),
        ("first", 11, "first", "t1", "summary", 7, "provider_down"),
        ("child", 2, "first", "c", "", 7, ""),
    ]
    days = await rows(store, "SELECT session, role, root, calls, errors, input, cost FROM llm_day ORDER BY newest")
    assert days == [
        ("first", "", "first", 1, 0, 7, 0.5),
        ("first", "summary", "first", 1, 1, 7, 0.5),
        ("child", "", "first", 1, 0, 7, 0.5),
    ]
    turns = await rows(store, "SELECT turn, query, answer, steps, state FROM conversation_message ORDER BY seq")
    assert turns == [("t0", "Wie groß?", "Sehr groß.", 1, "finished"), ("t1", "And then?", "", 0, "running")]


async def reads_all(place: Place) -> None:
    store = await open_store(place)
    try:
        page = await store.sessions(SessionQuery())
        assert list(page.data) == [replace(freeze.FIRST, updated=freeze.RECORDS[-1].time)]
        found = await store.sessions(SessionQuery(text="GRÖSSE"))
        assert found.data == page.data, "old logs are searched"
        assert (await store.info("child")) == replace(freeze.CHILD, updated=freeze.OF_CHILD[-1].time)
        assert await store.read("first", 0, 50) == list(freeze.RECORDS)
        await has_rows(store)
        assert await store.blob("0" * 64) == freeze.BLOBS["0" * 64]
        again = await store.open("first")
        assert again.drafts == list(freeze.DRAFTS)
        await store.commit(Batch("first", again.generation, 12, [Record(13, "x", "t1", 9, b"{}")], closes=[12]))
        await store.delete("first")
        assert [info.id for info in (await store.sessions(SessionQuery(parent="first"))).data] == ["child"]
    finally:
        await store.aclose()


@pytest.mark.parametrize("step", PAST)
async def test_a_past_schema_on_sqlite_becomes_the_newest(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, step: int
) -> None:
    shutil.copyfile(freeze.FOLDER / f"{step}.sqlite", tmp_path / FILE)
    with caplog.at_level("INFO", "pillion.storage"):
        await reads_all(Place(tmp_path / FILE))
        told = [record.message for record in caplog.records]
        assert told == [
            "The tables are new: the rows of 2 sessions are made again from their logs",
            "The rows of 2 sessions are made again",
        ]
        caplog.clear()
        await (await open_store(Place(tmp_path / FILE))).aclose()
        assert caplog.records == [], "once is enough"


@pytest.mark.parametrize("step", PAST)
async def test_a_past_schema_on_postgres_becomes_the_newest(tmp_path: Path, postgres: Postgres, step: int) -> None:
    await reads_all(Place(tmp_path / FILE, postgres.filled(freeze.FOLDER / f"{step}.sql")))


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
async def test_of_processes_that_start_at_once_one_upgrades(
    tmp_path: Path, request: pytest.FixtureRequest, kind: str
) -> None:
    url = request.getfixturevalue("postgres").filled(freeze.FOLDER / "1.sql") if kind == "postgres" else ""
    shutil.copyfile(freeze.FOLDER / "1.sqlite", tmp_path / FILE)
    go = tmp_path / "go"
    command = [sys.executable, str(OPENER), str(tmp_path / FILE), url, str(go)]
    with trio.fail_after(60):
        running = [await trio.lowlevel.open_process(command, stdout=subprocess.PIPE) for _ in range(5)]
        for process in running:
            assert process.stdout is not None
            await process.stdout.receive_some()
        go.touch()
        assert [await process.wait() for process in running] == [0] * 5
    place = Place(tmp_path / FILE, url)
    store = await open_store(place)
    applied = await rows(store, "SELECT plugin, number FROM schema_version ORDER BY number")
    await store.aclose()
    assert applied == [("storage", step.number) for step in STEPS]
    await reads_all(place)


def test_copies_that_are_made_at_once_have_names_of_their_own(tmp_path: Path) -> None:
    file = tmp_path / FILE
    shutil.copy(Path(__file__).parent / "schemas" / "1.sqlite", file)
    with ThreadPoolExecutor(8) as pool:
        copies = list(pool.map(back_up, [file] * 8))
    assert len(set(copies)) == 8 and all(copy.stat().st_size == copies[0].stat().st_size for copy in copies)
