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
from pillion_storage.tables import STEPS

from .places import rows
from .privatepostgres import Postgres
from .schemas import freeze

PAST = range(1, len(STEPS))
OPENER = Path(__file__).with_name("opener.py")


async def reads_all(place: Place) -> None:
    store = await open_store(place)
    try:
        page = await store.sessions(SessionQuery())
        assert list(page.data) == [replace(freeze.FIRST, updated=freeze.RECORDS[-1].time)]
        found = await store.sessions(SessionQuery(text="GRÖSSE"))
        assert found.data == page.data, "old logs are searched"
        assert (await store.info("child")) == freeze.CHILD
        assert await store.read("first", 0, 10) == list(freeze.RECORDS)
        assert await store.blob("0" * 64) == freeze.BLOBS["0" * 64]
        again = await store.open("first")
        assert again.drafts == list(freeze.DRAFTS)
        await store.commit(Batch("first", again.generation, 3, [Record(4, "x", "t1", 9, b"{}")], closes=[3]))
        await store.delete("first")
        assert [info.id for info in (await store.sessions(SessionQuery(parent="first"))).data] == ["child"]
    finally:
        await store.aclose()


@pytest.mark.parametrize("step", PAST)
async def test_a_past_schema_on_sqlite_becomes_the_newest(tmp_path: Path, step: int) -> None:
    shutil.copyfile(freeze.FOLDER / f"{step}.sqlite", tmp_path / FILE)
    await reads_all(Place(tmp_path / FILE))


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
