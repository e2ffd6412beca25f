"""The disk of the database is full, at each moment at which it can be."""

from __future__ import annotations

import os
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from pillion.errors import StoreFailed
from pillion_runtime.cli.exits import ServerSaid
from pillion_runtime.testing import vendor_server
from pillion_runtime.testing.echo import Echo
from pillion_storage import migrations
from pillion_storage.database import FILE, Place
from pillion_storage.opening import open_store

from ..scenarios.serverprocess import COMMAND, ServerProcess, bare_environment, server_process
from .storageserver import STORED, fill, health, kept, log_of, prompted, small_disk

LARGE = "x" * 300_000


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "data") as folder:
        yield folder


@pytest.mark.promise("storage.faults")
async def test_a_disk_that_fills_up_in_mid_turn(tmp_path: Path, disk: Path) -> None:
    """The turn fails, nothing is taken that can't be kept, and with room again it goes on."""
    async with vendor_server(Echo()) as vendor:
        async with server_process(tmp_path, STORED.format(url=vendor.url)) as server:
            session = await server.session(tmp_path)
            told = await server.ride(session, "say this back")
            after = await server.prompt(session, "stream 1200 chunks of 200 characters 2 ms apart")
            async with server.watch(session, after) as watch:
                seen = await watch.until("text.delta")
                filler = fill(disk)
                seen += await watch.until("log.stalled")
                assert "The disk is full" in seen[-1]["message"]
                with pytest.raises(ServerSaid) as refused:
                    await server.client.call("POST", f"/api/sessions/{session}/prompts", {"text": LARGE})
                assert (refused.value.status, refused.value.code) == (503, "store_failed")
                assert "The disk is full" in str(refused.value) and "Make room" in str(refused.value)
                assert "The disk is" in await health(server)
                filler.unlink()
                seen += await watch.until("turn.failed", "turn.finished")
            assert await health(server) == "" or "nearly full" in await health(server)
            told += seen
            async with server.watch(session, await prompted(server, session, "what now")) as watch:
                told += await watch.until("turn.finished")
            log = await log_of(server, session)
        kept(server, told, log)
        async with server_process(tmp_path, STORED.format(url=vendor.url)) as server:
            assert await log_of(server, session) == log
        assert all(event.get("text") != LARGE for event in log), "what was refused does not come back"


async def many(server: ServerProcess, folder: Path, labels: dict[str, str]) -> None:
    """The log of writes may have room for some."""
    for _ in range(200):
        await server.session(folder, labels=labels)


async def test_a_session_that_can_not_be_kept_is_refused(tmp_path: Path, disk: Path) -> None:
    async with server_process(tmp_path, STORED.format(url="http://127.0.0.1:1")) as server:
        filler = fill(disk)
        labels = {"large": "x" * 200}
        with pytest.raises(ServerSaid) as refused:
            await many(server, tmp_path, labels)
        assert refused.value.status == 503 and "The disk is full" in str(refused.value)
        filler.unlink()
        session = await server.session(tmp_path, labels=labels)
        listed = (await server.client.call("GET", "/api/sessions?limit=200"))["data"]
        assert session in {one["id"] for one in listed}


def test_a_start_on_a_full_disk_is_refused_in_a_sentence(tmp_path: Path, disk: Path) -> None:
    filler = fill(disk)
    (tmp_path / "plugins.toml").write_text('[defaults]\nstore = "storage"\n')
    places = ["--config", str(tmp_path / "plugins.toml"), "--data-dir", str(disk)]
    for command in (["serve", "--port", "0"], ["run", "hello"], ["doctor"]):
        done = subprocess.run(
            [*COMMAND, *command, *places],
            cwd=tmp_path,
            env=bare_environment(tmp_path),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=60,
            check=False,
        )
        said = (done.stdout + done.stderr).decode()
        assert done.returncode == 1, said
        assert "The disk is full" in said and "Make room" in said and "Traceback" not in said
    filler.unlink()


async def test_tables_that_find_no_room_are_left_as_they_were(disk: Path) -> None:
    place = Place(disk / FILE)
    await (await open_store(place)).aclose()
    with sqlite3.connect(place.file) as rows:
        rows.execute("DELETE FROM schema_version WHERE number > 1")
        before = rows.execute("SELECT * FROM schema_version").fetchall()
    fill(disk)
    with pytest.raises(StoreFailed, match="The disk is full"):
        await open_store(place)
    assert [name for name in os.listdir(disk) if "backup" in name] == []
    with sqlite3.connect(f"file:{place.file}?mode=ro", uri=True) as rows:
        assert rows.execute("SELECT * FROM schema_version").fetchall() == before


def test_a_copy_that_finds_no_room_leaves_none(disk: Path) -> None:
    with sqlite3.connect(disk / FILE) as rows:
        rows.execute("CREATE TABLE large (x)")
        rows.execute("INSERT INTO large VALUES (zeroblob(1500000))")
    filler = fill(disk)
    with pytest.raises(sqlite3.OperationalError, match="disk is full"):
        migrations.back_up(disk / FILE)
    assert list(disk.glob("*.backup*")) == []
    filler.unlink()
    assert migrations.back_up(disk / FILE).stat().st_size > 1_500_000
