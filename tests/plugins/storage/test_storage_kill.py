"""A server on the database is killed: what it acknowledged is there again, and the session goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from pillion_runtime.testing import vendor_server
from pillion_runtime.testing.echo import Echo

from ...scenarios.serverprocess import MODELS, server_process

STORAGE = MODELS.replace("[defaults]\n", '[defaults]\nstore = "storage"\n')
SEEN = 1600
"""Characters: 80 chunks, 0.8 s."""


@pytest.mark.promise("storage.kill")
async def test_a_killed_servers_session_comes_back_whole_and_goes_on(tmp_path: Path) -> None:
    async with vendor_server(Echo()) as vendor:
        settings = STORAGE.format(url=vendor.url)
        async with server_process(tmp_path, settings) as server:
            session = await server.session(tmp_path)
            told = await server.ride(session, "say this back")
            after = await server.prompt(session, "stream 500 chunks 10 ms apart")
            waiting = await server.client.call("POST", f"/api/sessions/{session}/prompts", {"text": "and this"})
            async with server.watch(session, after) as watch:
                seen = 0
                while seen < SEEN:
                    seen = (await watch.until("text.delta"))[-1]["at"]
                await server.kill()
        async with server_process(tmp_path, settings) as server:
            after = await server.prompt(session, "what now")
            async with server.watch(session) as watch:
                again = await watch.until("turn.interrupted")
                again += await watch.until("turn.finished")
                again += await watch.until("turn.finished")
    told = [event for event in told if "." not in event["id"]]
    assert [event for event in again if event["id"] in {event["id"] for event in told}] == told
    whole = [int(event["id"]) for event in again if "." not in event["id"]]
    assert whole == list(range(1, len(whole) + 1))
    interrupted = next(event for event in again if event["type"] == "text.interrupted")
    assert len(interrupted["text"]) > SEEN / 2, "all but the last quarter of a second"
    begun = [event["prompt"] for event in again if event["type"] == "turn.started"]
    assert begun[2] == waiting["turn"], "the prompt that waited runs before the new one"
