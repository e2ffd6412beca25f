"""A session that nobody uses leaves memory and comes back by its log; nobody who holds or watches it notices."""

from __future__ import annotations

import copy
import gc
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any
from weakref import ref

import pytest
import trio
import trio.testing

from pillion import Batch, Conflict, Finish, Message, NotFound, Record, Request, Session, StoreFailed, Text, Turn
from pillion import events as e
from pillion.allreader import AllReader
from pillion.errors import Gone, OwnedElsewhere
from pillion.memorystore import MemoryStore
from pillion.overlay import Overlay
from pillion.testing.kit import FunctionTool, Host, StrategyPlugin, events, kernel_host
from pillion.testing.scripted import Gate, ScriptedProvider, calls, says

TICKS = (0, 0, 0, 0.001, 0.001, 0.002, 0.003)
"""Seconds: few different ones, so that much happens at the same moment."""
LONG = 1000
"""Seconds: longer than a session stays in memory."""


def echo() -> ScriptedProvider:
    return ScriptedProvider(otherwise=lambda request: says(f"to {request.messages[-1].text}"))


async def reading(reader: AllReader, got: list[str]) -> None:
    """The ids of whole events, for ever."""
    while True:
        got.extend(frame.id for frame in await reader.page() if frame.id and "." not in frame.id)


async def rested(host: Host, session: Session) -> bool:
    """Has it left memory after a long while?"""
    await trio.sleep(LONG)
    return session not in host.kernel.live()


@pytest.mark.promise("sessions.rest")
async def test_an_idle_session_leaves_memory_and_comes_back_by_its_log(tmp_path, autojump_clock) -> None:
    async with kernel_host(tmp_path, provider=echo()) as host:
        session = await host.open(labels={"a": "b"})
        await host.run(session, "one")
        before, head = await events(session), session.head
        await trio.sleep(LONG)  # here, since another frame could hold the session
        id, gone = session.id, ref(session)
        del session
        gc.collect()
        assert gone() is None
        again = await host.kernel.session(id)
        assert (again.head, again.info.labels, await events(again)) == (head, {"a": "b"}, before)
        await host.run(again, "two")
        assert [message.text for message in host.provider.requests[-1].messages] == ["one", "to one", "two"]
        numbers = [int(frame.id) for frame in await again.follow().whole(1000)]
        assert numbers == list(range(1, len(numbers) + 1))


async def test_at_rest_nothing_holds_it(tmp_path, autojump_clock) -> None:
    async with kernel_host(tmp_path, provider=echo()) as host:
        session = await host.open()
        await host.run(session, "one")
        gone, log = ref(session), ref(session._actor._eventlog)
        del session
        gc.disable()  # what only a collection would free costs memory till then
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(reading, host.kernel.follow(), [])
                await trio.sleep(LONG)
                assert (gone(), log()) == (None, None)
                nursery.cancel_scope.cancel()
        finally:
            gc.enable()


class Delegates:
    name = "delegates"
    description = "Hands its prompt to a child."

    async def run(self, turn: Turn) -> None:
        async with turn.child(strategy="loop") as child:
            await child.ended((await child.prompt("part")).turn)


class Asks:
    name = "asks"
    description = "Asks for very long."

    async def run(self, turn: Turn) -> None:
        await turn.ask("Which?")


@asynccontextmanager
async def needed(host: Host, why: str) -> AsyncIterator[Session]:
    """A session that has to stay in memory; it may go when the block is left."""
    if why == "ephemeral":
        yield await host.open(ephemeral=True)
        return
    session = await host.open()
    await host.run(session, "one")
    if why == "a text that is unsaved":
        await session.overlays.put(Overlay.of("a.py", "new\n", 1))
        yield session
        await session.overlays.drop("a.py")
    elif why == "a reader":
        reader = session.follow("latest")
        yield session
        del reader
    else:
        strategy = {"a child": "delegates", "a question": "asks"}.get(why, "loop")
        accepted = await session.prompt(why, strategy=strategy)
        yield session
        await session.cancel()
        await session.ended(accepted.turn)


@pytest.mark.promise("sessions.rest")
@pytest.mark.parametrize(
    "why", ["a turn", "a child", "an approval", "a question", "a text that is unsaved", "a reader", "ephemeral"]
)
async def test_what_is_needed_in_memory_stays(tmp_path, autojump_clock, why: str) -> None:
    def answer(request: Any) -> Any:
        said = request.messages[-1].text
        return {"an approval": calls(("write", "{}")), "a turn": [Gate()], "part": [Gate()]}.get(said, says("yes"))

    async def write(arguments: Any, call: Any) -> str:
        return ""

    slow = {
        "deadlines__approval": 1e6,
        "deadlines__question": 1e6,
        "deadlines__first_byte": 1e6,
        "deadlines__total": 1e6,
    }
    provider = ScriptedProvider(otherwise=answer)
    plugins = {"more": StrategyPlugin(Delegates(), Asks())}
    tool = FunctionTool("write", write, effect="write")
    async with kernel_host(tmp_path, tool, provider=provider, plugins=plugins, limits__seconds=1e6, **slow) as host:
        async with needed(host, why) as session:
            assert not await rested(host, session)
            assert len(host.kernel.live()) == (2 if why == "a child" else 1)
        assert await rested(host, session) == (why != "ephemeral")


async def test_who_holds_a_session_goes_on_with_it(tmp_path, autojump_clock) -> None:
    async with kernel_host(tmp_path, provider=echo()) as host:
        session = await host.open()
        await host.run(session, "one")
        for touch in (
            partial(host.run, session, "two"),
            partial(session.note, e.FileUnsaved(path="a")),
            session.cancel,
            partial(host.kernel.session, session.id),
        ):
            assert await rested(host, session)
            assert (session.state, session.waiting, len(await session.messages())) == (
                "idle",
                0,
                session.head and len(await session.messages()),
            )
            await touch()
            assert host.kernel.live() == [session], "it is the same object"
        assert [message.text for message in await session.messages()] == ["one", "to one", "two", "to two"]


async def test_a_reader_of_a_session_at_rest_goes_on_with_it(tmp_path, autojump_clock) -> None:
    async with kernel_host(tmp_path, provider=echo()) as host:
        session = await host.open()
        await host.run(session, "one")
        assert await rested(host, session)
        reader, id = session.follow(), session.id
        del session
        assert (await reader.page())[0].type == "session.opened"
        async with trio.open_nursery() as nursery:
            nursery.start_soon(host.run, await host.kernel.session(id), "two")
            assert (await reader.page())[0].type == "prompt.queued"


@pytest.mark.promise("sessions.rest")
async def test_a_thousand_prompts_against_a_sweep_that_never_stops(tmp_path, autojump_clock) -> None:
    """Letters that race with the rest arrive: no prompt is lost, none is answered by an error."""
    chance = random.Random(4)
    accepted: list[str] = []
    rests = 0

    async def sweeping(host: Host) -> None:
        nonlocal rests
        while True:
            before = len(host.kernel.live())
            await host.kernel.roster.put_to_rest(0)
            rests += before - len(host.kernel.live())
            await trio.sleep(chance.choice(TICKS))

    async def prompting(host: Host, held: list[Session], ids: list[str]) -> None:
        for _ in range(50):
            await trio.sleep(chance.choice(TICKS))
            number = chance.randrange(len(ids))
            session = held[number] if chance.random() < 0.5 else await host.kernel.session(ids[number])
            if chance.random() < 0.5:
                await trio.lowlevel.checkpoint()
            turn = (await session.prompt(str(len(accepted)))).turn
            accepted.append(turn)
            if chance.random() < 0.3:
                await session.ended(turn)

    class Leases(MemoryStore):
        wrong = 0

        async def release(self, session: str, generation: int) -> None:
            live = host.kernel.roster.live(session) is not None
            self.wrong += live and generation == self._logs[session].generation

    provider = ScriptedProvider(otherwise=lambda request: [Text("yes"), Finish("stop")])
    async with kernel_host(tmp_path, provider=provider, store=Leases()) as host:
        held = [await host.open() for _ in range(40)]
        async with trio.open_nursery() as nursery:
            nursery.start_soon(sweeping, host)
            async with trio.open_nursery() as prompts:
                for _ in range(20):
                    prompts.start_soon(prompting, host, held, [session.id for session in held])
            nursery.cancel_scope.cancel()
        ran: list[str] = []
        for session in held:
            await (await host.kernel.session(session.id)).idle()
            found = await events(session)
            assert isinstance(found[-1], e.TurnFinished)
            ran += [event.prompt for event in found if isinstance(event, e.TurnStarted)]
        assert (len(accepted), sorted(ran)) == (1000, sorted(accepted))
        assert rests > 300, rests
        assert host.kernel.store.wrong == 0, "no lease of one that has come back was given away"


@pytest.mark.promise("sessions.rest")
@pytest.mark.parametrize("slow", [False, True], ids=["in time", "late"])
async def test_who_follows_all_sessions_misses_and_repeats_nothing(tmp_path, autojump_clock, slow: bool) -> None:
    async with kernel_host(tmp_path, provider=echo()) as host:
        session = await host.open()
        await host.run(session, "one")
        reader = host.kernel.follow()
        got: list[str] = []

        after = session.head
        async with trio.open_nursery() as nursery:
            if not slow:
                nursery.start_soon(reading, reader, got)
            for text in ("two", "three"):
                await host.run(session, text)
                assert await rested(host, session), "it keeps no session in memory"
            await host.kernel.session(session.id)
            await session.note(e.FileUnsaved(path="a"))
            if slow:
                nursery.start_soon(reading, reader, got)
            await trio.testing.wait_all_tasks_blocked()
            nursery.cancel_scope.cancel()
        assert got == [str(number) for number in range(after + 1, session.head + 1)]


async def test_a_place_between_events_is_behind_which_it_was_after_a_rest(tmp_path, autojump_clock) -> None:
    """Growth has numbers like 8.3 only within a turn, whose end has a higher one: none is given twice."""
    async with kernel_host(tmp_path, provider=echo()) as host:
        session = await host.open()
        reader = session.follow()
        await host.run(session, "one")
        seen: list[str] = []
        while reader.cursor < (session.head, 0):
            seen += [frame.id for frame in await reader.page()]
        del reader
        opened = next(event for event in await events(session) if isinstance(event, e.TextFinished)).item
        assert await rested(host, session)
        frames = await (await host.kernel.session(session.id)).follow(f"{opened}.2").page()
        assert frames[0].id == str(opened + 1)
        live = session.follow("latest")
        await host.run(session, "two")
        later: list[str] = []
        while live.cursor < (session.head, 0):
            later += [frame.id for frame in await live.page()]
        assert not set(seen) & set(later)


async def test_an_answer_for_the_session_and_who_was_first_are_remembered(tmp_path, autojump_clock) -> None:
    async def write(arguments: Any, call: Any) -> str:
        return "written"

    provider = ScriptedProvider(calls(("write", "{}")), says("ok"), calls(("write", "{}")), says("ok"))
    async with kernel_host(tmp_path, FunctionTool("write", write, effect="write"), provider=provider) as host:
        session = await host.open()
        accepted = await session.prompt("go")
        await trio.sleep(1)
        (approval,) = session.approvals.open()
        await session.decide(approval, "allow", remember="session")
        await session.ended(accepted.turn)
        assert await rested(host, session)
        id = session.id
        del session
        again = await host.kernel.session(id)
        with pytest.raises(Conflict, match="answered already"):
            await again.decide(approval, "deny")
        assert await host.run(again, "again") == e.TurnFinished(steps=2)


class Gated(MemoryStore):
    """Opens sessions slowly, or not at all."""

    def __init__(self) -> None:
        super().__init__()
        self.opened: list[str] = []
        self.gates: dict[str, Gate] = {}
        self.fails = 0
        self.taken = False
        self.released: list[tuple[str, int]] = []
        self.releasing: Gate | None = None

    async def release(self, session: str, generation: int) -> None:
        if self.releasing is not None:
            self.releasing.reached.set()
            await self.releasing.opened.wait()
        self.released.append((session, generation))

    async def open(self, session: str) -> Any:
        if self.taken:
            raise OwnedElsewhere("Session is open in process 7 on there.")
        if session in self.gates:
            self.gates[session].reached.set()
            await self.gates[session].opened.wait()
        self.opened.append(session)
        return await super().open(session)

    async def commit(self, batch: Any) -> None:
        if self.fails:
            self.fails -= 1
            raise StoreFailed("busy")
        await super().commit(batch)


async def test_at_rest_it_is_free_for_another_process(tmp_path, autojump_clock) -> None:
    store = Gated()
    async with kernel_host(tmp_path, provider=echo(), store=store) as host:
        session = await host.open()
        await host.run(session, "one")
        assert store.released == []
        assert await rested(host, session)
        assert store.released == [(session.id, 1)]
        reader = session.follow("latest")
        store.taken = True
        with pytest.raises(OwnedElsewhere):
            await session.prompt("two")
        other = await MemoryStore.open(store, session.id)  # it writes there, and lets go
        said = Record(other.last + 1, "file.unsaved", "", 1, b'{"type":"file.unsaved","path":"a"}')
        await MemoryStore.commit(store, Batch(session.id, other.generation, other.last, [said]))
        store.taken = False
        await host.run(session, "two")
        found = [frame.type for frame in await reader.page()]
        assert found[:2] == ["file.unsaved", "prompt.queued"]
        assert [message.text for message in await session.messages()] == ["one", "to one", "two", "to two"]
    assert [generation for _, generation in store.released] == [1, 3], "the lease of its own is given back each time"


async def test_a_lease_that_was_taken_anew_is_not_given_back(tmp_path, autojump_clock) -> None:
    """The session comes back while the store is still busy with letting it go."""
    store, gate = Gated(), Gate()
    async with kernel_host(tmp_path, provider=echo(), store=store) as host:
        session = await host.open()
        await trio.sleep(1)
        store.releasing = gate
        await host.kernel.roster.put_to_rest(0)
        await gate.reached.wait()
        await host.run(session, "one")
        gate.opened.set()
        await trio.sleep(1)
        assert store.released == [(session.id, 1)]


async def test_those_who_touch_it_at_once_get_the_same_and_others_wait_for_nobody(tmp_path, autojump_clock) -> None:
    store = Gated()
    async with kernel_host(tmp_path, provider=echo(), store=store) as host:
        slow, quick = (await host.open()).id, (await host.open()).id
        await trio.sleep(LONG)
        assert host.kernel.live() == []
        store.opened.clear()
        gate = store.gates[slow] = Gate()
        got: list[Session] = []

        async def touch() -> None:
            got.append(await host.kernel.session(slow))

        async with trio.open_nursery() as nursery:
            for _ in range(3):
                nursery.start_soon(touch)
            await gate.reached.wait()
            assert (await host.kernel.session(quick)).id == quick
            assert got == []
            gate.opened.set()
        assert len(set(map(id, got))) == 1
        assert store.opened == [quick, slow]


async def test_one_that_could_not_be_opened_is_opened_at_the_next_touch(tmp_path, autojump_clock) -> None:
    store, gate = Gated(), Gate()
    async with kernel_host(tmp_path, provider=ScriptedProvider([gate]), store=store) as host:
        session = await host.open()
        await session.prompt("one")
        await gate.reached.wait()
        logs = copy.deepcopy(store._logs)
    store = Gated()
    store._logs = logs
    async with kernel_host(tmp_path, provider=echo(), store=store) as host:
        store.fails = 1  # it has to write how the turn ended
        with pytest.raises(StoreFailed):
            await host.kernel.session(session.id)
        assert host.kernel.live() == []
        again = await host.kernel.session(session.id)
        assert await host.run(again, "two") == e.TurnFinished(steps=1)


async def test_one_that_is_deleted_at_rest_is_gone_for_all(tmp_path, autojump_clock) -> None:
    async with kernel_host(tmp_path, provider=echo()) as host:
        session = await host.open()
        assert await rested(host, session)
        reader = session.follow("latest")
        await host.kernel.delete(session.id)
        assert await reader.page() == []
        with pytest.raises(Gone):
            await session.prompt("one")
        with pytest.raises(NotFound):
            await host.kernel.session(session.id)


async def test_the_records_of_calls_without_a_session_rest_too(tmp_path, autojump_clock) -> None:
    async with kernel_host(tmp_path, provider=echo()) as host:
        for _ in range(2):
            request = Request("scripted/one", (Message("user", (Text("one"),)),))
            completion = host.kernel.completions.start(request)
            async for _chunk in completion:
                pass
            await host.kernel.completions.idle()
            await trio.sleep(LONG)
            assert host.kernel.live() == []
