"""Sessions at rest on a real server and database: who watches and who comes back notices nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio

from pillion_runtime.testing import vendor_server
from pillion_runtime.testing.echo import Echo

from .serverprocess import MODELS, ServerProcess, Watch, server_process

SETTINGS = MODELS.replace("[defaults]\n", '[defaults]\nstore = "storage"\nrest_after = 0.05\n')


async def whole(server: ServerProcess, session: str) -> list[dict[str, Any]]:
    wanted = {"accept": "application/json"}
    async with server.client.open("GET", f"/api/sessions/{session}/events?limit=1000", headers=wanted) as answer:
        return list(msgspec.json.decode(await answer.whole())["data"])


@pytest.mark.promise("sessions.rest")
async def test_a_stream_goes_on_and_a_cursor_too(tmp_path: Path) -> None:
    async with vendor_server(Echo()) as vendor, server_process(tmp_path, SETTINGS.format(url=vendor.url)) as server:
        watched, other = await server.session(tmp_path), await server.session(tmp_path)
        first = await server.ride(other, "one")
        between = next(event["id"] for event in first if "." in event["id"])
        async with server.client.open("GET", "/api/events") as all_body, server.watch(watched) as watch:
            assert (await watch.event())["type"] == "session.opened"
            for text in ("two", "three"):
                await trio.sleep(0.3)  # the other one rests; what would end the stream has its chance
                await server.ride(other, text)
            await server.prompt(watched, "here")
            assert (await watch.until("turn.finished"))[-1]["type"] == "turn.finished"
            seen = await _all(all_body, watched)
        async with server.watch(other, between) as again:
            after = await again.until("turn.finished")
        log = await whole(server, other)
    numbers = [int(event["id"]) for event in log]
    assert numbers == list(range(1, len(numbers) + 1))
    assert [event["type"] for event in log].count("turn.finished") == 3
    assert int(after[0]["id"].partition(".")[0]) == int(between.partition(".")[0]) + 1
    mine = [int(event["id"]) for event in seen if event["session"] == other and event.get("id", ".").isdigit()]
    assert mine == list(range(mine[0], mine[0] + len(mine))) and mine[-1] == numbers[-1]


async def _all(body: Any, until: str) -> list[dict[str, Any]]:
    """What the stream of all sessions has told, to the end of a turn of that session."""
    watch, found = Watch(body, None), []
    while not found or (found[-1]["type"], found[-1]["session"]) != ("turn.finished", until):
        found.append(await watch.event())
    return found


@pytest.mark.promise("sessions.rest")
async def test_prompts_against_rests_over_http(tmp_path: Path) -> None:
    async with vendor_server(Echo()) as vendor, server_process(tmp_path, SETTINGS.format(url=vendor.url)) as server:
        sessions = [await server.session(tmp_path) for _ in range(6)]
        posted: list[str] = []

        async def post(session: str, pause: float) -> None:
            for _ in range(6):
                await trio.sleep(pause)
                path = f"/api/sessions/{session}/prompts"
                posted.append((await server.client.call("POST", path, {"text": "say this back"}))["turn"])

        async with trio.open_nursery() as nursery:
            for number, session in enumerate(sessions):
                nursery.start_soon(post, session, 0.03 + number / 50)
        ran: list[str] = []
        for session in sessions:
            async with server.watch(session) as watch:
                for _ in range(6):
                    ran += [e["prompt"] for e in await watch.until("turn.finished") if e["type"] == "turn.started"]
    assert (len(posted), sorted(ran)) == (36, sorted(posted))
