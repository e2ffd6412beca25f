"""The event stream: how it opens, resumes, ends, and what a reader that leaves or sleeps costs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
import trio

from pillion.contracts.provider import Finish
from pillion.frames import Frame
from pillion.testing.scripted import Gate, says
from pillion.values import Text
from pillion_runtime.ndjson import Ndjson
from pillion_runtime.sse import Sse
from pillion_runtime.streams import Streams
from pillion_runtime.wanted import Wanted


async def test_headers_greeting_and_frames(server: Any) -> None:
    server.provider.script(says("hello there"))
    session = await server.session()
    await server.prompt(session)
    async with server.watch(session) as watcher:
        headers = watcher.response.headers
        events = await watcher.until("turn.finished")
    assert headers["content-type"] == "text/event-stream; charset=utf-8"
    assert (headers["cache-control"], headers["x-accel-buffering"]) == ("no-store", "no")
    assert (watcher.comments[0], watcher.retry) == ("open", "2000")
    assert [(e["sse_id"], e["sse_event"]) for e in events] == [(e["id"], e["type"]) for e in events]
    whole = [int(event["id"]) for event in events if "." not in event["id"]]
    assert whole == list(range(1, len(whole) + 1))
    assert [event["text"] for event in events if event["type"] == "text.finished"] == ["hello there"]


@pytest.mark.promise("events.resume")
async def test_it_resumes_behind_the_last_id_which_beats_the_address(server: Any) -> None:
    server.provider.script(says("hello"))
    session = await server.session()
    await server.prompt(session)
    async with server.watch(session) as watcher:
        first = await watcher.until("turn.finished")
    async with server.watch(session, after="1", last_event_id="3") as watcher:
        again = await watcher.until("turn.finished")
    assert again[0]["id"] == "4"
    whole = [event for event in first if "." not in event["id"]]
    assert [event["id"] for event in again if "." not in event["id"]] == [event["id"] for event in whole[3:]]


async def test_latest_tells_its_place_at_once(server: Any) -> None:
    session = await server.session()
    async with server.watch(session, after="latest") as watcher:
        await server.prompt(session)
        event = await watcher.event()
    assert (watcher.comments[0], event["type"], event["id"]) == ("open", "prompt.queued", "2")
    async with server.client.stream("GET", f"/api/sessions/{session}/events", params={"after": "latest"}) as response:
        with trio.fail_after(10):
            async for line in response.aiter_lines():
                if line.startswith("id: "):
                    break
    assert int(line.removeprefix("id: ").partition(".")[0]) >= 2


@pytest.mark.promise("events.resync")
async def test_beyond_the_head_is_one_resync_then_the_start(server: Any) -> None:
    session = await server.session()
    async with server.watch(session, last_event_id="999.3") as watcher:
        resync, opened = await watcher.event(), await watcher.event()
    assert (resync["type"], resync["head"], resync["sse_id"]) == ("resync", 1, None)
    assert (opened["type"], opened["id"]) == ("session.opened", "1")


@pytest.mark.promise("events.bad_cursor")
@pytest.mark.parametrize("cursor", ["x", "1.", "-1", "1.2.3", "9" * 30, "1 OR 1", "٣"])
async def test_a_malformed_cursor_is_a_problem(server: Any, cursor: str) -> None:
    session = await server.session()
    answer = await server.client.get(f"/api/sessions/{session}/events", params={"after": cursor})
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_cursor")
    answer = await server.client.get("/api/sessions/none/events")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_a_stream_ends_when_its_session_is_deleted(server: Any) -> None:
    session = await server.session()
    async with server.watch(session) as watcher:
        await watcher.event()
        assert (await server.client.delete(f"/api/sessions/{session}")).status_code == 204
        assert await watcher.event() is None


@pytest.mark.promise("events.resume")
async def test_cut_at_every_place_each_whole_event_comes_once(server: Any) -> None:
    server.provider.script([*(Text(f"{i} ") for i in range(40)), Finish("stop")])
    session = await server.session()
    await server.prompt(session)
    async with server.watch(session) as watcher:
        whole = [event["id"] for event in await watcher.until("turn.finished") if "." not in event["id"]]
    seen: list[str] = []
    cursor = ""
    while not seen or seen[-1] != whole[-1]:
        async with server.watch(session, after=cursor) as watcher:
            event = await watcher.event()
        cursor = event["id"]
        if "." not in cursor:
            seen.append(cursor)
    assert seen == whole


async def test_who_leaves_leaves_nothing_behind(open_server: Any) -> None:
    async with open_server() as server:
        session = await server.session()
        before = trio.lowlevel.current_statistics().tasks_living
        for _ in range(5):
            async with server.watch(session) as watcher:
                await watcher.event()
        with trio.fail_after(10):
            while trio.lowlevel.current_statistics().tasks_living > before:  # noqa: ASYNC110 - nobody tells
                await trio.sleep(0.01)


@pytest.mark.promise("events.slow_reader")
async def test_a_sleeping_reader_slows_nobody_and_does_not_hold_the_end(open_server: Any) -> None:
    gate = Gate()
    async with open_server() as server:
        words = [Text("x" * 4000) for _ in range(4000)]
        server.provider.script([*words, gate])
        session = await server.session()
        request = f"GET /api/sessions/{session}/events HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n"
        async with await trio.open_tcp_stream("127.0.0.1", server.port) as asleep:
            await asleep.send_all(f"{request}Authorization: Bearer {server.found.token}\r\n\r\n".encode())
            await asleep.receive_some(100)
            await server.prompt(session)
            async with server.watch(session) as watcher:
                text = ""
                while len(text) < 16_000_000:
                    event = await watcher.event()
                    if event["type"] == "text.delta":
                        text = text[: event["at"]] + event["text"]
            server.stop.ask()
            with trio.fail_after(15):
                await server.ended.wait()


class Script:
    """Pages one after the other, then silence."""

    def __init__(self, *pages: Sequence[Frame]) -> None:
        self._pages = list(pages)
        self.cursor = "7.2"

    async def page(self) -> Sequence[Frame]:
        if not self._pages:
            await trio.sleep_forever()
        frames = self._pages.pop(0)
        self.cursor = frames[-1].id if frames else self.cursor
        return frames


def frame(id: str) -> Frame:
    return Frame(id, "x", msgspec.json.encode({"type": "x"}), "s", "", 0)


async def test_pages_become_chunks_and_silence_beats(autojump_clock: Any) -> None:
    stream = Streams().open(Script([frame("8"), frame("9")]), Sse())
    assert await anext(stream) == b": open\n\nretry: 2000\n\nid: 7.2\n\n"
    assert (await anext(stream)).count(b"\n\n") == 2
    began = trio.current_time()
    assert await anext(stream) == b": ping\n\n"
    assert trio.current_time() - began == pytest.approx(15)


async def test_a_filtered_stream_beats_and_tells_its_place_though_nothing_of_it_is_wanted(autojump_clock: Any) -> None:
    class Chatter(Script):
        async def page(self) -> Sequence[Frame]:
            await trio.sleep(1)
            self.cursor = str(int(float(self.cursor)) + 1)
            return [frame(self.cursor)]

    for form, said in ((Sse(), b": ping\nid: 2"), (Ndjson("s"), b'"session.cursor"')):
        stream = Streams().open(Chatter(), form, Wanted.parse("turn.*"))
        await anext(stream)
        began = trio.current_time()
        assert said in await anext(stream)
        assert trio.current_time() - began == pytest.approx(15)


async def test_a_closed_log_ends_the_stream(autojump_clock: Any) -> None:
    streams = Streams()
    stream = streams.open(Script([frame("1")], []), Sse())
    assert len([chunk async for chunk in stream]) == 2
    with trio.fail_after(1):
        await streams.ended()


async def test_the_end_lets_a_stream_say_its_last_words(autojump_clock: Any) -> None:
    streams = Streams()
    stream = streams.open(Script([frame("1")], [frame("2")]), Sse())
    await anext(stream)
    streams.end()
    assert len([chunk async for chunk in stream]) == 2
    late = streams.open(Script(), Sse())
    with trio.fail_after(10):
        assert [chunk async for chunk in late][1:] == []


async def test_the_end_reaches_a_stream_that_waits(autojump_clock: Any) -> None:
    streams = Streams()
    stream = streams.open(Script(), Sse())
    async with trio.open_nursery() as nursery:
        chunks: list[bytes] = []

        async def read() -> None:
            chunks.extend([chunk async for chunk in stream])

        nursery.start_soon(read)
        await trio.testing.wait_all_tasks_blocked()
        streams.end()
        with trio.fail_after(1):
            await streams.ended()
    assert len(chunks) == 1
