"""Prompts over HTTP: joined, listed, withdrawn."""

from __future__ import annotations

from typing import Any

import pytest

from pillion import Text
from pillion.testing.scripted import Gate, says


@pytest.mark.promise("prompts.steer", "prompts.withdrawn")
async def test_prompts_that_wait_are_listed_and_withdrawn(server: Any) -> None:
    gate = Gate()
    server.provider.script([Text("Hm"), gate, *says(" so.")], says("As you like."))
    session = await server.session()
    prompts = f"/api/sessions/{session}/prompts"
    running = (await server.prompt(session)).json()
    assert running["prompt"] == running["turn"]
    await gate.reached.wait()
    later = (await server.prompt(session, "later", strategy="loop")).json()
    steer = (await server.prompt(session, "with tabs", when="steer")).json()
    assert (steer["turn"], later["turn"]) == (running["turn"], later["prompt"])
    waiting = (await server.client.get(prompts)).json()["data"]
    assert [(row["prompt"], row["when"], row["text"], row["turn"]) for row in waiting] == [
        (steer["prompt"], "steer", "with tabs", running["turn"]),
        (later["prompt"], "queue", "later", None),
    ]
    assert (waiting[1]["strategy"], waiting[1]["images"], waiting[1]["time"][-1]) == ("loop", 0, "Z")
    assert (await server.client.delete(f"{prompts}/{later['prompt']}")).status_code == 204
    assert (await server.client.delete(f"{prompts}/{later['prompt']}")).status_code == 410
    assert (await server.client.delete(f"{prompts}/{running['prompt']}")).status_code == 409
    unknown = await server.client.delete(f"{prompts}/{'0' * 32}")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "not_found")
    gate.opened.set()
    async with server.watch(session, running["after"]) as watcher:
        events = await watcher.until("turn.finished")
    assert [event["prompt"] for event in events if event["type"] == "prompt.joined"] == [steer["prompt"]]
    assert [event["why"] for event in events if event["type"] == "prompt.dropped"] == ["withdrawn"]
    assert (await server.client.get(prompts)).json() == {"data": []}
