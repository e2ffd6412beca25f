"""Watchers that are cut off, sleep, or come back from nowhere: promises 4 and 5."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest
import trio

from pillion_runtime.testing import Cut, Reply

from .serverprocess import BOUND, ServerProcess, riding
from .watchers import Reader, asleep

VOID = tuple(f"void {number} " for number in range(2))
WORDS = tuple(f"wörd {number} " for number in range(4))
TEXT = "".join(WORDS)
TOGETHER = 350
"""Watchers of one session."""
ASLEEP = 3000
"""Characters that grow while somebody sleeps."""
MIB = 1024 * 1024


def faulty() -> Reply:
    """Begins, and is cut off amid its answer."""
    return Reply(text=VOID, pause=0.01, fault=Cut(len(VOID)))


def good() -> Reply:
    return Reply(text=WORDS, pause=0.01)


async def cut_once(reader: Reader, at: int, away: trio.Event | None) -> None:
    """Reads `at` bytes, loses the connection, and comes back: at once, or when `away` is over."""
    await reader.read(most=at)
    if away is not None:
        await away.wait()
    if "turn.finished" not in reader.types:
        await reader.read()


async def watched(server: ServerProcess, workspace: Path, places: Sequence[int]) -> list[Reader]:
    """A turn with a void in it under as many watchers; every other one stays away to its end."""
    session = await server.session(workspace)
    readers = [Reader(server, session) for _ in places]
    over = trio.Event()
    async with trio.open_nursery() as nursery:
        for number, (reader, place) in enumerate(zip(readers, places, strict=True)):
            nursery.start_soon(cut_once, reader, place, over if number % 2 else None)
        with trio.fail_after(BOUND):
            for reader in readers:
                await reader.greeted.wait()
        await server.ride(session, "go")
        over.set()
    return readers


def check(reader: Reader) -> None:
    assert reader.whole == list(range(1, reader.whole[-1] + 1))
    assert list(reader.closed.values()) == [None, TEXT]
    voided, finished = reader.closed
    for item, text in reader.grown.items():
        assert {voided: "".join(VOID), finished: TEXT}[item].startswith(text)
    assert (reader.open, reader.resyncs) == (set(), 0)


@pytest.mark.promise("events.resume")
async def test_a_watcher_cut_anywhere_ends_with_the_exact_text(tmp_path: Path) -> None:
    step = 1 if os.environ.get("PILLION_LONG") == "1" else 7
    async with riding(tmp_path, lambda asked: good() if asked.number % 2 == 0 else faulty()) as (_, server):
        (alone,) = await watched(server, tmp_path, [10**9])
        places = range(0, alone.bytes, step)
        for first in range(0, len(places), TOGETHER):
            for reader in await watched(server, tmp_path, places[first : first + TOGETHER]):
                check(reader)


@pytest.mark.promise("events.slow_reader")
async def test_sleepers_slow_nobody_cost_no_memory_and_come_back_exactly(tmp_path: Path) -> None:
    words = tuple(f"{number:9} ".ljust(2000, ".") for number in range(1500))  # 3 MB: more than sockets hold
    async with riding(tmp_path, lambda asked: Reply(text=words, pause=0.001)) as (_, server):
        session, other = await server.session(tmp_path), await server.session(tmp_path)
        await server.ride(other, "so that everything is imported")
        sleepers = [await asleep(server, session) for _ in range(30)]
        napper, awake = Reader(server, session), Reader(server, session)
        await napper.read(most=200)
        before = server.memory()
        await server.prompt(session, "go")
        await awake.read()
        grown = server.memory() - before  # the log holds the text a few times, and no reader holds any
        print(f"grown by {grown / MIB:.1f} MiB")
        await napper.read()
        for sleeper in sleepers:
            await sleeper.aclose()
    assert list(awake.closed.values()) == list(napper.closed.values()) == ["".join(words)]
    assert all("".join(words).startswith(text) for text in awake.grown.values())
    assert awake.whole == napper.whole
    assert grown < 60 * MIB, f"{grown / MIB:.1f} MiB"


@pytest.mark.promise("events.resume", "events.slow_reader")
async def test_a_sleeper_that_wakes_amid_growth_misses_nothing(tmp_path: Path) -> None:
    words = tuple(f"{number:9} " for number in range(1500))
    async with riding(tmp_path, lambda asked: Reply(text=words, pause=0.001)) as (_, server):
        session = await server.session(tmp_path)
        napper, awake = Reader(server, session), Reader(server, session)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(awake.read)
            await awake.greeted.wait()
            await server.prompt(session, "go")
            await napper.read(until="text.delta")
            with trio.fail_after(BOUND):
                while not any(len(text) > ASLEEP for text in awake.grown.values()):
                    await trio.lowlevel.checkpoint()
            await napper.read()
    assert list(napper.closed.values()) == list(awake.closed.values()) == ["".join(words)]
    assert all("".join(words).startswith(text) for reader in (napper, awake) for text in reader.grown.values())
    assert napper.types.count("text.delta") < awake.types.count("text.delta")


@pytest.mark.promise("events.resync")
async def test_a_cursor_from_beyond_the_head_gets_one_resync_amid_a_turn(tmp_path: Path) -> None:
    async with riding(tmp_path, lambda asked: good()) as (_, server):
        session = await server.session(tmp_path)
        lost = Reader(server, session)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(partial(lost.read, Last_Event_ID="4000.17"))
            await lost.greeted.wait()
            await server.ride(session, "go")
    assert (lost.types[0], lost.resyncs) == ("resync", 1)
    assert lost.whole == list(range(1, lost.whole[-1] + 1))
    assert list(lost.closed.values()) == [TEXT]
