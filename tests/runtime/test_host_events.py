"""Events in every form: lines, pages, chosen types, and those of all sessions at once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
import trio

from pillion.testing.scripted import Gate, says
from pillion.values import Text

NDJSON = "application/x-ndjson"
BOUND = 20


class Lines:
    """Reads a stream of NDJSON: events one by one; blank lines are counted."""

    def __init__(self, server: Any, response: Any) -> None:
        self._server, self._lines = server, response.aiter_lines()
        self.blank = 0

    async def event(self) -> dict[str, Any] | None:
        with trio.fail_after(BOUND):
            async for line in self._lines:
                if line:
                    event: dict[str, Any] = msgspec.json.decode(line)
                    self._server.contract.check_event(event)
                    return event
                self.blank += 1
        return None

    async def until(self, *types: str) -> list[dict[str, Any]]:
        found = []
        while event := await self.event():
            found.append(event)
            if event["type"] in types:
                break
        return found


@asynccontextmanager
async def lines(server: Any, path: str, **params: Any) -> AsyncIterator[Lines]:
    headers = {"accept": NDJSON}
    async with server.client.stream("GET", path, params=params, headers=headers) as response:
        assert (response.status_code, response.headers["content-type"]) == (200, f"{NDJSON}; charset=utf-8")
        yield Lines(server, response)


async def page(server: Any, session: str, **params: Any) -> Any:
    answer = await server.client.get(
        f"/api/sessions/{session}/events", params=params, headers={"accept": "application/json"}
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


async def played(server: Any, *turns: str) -> str:
    """A session in which the model has said these."""
    server.provider.script(*[says(text) for text in turns])
    session: str = await server.session()
    for _ in turns:
        await server.prompt(session)
    async with server.watch(session) as watcher:
        for _ in turns:
            await watcher.until("turn.finished")
    return session


def ids(events: Any) -> list[str]:
    return [event["id"] for event in events if "." not in event.get("id", ".")]


@pytest.mark.promise("events.forms")
async def test_lines_and_pages_bring_the_same_events_as_the_stream(server: Any) -> None:
    session = await played(server, "hello")
    path = f"/api/sessions/{session}/events"
    async with server.watch(session) as watcher:
        streamed = await watcher.until("turn.finished")
    async with lines(server, path) as reader:
        read = await reader.until("turn.finished")
    paged = await page(server, session)
    bare = [{name: value for name, value in event.items() if not name.startswith("sse_")} for event in streamed]
    assert read == bare == paged["data"]
    assert (paged["after"], paged["head"]) == (bare[-1]["id"], int(bare[-1]["id"]))
    async with lines(server, path, after=read[4]["id"]) as reader:
        place = await reader.event()
        assert place is not None
        assert (place["type"], place["cursor"]) == ("session.cursor", read[4]["id"])
        assert await reader.event() == read[5]


@pytest.mark.promise("events.forms")
async def test_lines_follow_and_tell_their_place(server: Any) -> None:
    session = await played(server, "hello")
    server.provider.script(says("again"))
    async with lines(server, f"/api/sessions/{session}/events", after="latest") as reader:
        place = await reader.event()
        await server.prompt(session)
        events = await reader.until("turn.finished")
    assert place is not None
    assert place["type"] == "session.cursor" and ids(events)[0] == str(int(place["cursor"]) + 1)


@pytest.mark.promise("events.forms")
async def test_pages_go_on_where_the_last_one_ended(server: Any) -> None:
    session = await played(server, "hello", "again")
    found: list[str] = []
    after = ""
    while True:
        said = await page(server, session, after=after, limit=3)
        assert len(said["data"]) <= 3
        found += ids(said["data"])
        after = said["after"]
        if after == str(said["head"]):
            break
    assert found == [str(n) for n in range(1, said["head"] + 1)]
    assert (await page(server, session, after="latest"))["data"] == []
    resync, first, *_ = (await page(server, session, after="999"))["data"]
    assert (resync["type"], first["id"]) == ("resync", "1")


@pytest.mark.promise("events.forms")
async def test_a_page_is_bounded_in_bytes_too(open_server: Any) -> None:
    async with open_server() as server:
        session = await played(server, *["x" * 1_500_000] * 4)
        said = await page(server, session, types="text.finished", limit=1000)
        assert 1 <= len(said["data"]) < 4 and int(said["after"]) < said["head"]
        rest = await page(server, session, types="text.finished", after=said["after"])
        assert len(said["data"]) + len(rest["data"]) == 4


@pytest.mark.promise("events.forms")
@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        ("*/*", "text/event-stream"),
        ("application/*", NDJSON),
        ("application/json, text/event-stream;q=0.9", "application/json"),
        ("application/json;q=0.1, application/x-ndjson;q=0.2", NDJSON),
        ("text/event-stream;q=0, */*", NDJSON),
        ("text/html,*/*;q=0.8", "text/event-stream"),
    ],
)
async def test_the_form_is_what_accept_likes_best(server: Any, accept: str, chosen: str) -> None:
    path = f"/api/sessions/{await server.session()}/events"
    async with server.client.stream("GET", path, headers={"accept": accept}) as answer:
        assert (answer.status_code, answer.headers["content-type"].partition(";")[0]) == (200, chosen)


@pytest.mark.promise("events.forms")
@pytest.mark.parametrize("accept", ["text/html", "image/*, text/csv", "*/*;q=0", "nonsense"])
async def test_what_no_form_fits_is_406(server: Any, accept: str) -> None:
    session = await server.session()
    for path in (f"/api/sessions/{session}/events", "/api/events"):
        answer = await server.client.get(path, headers={"accept": accept})
        assert (answer.status_code, answer.json()["code"]) == (406, "not_acceptable")
    everywhere = await server.client.get("/api/events", headers={"accept": "application/json"})
    assert everywhere.status_code == 406


@pytest.mark.promise("events.types")
async def test_types_choose_in_every_form_and_the_place_goes_on(server: Any) -> None:
    session = await played(server, "hello", "again")
    wanted = "turn.*, text.finished,plugin.unknown"
    said = await page(server, session, types=wanted)
    kinds = [event["type"] for event in said["data"]]
    assert kinds == ["turn.started", "text.finished", "turn.finished"] * 2
    assert said["after"] == str(said["head"])
    async with lines(server, f"/api/sessions/{session}/events", types=wanted) as reader:
        assert [(await reader.event()) for _ in kinds] == said["data"]
    headers = {"last-event-id": said["data"][1]["id"]}
    params = {"types": wanted}
    async with server.client.stream(
        "GET", f"/api/sessions/{session}/events", params=params, headers=headers
    ) as response:
        async for line in response.aiter_lines():
            if line.startswith("event: "):
                break
    assert line == "event: turn.finished"


@pytest.mark.promise("events.types")
@pytest.mark.parametrize("types", ["text.", "a,,b", "Text.*", "*.delta", "a b", ",".join(["x"] * 65)])
async def test_what_is_no_type_is_named(server: Any, types: str) -> None:
    session = await server.session()
    for path in (f"/api/sessions/{session}/events", "/api/events"):
        answer = await server.client.get(path, params={"types": types})
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "types")


@pytest.mark.promise("events.all")
async def test_all_sessions_begin_with_their_cursors_and_later_ones_appear(server: Any) -> None:
    first = await played(server, "hello")
    server.provider.script(says("one"), says("two"))
    async with lines(server, "/api/events") as reader:
        place = await reader.event()
        assert place is not None
        assert (place["type"], place["session"]) == ("session.cursor", first)
        second = await server.session()
        await server.prompt(first)
        await server.prompt(second)
        events = await reader.until("turn.finished")
        events += await reader.until("turn.finished")
        assert (await server.client.delete(f"/api/sessions/{second}")).status_code == 204
        server.provider.script(says("three"))
        await server.prompt(first)  # a deleted one does not end the others
        events += await reader.until("turn.finished")
    head = int(place["cursor"])
    mine = [event for event in events if event["session"] == first]
    assert ids(mine) == [str(head + n) for n in range(1, len(ids(mine)) + 1)]
    theirs = [event for event in events if event["session"] == second]
    assert (theirs[0]["type"], theirs[0]["cursor"]) == ("session.cursor", "0")
    assert theirs[1]["type"] == "session.opened" and ids(theirs) == [str(n) for n in range(1, len(ids(theirs)) + 1)]


@pytest.mark.promise("events.all")
async def test_as_a_stream_they_have_no_ids(server: Any) -> None:
    session = await played(server, "hello")
    async with server.client.stream("GET", "/api/events", params={"types": "session.*"}) as response:
        await server.session()
        came = []
        with trio.fail_after(BOUND):
            async for line in response.aiter_lines():
                came.append(line)
                if line == "event: session.opened":
                    break
    assert came[:3] == [": open", "", "retry: 2000"]
    assert came.count("event: session.cursor") == 2 and any(session in line for line in came)
    assert not [line for line in came if line.startswith("id:")]


@pytest.mark.promise("events.all")
async def test_a_reader_of_all_that_sleeps_slows_nobody_and_then_gets_everything(open_server: Any) -> None:
    gate = Gate()
    async with open_server() as server:
        session = await server.session()
        dots = Text("." * 4000)  # no secret begins so, of which a part would be held back
        server.provider.script([*[dots] * 2000, gate])
        async with lines(server, "/api/events") as asleep:
            await asleep.event()
            await server.prompt(session)
            async with server.watch(session) as watcher:
                text = ""
                while len(text) < 8_000_000:
                    event = await watcher.event()
                    if event["type"] == "text.delta":
                        text = text[: event["at"]] + event["text"]
            gate.opened.set()
            grown = ""
            for event in await asleep.until("turn.finished", "turn.failed"):
                if event["type"] == "text.delta":
                    grown = grown[: event["at"]] + event["text"]
                elif event["type"].startswith("text.") and "text" in event:
                    grown = event["text"]
        assert grown == text
