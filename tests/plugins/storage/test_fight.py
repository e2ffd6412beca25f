"""Two servers on one PostgreSQL fight for a session: the one that was thought dead can't write any more."""

from __future__ import annotations

import secrets
import signal
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import trio

from pillion_runtime.testing import Asked, Reply, call, vendor_server

from ...scenarios.serverprocess import BOUND, MODELS, ServerProcess, Watch, server_process
from ...scenarios.test_stop import running
from .conftest import Postgres

SETTINGS = (
    MODELS.replace("[defaults]\n", '[defaults]\nstore = "storage"\n').replace('"loop"', '"agent"', 1)
    + """
[plugins.approvals]
execute = "allow"
[plugins.storage]
url = "{database}"
lease_seconds = 2
"""
)


async def until_free(server: ServerProcess, path: str) -> None:
    """Waits until the server may open the session."""
    with trio.fail_after(BOUND):
        while (await server.client.call("GET", path))["state"] == "elsewhere":  # noqa: ASYNC110 - nobody tells
            await trio.sleep(0.2)


async def rest(watch: Watch) -> list[dict[str, Any]]:
    """The events up to the stream's end."""
    events: list[dict[str, Any]] = []
    with suppress(EOFError):
        while True:
            events.append(await watch.event())
    return events


def lost(server: ServerProcess) -> list[str]:
    return [line["event"] for line in server.log() if "LostLease" in line.get("event", "")]


@pytest.mark.promise("leases.fight")
@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="needs /proc")
async def test_a_server_that_was_stopped_finds_its_session_taken_and_lets_go(
    tmp_path: Path, postgres: Postgres
) -> None:
    number = f"1000.{secrets.randbelow(10**9):09}"

    def program(asked: Asked) -> Reply:
        if asked.prompt == "work" and not asked.results:
            return Reply(calls=(call("run_command", command=f"echo begun; sleep {number}"),))
        return Reply(text=("done ", asked.prompt))

    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    async with vendor_server(program) as vendor:
        settings = SETTINGS.format(url=vendor.url, database=postgres.url())
        async with server_process(one, settings) as first, server_process(two, settings) as second:
            session = await first.session(tmp_path)
            path = f"/api/sessions/{session}"
            async with first.watch(session, await first.prompt(session, "work")) as watch:
                told = await watch.until("tool.output")
                waiting = await first.client.call("POST", f"{path}/prompts", {"text": "and this"})
                assert (await second.client.call("GET", path))["state"] == "elsewhere"
                first.process.send_signal(signal.SIGSTOP)
                try:
                    await until_free(second, path)
                    new = await second.client.call("POST", f"{path}/prompts", {"text": "and that"})
                finally:
                    first.process.send_signal(signal.SIGCONT)
                told += await rest(watch)  # its watchers get an end
            with trio.fail_after(BOUND):
                while running(number) or not lost(first):  # noqa: ASYNC110 - nobody tells
                    await trio.sleep(0.1)
            assert len(lost(first)) == 1
            async with second.watch(session) as watch:
                events = []
                while [event["turn"] for event in events if event["type"] == "turn.finished"][-1:] != [new["turn"]]:
                    events += await watch.until("turn.finished")
            after = await first.client.call("GET", path)
            for server in (first, second):
                health = await server.client.call("GET", "/api/health")
                assert health["status"] == "ok", health
                assert (await server.ride(await server.session(tmp_path), "hello"))[-1]["type"] == "turn.finished"
    assert after["state"] == "elsewhere"
    whole = [event for event in events if "." not in event["id"]]
    assert [int(event["id"]) for event in whole] == list(range(1, len(whole) + 1))
    shown = [event for event in told if "." not in event["id"]]
    assert [event for event in whole if event["id"] in {event["id"] for event in shown}] == shown
    ends = [(event["type"], event["turn"]) for event in whole if event["type"].startswith(("turn.fin", "turn.int"))]
    assert [kind for kind, _ in ends] == ["turn.interrupted", "turn.finished", "turn.finished"]
    assert [turn for _, turn in ends[1:]] == [waiting["turn"], new["turn"]], "what was acknowledged is done"
