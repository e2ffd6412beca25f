"""Several processes on one SQLite data directory: one server, and as many runs beside it as somebody likes."""

from __future__ import annotations

import os
import sqlite3
import subprocess
from pathlib import Path

import pytest
import trio

from pillion_runtime import discovery
from pillion_runtime.cli.exits import ServerSaid
from pillion_runtime.testing import Reply, Silence, vendor_server
from pillion_runtime.testing.echo import Echo

from ...scenarios.serverprocess import BOUND, COMMAND, MODELS, bare_environment, server_process

MANY = 5
"""Processes that begin at the same moment, each of which gets a share of the machine."""
STORAGE = MODELS.replace("[defaults]\n", '[defaults]\nstore = "storage"\n')


async def ended(folder: Path, *words: str) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a command on the folder's settings and data directory."""
    command = [*COMMAND, *words, "--config", str(folder / "plugins.toml"), "--data-dir", str(folder / "data")]
    with trio.fail_after(MANY * BOUND):
        done = await trio.run_process(
            command, capture_stdout=True, capture_stderr=True, check=False, cwd=folder, env=bare_environment(folder)
        )
    return done.returncode, done.stdout.decode(), done.stderr.decode()


@pytest.mark.promise("life.one_server")
async def test_a_second_server_is_refused_and_told_which_one_is_there(tmp_path: Path) -> None:
    async with server_process(tmp_path, STORAGE.format(url="http://127.0.0.1:9")) as server:
        code, out, said = await ended(tmp_path, "serve", "--port", "0")
        assert (code, out) == (2, ""), said
        assert f"is served already, by process {server.process.pid} at {server.found.url}." in said
        assert f"kill {server.process.pid}" in said
        assert discovery.read(tmp_path / "data") == server.found, "clients still find the first"
        assert (await server.client.call("GET", "/api/health"))["status"] == "ok"


async def test_a_server_that_died_is_no_obstacle_whatever_has_its_pid_now(tmp_path: Path) -> None:
    settings = STORAGE.format(url="http://127.0.0.1:9")
    async with server_process(tmp_path, settings) as server:
        await server.kill()
    assert (tmp_path / "data" / "server.lock").read_text() == str(server.process.pid)
    (tmp_path / "data" / "server.lock").write_text(str(os.getpid()))
    async with server_process(tmp_path, settings) as server:
        assert (await server.client.call("GET", "/api/health"))["status"] == "ok"


@pytest.mark.promise("leases.runs")
async def test_five_runs_at_the_same_moment_all_succeed(tmp_path: Path) -> None:
    """The first ones make the database, too."""
    texts = [f"say {number}" for number in range(MANY)]
    codes: dict[str, tuple[int, str, str]] = {}

    async def run(text: str) -> None:
        codes[text] = await ended(tmp_path, "run", text, "--json")

    async with vendor_server(Echo()) as vendor:
        (tmp_path / "plugins.toml").write_text(STORAGE.format(url=vendor.url))
        async with trio.open_nursery() as nursery:
            for text in texts:
                nursery.start_soon(run, text)
        assert {text: code for text, (code, _, _) in codes.items()} == dict.fromkeys(texts, 0), codes
    rows = sqlite3.connect(tmp_path / "data" / "pillion.sqlite")
    counts = rows.execute("SELECT max(seq), count(*) FROM agent_event GROUP BY session").fetchall()
    assert all(last == count for last, count in counts)
    ends = rows.execute("SELECT count(*) FROM agent_event WHERE type = 'turn.finished'").fetchone()
    assert ends == (MANY,)


@pytest.mark.promise("leases.runs")
async def test_a_server_that_starts_beside_a_run_looks_at_its_session_and_has_it_afterwards(tmp_path: Path) -> None:
    replies = iter([Reply(text=("Thinking ", "for ", "ever"), fault=Silence(2)), Reply(text=("fine",))])
    async with vendor_server(lambda asked: next(replies)) as vendor:
        settings = STORAGE.format(url=vendor.url)
        (tmp_path / "plugins.toml").write_text(settings)
        words = ("run", "go", "--config", str(tmp_path / "plugins.toml"), "--data-dir", str(tmp_path / "data"))
        run = await trio.lowlevel.open_process(
            [*COMMAND, *words], stdout=subprocess.DEVNULL, cwd=tmp_path, env=bare_environment(tmp_path)
        )
        with trio.fail_after(BOUND):
            await vendor.until(lambda vendor: bool(vendor.open_streams))
        async with server_process(tmp_path, settings) as server:
            (listed,) = (await server.client.call("GET", "/api/sessions"))["data"]
            path = f"/api/sessions/{listed['id']}"
            assert (await server.client.call("GET", path))["state"] == "elsewhere"
            (message,) = (await server.client.call("GET", f"{path}/messages"))["data"]
            assert message["parts"][0]["text"] == "go"
            async with server.watch(listed["id"]) as watch:
                assert (await watch.until("text.started"))[0]["type"] == "session.opened"
                with pytest.raises(EOFError):
                    await watch.event()
            with pytest.raises(ServerSaid, match=f"open in process {run.pid} on ") as refused:
                await server.prompt(listed["id"], "mine")
            assert (refused.value.status, refused.value.code) == (409, "owned_elsewhere")
            run.terminate()
            with trio.fail_after(BOUND):
                assert await run.wait() == 143
            assert (await server.ride(listed["id"], "mine"))[-1]["type"] == "turn.finished"
            async with server.watch(listed["id"]) as watch:
                events = await watch.until("turn.finished")
    whole = [int(event["id"]) for event in events if "." not in event["id"]]
    assert whole == list(range(1, len(whole) + 1))
    assert "turn.cancelled" in [event["type"] for event in events]
