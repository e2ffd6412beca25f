"""A session that another process takes: what ran here stops, who watches gets an end, and it can still be looked at."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
import trio

from pillion import Batch, Opened
from pillion import events as e
from pillion.errors import LostLease, OwnedElsewhere, StoreFailed
from pillion.memorystore import MemoryStore
from pillion.onlooker import Onlooker
from pillion.testing.kit import FunctionTool, kernel_host
from pillion.testing.scripted import Gate, ScriptedProvider, calls, says


class Elsewhere(MemoryStore):
    """A store that says so when a session is another process's."""

    def __init__(self) -> None:
        super().__init__()
        self.taken = self.broken = False
        self.released: list[tuple[str, int]] = []

    async def open(self, session: str) -> Opened:
        if self.taken:
            raise OwnedElsewhere("Session is open in process 7 on there.")
        return await super().open(session)

    async def commit(self, batch: Batch) -> None:
        if self.broken:
            raise StoreFailed("no")
        await super().commit(batch)

    async def release(self, session: str, generation: int) -> None:
        self.released.append((session, generation))


@pytest.mark.promise("leases.lost")
async def test_a_turn_that_only_waits_for_a_tool_stops_soon_after_its_session_is_taken(
    tmp_path: Path, autojump_clock: Any, caplog: pytest.LogCaptureFixture
) -> None:
    begun, ended = trio.Event(), trio.Event()

    async def wait(arguments: Any, call: Any) -> str:
        begun.set()
        try:
            await trio.sleep_forever()
        finally:
            ended.set()
        return ""

    provider = ScriptedProvider(calls(("wait", "{}")), says("fine"))
    async with kernel_host(tmp_path, FunctionTool("wait", wait), provider=provider) as host:
        session = await host.open()
        accepted = await session.prompt("go")
        await begun.wait()
        await host.kernel.store.open(session.id)  # as another process would
        with pytest.raises(LostLease), trio.fail_after(10):
            await session.ended(accepted.turn)
        with trio.fail_after(1):
            await ended.wait()
            await session.idle()
        assert [record.levelno for record in caplog.records if "LostLease" in record.message] == [logging.ERROR]
        again = await host.kernel.session(session.id)
        assert again is not session
        assert await host.run(again, "2") == e.TurnFinished(steps=1)


async def test_a_growing_answer_stops_with_the_next_flush(tmp_path: Path, autojump_clock: Any) -> None:
    gate = Gate()
    async with kernel_host(tmp_path, provider=ScriptedProvider([*says("half")[:1], gate])) as host:
        session = await host.open()
        await session.prompt("go")
        await gate.reached.wait()
        await host.kernel.store.open(session.id)
        with trio.fail_after(1):
            while host.kernel.live():  # noqa: ASYNC110 - nobody tells
                await trio.sleep(0.1)
        assert host.provider.running == 0


async def test_who_prompts_a_session_that_was_taken_is_told_so(tmp_path: Path) -> None:
    async with kernel_host(tmp_path, provider=ScriptedProvider(says("fine"))) as host:
        session = await host.open()
        await host.kernel.store.open(session.id)
        with pytest.raises(LostLease):
            await session.prompt("go")
        assert host.kernel.live() == []


async def test_a_session_that_ends_is_released(tmp_path: Path) -> None:
    store = Elsewhere()
    async with kernel_host(tmp_path, store=store) as host:
        session = await host.open()
        await session.aclose()
        assert store.released == [(session.id, 1)]


async def test_a_session_that_was_taken_while_the_store_failed_is_let_go(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = Elsewhere()
    async with kernel_host(tmp_path, store=store) as host:
        session = await host.open()
        store.broken = True
        with pytest.raises(StoreFailed):
            await session.prompt("go")
        store.broken, store.taken = False, True
        with pytest.raises(LostLease):
            await session.prompt("go")
        assert host.kernel.live() == []
    assert [record.levelno for record in caplog.records if "LostLease" in record.message] == [logging.ERROR]


@pytest.mark.promise("leases.look")
async def test_a_session_of_another_process_is_looked_at_and_stays_there(tmp_path: Path) -> None:
    store = Elsewhere()
    async with kernel_host(tmp_path, provider=ScriptedProvider(says("Hello")), store=store) as host:
        session = await host.open()
        await host.run(session, "hi")
        await session.aclose()
        store.taken = True
        with pytest.raises(OwnedElsewhere):
            await host.kernel.session(session.id)
        seen = await host.kernel.look(session.id)
        assert isinstance(seen, Onlooker)
        assert (seen.state, seen.info.id, seen.head) == ("elsewhere", session.id, session.head)
        assert [message.text for message in await seen.messages()] == ["hi", "Hello"]
        reader = seen.follow("2")
        with trio.fail_after(5):
            assert [frame.id for frame in await reader.page()] == [str(n) for n in range(3, session.head + 1)]
            assert await reader.page() == [], "the stream ends where the log did"
        frames = await seen.follow("999").page()
        assert [frame.type for frame in frames[:2]] == ["resync", "session.opened"]
        assert host.kernel.live() == []


async def test_a_session_that_could_not_be_recovered_opens_at_the_next_touch(tmp_path: Path) -> None:
    store, gate = Elsewhere(), Gate()
    async with kernel_host(tmp_path, provider=ScriptedProvider([gate], says("fine")), store=store) as host:
        session = await host.open()
        await session.prompt("go")
        await gate.reached.wait()
        await store.open(session.id)
        with pytest.raises(LostLease):
            await session.note()
        store.broken = True
        with pytest.raises(StoreFailed):
            await host.kernel.session(session.id)
        store.broken = False
        again = await host.kernel.session(session.id)
        assert await host.run(again, "2") == e.TurnFinished(steps=1)
