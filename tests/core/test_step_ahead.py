"""A model is asked while the store still takes what says so; whatever the turn writes next stands behind it."""

from __future__ import annotations

from pathlib import Path

import trio

from pillion import StoreFailed
from pillion import events as e
from pillion.contracts.store import Batch
from pillion.memorystore import MemoryStore
from pillion.testing.kit import events, kernel_host
from pillion.testing.scripted import Gate, Pause, ScriptedProvider, says


class Holding(MemoryStore):
    """Holds the commit that says that a step has begun until the test lets it go, or breaks it."""

    def __init__(self) -> None:
        super().__init__()
        self.gate, self.breaks = Gate(), False

    async def commit(self, batch: Batch) -> None:
        if any(record.type == "step.started" for record in batch.records) and not self.gate.opened.is_set():
            self.gate.reached.set()
            await self.gate.opened.wait()
            if self.breaks:
                raise StoreFailed("The disk is full.")
        await super().commit(batch)


async def test_the_model_is_asked_before_the_store_has_said_so_and_the_log_keeps_its_order(
    tmp_path: Path, autojump_clock: object
) -> None:
    store = Holding()
    async with kernel_host(tmp_path, provider=ScriptedProvider([Pause(10), *says("hello")]), store=store) as host:
        session = await host.open()
        turn = (await session.prompt("hi")).turn
        with trio.fail_after(60):
            await store.gate.reached.wait()
        await trio.sleep(1)
        assert len(host.provider.requests) == 1
        assert not any(isinstance(event, e.StepStarted | e.TextStarted) for event in await events(session))
        store.gate.opened.set()
        await trio.sleep(1)
        assert isinstance((await events(session))[-1], e.StepStarted)
        await session.ended(turn)
        names = [e.type_of(event) for event in await events(session)]
        assert names[2:5] == ["turn.started", "step.started", "text.started"]


async def test_a_step_that_can_not_be_kept_ends_its_turn_and_no_word_of_it_is_shown(
    tmp_path: Path, autojump_clock: object
) -> None:
    store = Holding()
    store.breaks = True
    async with kernel_host(tmp_path, provider=ScriptedProvider(says("hello"), says("again")), store=store) as host:
        session = await host.open()
        turn = (await session.prompt("hi")).turn
        with trio.fail_after(60):
            await store.gate.reached.wait()
        store.gate.opened.set()
        end = await session.ended(turn)
        assert isinstance(end, e.TurnFailed) and end.code == StoreFailed.code
        assert not any(isinstance(event, e.TextStarted) for event in await events(session))
        again = await session.prompt("hi")
        assert isinstance(await session.ended(again.turn), e.TurnFinished)
