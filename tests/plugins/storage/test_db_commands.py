"""`pillion db …` as processes of their own, beside a server and without one."""

from __future__ import annotations

import json
import shutil
import sqlite3
import stat
from pathlib import Path

import pytest
import trio

from pillion_runtime.testing import vendor_server
from pillion_runtime.testing.echo import Echo
from pillion_storage.tables import STEPS

from ...scenarios.serverprocess import BOUND, COMMAND, MODELS, ServerProcess, bare_environment, server_process
from .conftest import Postgres

SETTINGS = MODELS.replace("[defaults]\n", '[defaults]\nstore = "storage"\n').format(url="http://127.0.0.1:9")
HERE = f"step {len(STEPS)}, the newest"


async def db(folder: Path, *words: str) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a command on the folder's settings and data directory."""
    command = [*COMMAND, "db", *words, "--config", str(folder / "plugins.toml"), "--data-dir", str(folder / "data")]
    with trio.fail_after(BOUND):
        done = await trio.run_process(
            command, capture_stdout=True, capture_stderr=True, check=False, cwd=folder, env=bare_environment(folder)
        )
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def private(path: Path) -> bool:
    return stat.S_IMODE(path.stat().st_mode) == 0o600


async def with_a_session(server: ServerProcess, folder: Path) -> None:
    await server.session(folder)


async def test_without_a_database_the_commands_say_how_one_comes_to_be(tmp_path: Path) -> None:
    (tmp_path / "plugins.toml").write_text(SETTINGS)
    code, out, _ = await db(tmp_path, "status")
    assert (code, out.startswith("There is no database at ")) == (0, True)
    for name in ("upgrade", "backup", "vacuum"):
        code, out, said = await db(tmp_path, name)
        assert (code, out) == (2, ""), name
        assert "no database at" in said
        assert "`pillion serve` makes it" in said
    assert not (tmp_path / "data").exists(), "looking makes nothing"


@pytest.mark.promise("db.status", "db.backup")
async def test_beside_a_server_it_is_looked_at_and_copied_and_not_vacuumed(tmp_path: Path) -> None:
    async with server_process(tmp_path, SETTINGS) as server:
        await with_a_session(server, tmp_path)
        code, out, _ = await db(tmp_path, "status", "--json")
        found = json.loads(out)
        assert (code, found["kind"], found["sessions"], found["events"]) == (0, "sqlite", 1, 1)
        (process,) = found["open_by"]
        assert (process["pid"], process["lives"]) == (server.process.pid, True)
        code, out, _ = await db(tmp_path, "status")
        assert code == 0
        assert f"Open in process {server.process.pid} on " in out
        assert f"Tables of storage: {HERE}" in out
        copy = tmp_path / "copy.sqlite"
        assert (await db(tmp_path, "backup", str(copy)))[0] == 0
        assert private(copy)
        assert sqlite3.connect(copy).execute("SELECT count(*) FROM agent_event").fetchone() == (1,)
        code, _, said = await db(tmp_path, "backup", str(copy))
        assert (code, "already" in said) == (2, True), "nothing is written over"
        code, _, said = await db(tmp_path, "vacuum")
        assert (code, f"kill {server.process.pid}" in said) == (1, True)
        assert (await server.client.call("GET", "/api/health"))["status"] == "ok"
    code, out, _ = await db(tmp_path, "backup")
    (beside,) = (tmp_path / "data").glob("*.backup.sqlite")
    assert (code, str(beside) in out, private(beside)) == (0, True, True)
    assert "Open in no process" in (await db(tmp_path, "status"))[1]


@pytest.mark.promise("db.backup")
async def test_a_copy_is_a_database_that_a_server_goes_on_with(tmp_path: Path) -> None:
    async with server_process(tmp_path, SETTINGS) as server:
        session = await server.session(tmp_path, labels={"of": "copy"})
        copy = tmp_path / "copy.sqlite"
        assert (await db(tmp_path, "backup", str(copy)))[0] == 0
        await server.kill()
    shutil.rmtree(tmp_path / "data")
    (tmp_path / "data").mkdir(mode=0o700)
    shutil.copy(copy, tmp_path / "data" / "pillion.sqlite")
    async with server_process(tmp_path, SETTINGS) as server:
        assert (await server.client.call("GET", f"/api/sessions/{session}"))["labels"] == {"of": "copy"}
        await server.client.call("PATCH", f"/api/sessions/{session}", {"title": "It goes on"})


@pytest.mark.promise("db.rebuild")
async def test_rows_are_made_again_from_the_logs_when_nobody_has_it_open(tmp_path: Path) -> None:
    async with vendor_server(Echo()) as vendor:
        settings = SETTINGS.replace("http://127.0.0.1:9", vendor.url)
        async with server_process(tmp_path, settings) as server:
            await server.ride(await server.session(tmp_path), "say this back")
            code, _, said = await db(tmp_path, "rebuild")
            assert (code, f"kill {server.process.pid}" in said) == (1, True)
    rows = sqlite3.connect(tmp_path / "data" / "pillion.sqlite", isolation_level=None)
    before = rows.execute("SELECT * FROM conversation_message").fetchall()
    assert len(before) == 1
    rows.execute("DELETE FROM conversation_message")
    code, out, said = await db(tmp_path, "rebuild")
    assert (code, out) == (0, "The rows of 1 session are made again.\n"), said
    assert rows.execute("SELECT * FROM conversation_message").fetchall() == before
    rows.close()


async def test_room_is_given_back_when_nobody_has_it_open(tmp_path: Path) -> None:
    async with server_process(tmp_path, SETTINGS) as server:
        session = await server.session(tmp_path)
    file = tmp_path / "data" / "pillion.sqlite"
    rows = sqlite3.connect(file)
    rows.execute("INSERT INTO blob VALUES ('big', zeroblob(4000000))")
    rows.commit()
    rows.execute("DELETE FROM blob")
    rows.commit()
    rows.close()
    before = file.stat().st_size
    code, out, _ = await db(tmp_path, "vacuum")
    assert (code, "4.0 MB are given back" in out) == (0, True), out
    assert file.stat().st_size < before - 3_900_000
    assert sqlite3.connect(file).execute("SELECT id FROM session").fetchall() == [(session,)]


async def test_steps_that_wait_are_told_and_applied_after_a_copy(tmp_path: Path) -> None:
    (tmp_path / "plugins.toml").write_text(SETTINGS)
    (tmp_path / "data").mkdir()
    shutil.copy(Path(__file__).parent / "schemas" / "1.sqlite", tmp_path / "data" / "pillion.sqlite")
    waiting = ", ".join(f"storage {number}" for number in range(2, len(STEPS) + 1))
    assert "`pillion db upgrade`" in (await db(tmp_path, "status"))[1]
    code, out, said = await db(tmp_path, "upgrade")
    assert (code, out, waiting in said) == (0, f"Applied: {waiting}.\n", True)
    assert len(list((tmp_path / "data").glob("*.backup.sqlite"))) == 1
    assert (await db(tmp_path, "upgrade"))[1] == "Nothing waits: the tables are the newest.\n"
    assert HERE in (await db(tmp_path, "status"))[1]


async def test_a_newer_database_and_a_wrong_address_are_told_as_such(tmp_path: Path) -> None:
    async with server_process(tmp_path, SETTINGS):
        pass
    with sqlite3.connect(tmp_path / "data" / "pillion.sqlite") as rows:
        rows.execute("INSERT INTO schema_version VALUES ('storage', 99, 'x', 0)")
    for name in ("status", "upgrade"):
        code, _, said = await db(tmp_path, name)
        assert (code, "written by a newer Pillion" in said) == (2, True), name
    for url, words in (("postgresql://me:geheim@127.0.0.1:9/db", "can't be opened"), ("nonsense", "can't be read")):
        (tmp_path / "plugins.toml").write_text(f'{SETTINGS}\n[plugins.storage]\nurl = "{url}"\n')
        code, out, said = await db(tmp_path, "status")
        assert (code, words in said, "geheim" in out + said) == (2, True, False), said


@pytest.mark.promise("db.status", "db.backup")
async def test_on_postgres_too(tmp_path: Path, postgres: Postgres) -> None:
    settings = f'{SETTINGS}\n[plugins.storage]\nurl = "{postgres.url()}"\n'
    (tmp_path / "plugins.toml").write_text(settings)
    assert (await db(tmp_path, "status"))[1].startswith("There is no database at postgresql://")
    async with server_process(tmp_path, settings) as server:
        await with_a_session(server, tmp_path)
        found = json.loads((await db(tmp_path, "status", "--json"))[1])
        assert (found["kind"], found["sessions"], found["events"]) == ("postgres", 1, 1)
        assert [process["pid"] for process in found["open_by"]] == [server.process.pid]
        assert (await db(tmp_path, "vacuum"))[0] == 0
        copy = tmp_path / "copy.dump"
        code, _, said = await db(tmp_path, "backup", str(copy))
        if not shutil.which("pg_dump"):
            assert (code, "pg_dump" in said, copy.exists()) == (2, True, False)
            return
        assert (code, private(copy), copy.read_bytes()[:5]) == (0, True, b"PGDMP"), said
    assert (await db(tmp_path, "vacuum"))[0] == 0
