"""Another process has the database locked, or its folder can't be written any more."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trio

from pillion_runtime.cli.exits import ServerSaid
from pillion_runtime.testing import vendor_server
from pillion_runtime.testing.echo import Echo
from pillion_storage.database import FILE

from ..scenarios.serverprocess import COMMAND, bare_environment, server_process
from .storageserver import STORED, bound_by_rights, health, kept, log_of, prompted

LOCKER = """
import sqlite3, sys
rows = sqlite3.connect(sys.argv[1], isolation_level=None)
rows.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
sys.stdin.read()
rows.execute("COMMIT")
"""


@contextmanager
def locked(file: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Another process writes, until its input ends."""
    command = [sys.executable, "-c", LOCKER, str(file)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == b"locked\n"
            yield process
        finally:
            process.kill()


def busy(url: str, seconds: float) -> str:
    return STORED.format(url=url) + f"[plugins.storage]\nbusy_timeout = {seconds}\n"


@pytest.mark.promise("storage.lock")
@pytest.mark.parametrize("seconds", [20.0, 0.5])
async def test_another_process_writes_for_a_while(tmp_path: Path, seconds: float) -> None:
    """For shorter than `busy_timeout`: nobody notices. For longer: a clear error, and then it goes on."""
    async with vendor_server(Echo()) as vendor, server_process(tmp_path, busy(vendor.url, seconds)) as server:
        session = await server.session(tmp_path)
        told = await server.ride(session, "say this back")
        before = await log_of(server, session)
        with locked(tmp_path / "data" / FILE) as process:
            assert process.stdin is not None
            async with trio.open_nursery() as nursery:
                nursery.start_soon(check_prompt, server, session, seconds > 1)
                for _ in range(3):  # the server answers while one of its writes waits
                    await server.client.call("GET", "/livez")
                    async with server.watch(session) as watch:
                        assert (await watch.event())["type"] == "session.opened"
                if seconds > 1:
                    process.stdin.close()
            process.stdin.close()
            process.wait(10)
        async with server.watch(session, before[-1]["id"]) as watch:
            if seconds < 1:
                await prompted(server, session, "now")
            told += await watch.until("turn.finished")
        assert await health(server) == ""
        log = await log_of(server, session)
    kept(server, told, log)
    assert sum(event["type"] == "prompt.queued" for event in log) == 2


async def check_prompt(server, session: str, taken: bool) -> None:  # type: ignore[no-untyped-def]
    if taken:
        await server.prompt(session, "now")
        return
    with pytest.raises(ServerSaid) as refused:
        await server.prompt(session, "now")
    assert (refused.value.status, refused.value.code) == (503, "store_failed")
    assert "Another process has had the database" in str(refused.value) and "busy_timeout" in str(refused.value)
    assert "Another process" in await health(server)


async def test_a_disk_whose_writes_fail(tmp_path: Path) -> None:
    async with vendor_server(Echo()) as vendor, server_process(tmp_path, STORED.format(url=vendor.url)) as server:
        session = await server.session(tmp_path)
        told = await server.ride(session, "say this back")
        _, most = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
        with pytest.raises(ServerSaid) as refused:
            await server.prompt(session, "now")
        assert refused.value.status == 503 and "The disk of the database" in str(refused.value)
        assert "The disk of the database" in await health(server)
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (most, most))
        async with server.watch(session, await prompted(server, session, "then")) as watch:
            told += await watch.until("turn.finished")
        log = await log_of(server, session)
        assert await health(server) == ""
    kept(server, told, log)
    assert [event["text"] for event in log if event["type"] == "prompt.queued"] == ["say this back", "then"]


async def test_rights_that_go_while_it_runs_and_before_it_starts(tmp_path: Path) -> None:
    """A server keeps what it has open; the next start is refused in a sentence, and the file is left as it is."""
    data, settings = tmp_path / "data", STORED.format(url="http://127.0.0.1:1")
    async with server_process(tmp_path, settings, prefix=bound_by_rights()) as server:
        session = await server.session(tmp_path)
        data.chmod(0o555)
        (data / FILE).chmod(0o444)
        assert await health(server) == ""
        await server.client.call("PATCH", f"/api/sessions/{session}", {"title": "kept"})
        data.chmod(0o755)
    data.chmod(0o555)
    try:
        before = (data / FILE).read_bytes()
        command = ["run", "hello", "--config", str(tmp_path / "plugins.toml"), "--data-dir", str(data)]
        done = await trio.run_process(
            [*bound_by_rights(), *COMMAND, *command],
            cwd=tmp_path,
            env=bare_environment(tmp_path),
            capture_stdout=True,
            capture_stderr=True,
            check=False,
        )
        said = done.stderr.decode()
        assert done.returncode == 1, said
        assert f"The database {data / FILE} can't be written" in said and "--data-dir" in said
        assert (data / FILE).read_bytes() == before
    finally:
        data.chmod(0o755)
