"""The reader of all sessions: each begins with its place, nobody waits for another, nothing comes twice."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
import trio

from pillion.allreader import AllReader
from pillion.frames import Frame
from pillion.logreader import PAGE
from pillion.testing.kit import Host, kernel_host
from pillion.testing.scripted import says


@pytest.fixture
async def host(tmp_path: Path, autojump_clock: object) -> AsyncIterator[Host]:
    async with kernel_host(tmp_path) as host:
        yield host


async def read(reader: AllReader) -> list[Frame]:
    """All that it has now."""
    found: list[Frame] = []
    with trio.move_on_after(1):
        while True:
            found += await reader.page()
    return found


def cursor(frame: Frame) -> str:
    assert frame.type == "session.cursor"
    return str(msgspec.json.decode(frame.data)["cursor"])


@pytest.mark.promise("events.all")
async def test_it_begins_with_each_sessions_cursor(host: Host) -> None:
    first, second = await host.open(), await host.open()
    host.provider.script(says("x"))
    await host.run(first, "go")
    frames = await read(host.kernel.follow())
    assert [(frame.session, cursor(frame)) for frame in frames] == [(first.id, str(first.head)), (second.id, "1")]


async def test_a_new_session_comes_whole_behind_its_place(host: Host) -> None:
    reader = host.kernel.follow()
    session = await host.open()
    frames = await read(reader)
    assert (cursor(frames[0]), frames[1].type) == ("0", "session.opened")
    assert {frame.session for frame in frames} == {session.id}


async def test_one_that_ends_and_lives_again_goes_on_where_it_was(host: Host) -> None:
    session = await host.open()
    reader = host.kernel.follow()
    await read(reader)
    host.provider.script(says("x"), says("y"))
    await host.run(session, "one")
    await session.aclose()
    again = await host.kernel.session(session.id)
    await host.run(again, "two")
    whole = [frame.id for frame in await read(reader) if "." not in frame.id and frame.id]
    assert whole == [str(n) for n in range(2, again.head + 1)]


async def test_one_that_is_deleted_before_it_is_read_ends_nothing(host: Host) -> None:
    session, other = await host.open(), await host.open()
    reader = host.kernel.follow()
    await read(reader)
    host.provider.script(*[says("x")] * 60)
    for _ in range(60):  # more than the log keeps in memory
        await host.run(session, "go")
    await host.kernel.delete(session.id)
    host.provider.script(says("x"))
    await host.run(other, "go")
    frames = await read(reader)
    assert "turn.finished" in {frame.type for frame in frames if frame.session == other.id}


async def test_sessions_take_turns(host: Host) -> None:
    busy, quiet = await host.open(), await host.open()
    reader = host.kernel.follow()
    await read(reader)
    host.provider.script(*[says("x")] * 61)
    for _ in range(60):
        await host.run(busy, "go")
    await host.run(quiet, "go")
    first, second = await reader.page(), await reader.page()
    assert {frame.session for frame in first} == {busy.id} and len(first) >= PAGE
    assert {frame.session for frame in second} == {quiet.id}


async def test_a_closed_one_hears_nothing_and_costs_nothing(host: Host) -> None:
    session = await host.open()
    reader = host.kernel.follow()
    await read(reader)
    reader.close()
    host.provider.script(says("x"))
    await host.run(session, "go")
    assert await read(reader) == []
