"""The PostgreSQL server ends, begins again, hangs, or throws our connection out."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import psycopg2
import pytest
import trio

from pillion_runtime.cli.exits import ServerSaid
from pillion_runtime.testing import vendor_server
from pillion_runtime.testing.echo import Echo

from ..plugins.storage.conftest import Postgres, postgres  # noqa: F401 - a fixture; this one is ended and begun
from ..scenarios.serverprocess import ServerProcess, server_process
from .storageserver import STORED, health, kept, log_of, prompted

ENDS = ("turn.finished", "turn.failed", "turn.interrupted")


@asynccontextmanager
async def serving(folder: Path, url: str, deadline: float) -> AsyncIterator[ServerProcess]:
    more = f'[plugins.storage]\nurl = "{url}"\n[deadlines]\nstore = {deadline}\n'
    async with vendor_server(Echo()) as vendor, server_process(folder, STORED.format(url=vendor.url) + more) as server:
        yield server


async def in_thread(call: Any, *arguments: Any) -> None:
    await trio.to_thread.run_sync(call, *arguments)


async def goes_on(server: ServerProcess, session: str, told: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Takes the next prompt, and its log holds all that was told; the log."""
    async with server.watch(session, await prompted(server, session, "and now")) as watch:
        told += await watch.until("turn.finished")
    log = await log_of(server, session)
    kept(server, told, log)
    assert await health(server) == ""
    return log


@pytest.mark.promise("storage.postgres")
@pytest.mark.parametrize("mode", ["fast", "immediate"] if os.environ.get("PILLION_LONG") else ["immediate"])
async def test_a_restart_in_mid_turn_is_waited_for(tmp_path: Path, postgres: Postgres, mode: str) -> None:  # noqa: F811
    async with serving(tmp_path, postgres.url(), 30) as server:
        session = await server.session(tmp_path)
        after = await server.prompt(session, "stream 600 chunks 5 ms apart")
        async with server.watch(session, after) as watch:
            told = await watch.until("text.delta")
            await in_thread(postgres.stop, mode)
            await in_thread(postgres.start)
            told += await watch.until(*ENDS)
        assert told[-1]["type"] == "turn.finished"
        await in_thread(postgres.stop, mode)  # while nothing runs
        await in_thread(postgres.start)
        await in_thread(thrown_out, postgres)
        log = await goes_on(server, session, told)
        assert [event["type"] for event in log if event["type"] in ENDS] == ["turn.finished", "turn.finished"]


async def test_a_server_that_stays_away_for_longer_than_the_deadline(tmp_path: Path, postgres: Postgres) -> None:  # noqa: F811
    async with serving(tmp_path, postgres.url(), 2) as server:
        session, other = await server.session(tmp_path), await server.session(tmp_path)
        after = await server.prompt(session, "stream 100 chunks 5 ms apart")
        async with server.watch(session, after) as watch:
            told = await watch.until("text.delta")
            await in_thread(postgres.stop, "immediate")
            try:
                told += await watch.until("log.stalled")
                assert "The PostgreSQL server does not answer" in told[-1]["message"]
                with pytest.raises(ServerSaid) as refused:
                    await server.prompt(other, "this can't be kept")
                assert (refused.value.status, refused.value.code) == (503, "store_failed")
                assert "The PostgreSQL server does not answer" in await health(server)
                with pytest.raises(EOFError):  # the actor has ended: the log is taken up again at the next touch
                    told += await watch.until("never")
            finally:
                await in_thread(postgres.start)
        log = await goes_on(server, session, told)
        assert [event["type"] for event in log if event["type"] in ENDS] == ["turn.interrupted", "turn.finished"]
        assert all(event["type"] != "prompt.queued" for event in await log_of(server, other))


@pytest.mark.promise("storage.postgres")
async def test_a_server_that_hangs_keeps_nobody_waiting(tmp_path: Path, postgres: Postgres) -> None:  # noqa: F811
    """What was refused because of the deadline does not run, though the database may have done it later."""
    async with serving(tmp_path, postgres.url(), 1) as server:
        session = await server.session(tmp_path)
        told = await server.ride(session, "say this back")
        with hanging(postgres):
            with pytest.raises(ServerSaid) as refused:
                await server.prompt(session, "never")
            assert (refused.value.status, refused.value.code) == (503, "store_failed")
            await server.client.call("GET", "/livez")
        log = await goes_on(server, session, told)
        begun = [event["prompt"] for event in log if event["type"] == "turn.started"]
        never = [event["prompt"] for event in log if event["type"] == "prompt.queued" and event["text"] == "never"]
        assert len(begun) == 2 and not set(never) & set(begun)


def thrown_out(postgres: Postgres) -> None:  # noqa: F811
    """All connections but this one are ended by the server."""
    rows = psycopg2.connect(f"postgresql://{postgres.user}@/postgres?host={postgres.folder}")
    rows.autocommit = True
    rows.cursor().execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
    rows.close()


@contextmanager
def hanging(postgres: Postgres) -> Iterator[None]:  # noqa: F811
    """All its processes are stopped for a while."""
    first = int((postgres.folder / "data" / "postmaster.pid").read_text().split()[0])
    rest = Path(f"/proc/{first}/task/{first}/children").read_text().split()
    pids = [first, *map(int, rest)]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
