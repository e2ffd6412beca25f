"""A server is killed while a tool runs: the next one ends what the tool left, and nothing of a server that lives."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest
import trio

from pillion_runtime.testing import Reply, call, replies, vendor_server

from .serverprocess import BOUND, MODELS, server_process
from .test_stop import HARMLESS, running


@pytest.mark.promise("cancel.leftovers")
@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs /proc")
async def test_what_a_killed_server_left_ends_with_the_next_start(tmp_path: Path) -> None:
    dead, alive = (f"1000.{secrets.randbelow(10**9):09}" for _ in range(2))
    command = "sleep {0} & setsid sleep {0} & (setsid nohup env -i sleep {0} &) ; echo started; wait"
    left, kept, last = (tmp_path / name for name in ("left", "kept", "last"))
    for folder in (left, kept, last):
        folder.mkdir()
    answers = [Reply(calls=(call("run_command", command=command.format(number)),)) for number in (alive, dead)]
    async with vendor_server(replies(*answers)) as vendor:
        settings = MODELS.format(url=vendor.url) + HARMLESS
        async with server_process(kept, settings) as living:
            await begun(living, kept)
            async with server_process(left, settings) as server:
                await begun(server, left)
                assert (len(running(alive)), len(running(dead))) == (4, 4)
                await server.kill()
            async with server_process(last, settings):  # or any other that starts on this machine
                with trio.fail_after(BOUND):
                    while running(dead):  # noqa: ASYNC110 - nobody tells
                        await trio.sleep(0.1)
                assert len(running(alive)) == 4
        assert running(alive) == []


async def begun(server, folder: Path) -> None:  # type: ignore[no-untyped-def]
    session = await server.session(folder, strategy="agent")
    async with server.watch(session, await server.prompt(session, "go")) as watch:
        await watch.until("tool.output")
