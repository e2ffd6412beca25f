"""The kernel: sessions by id, recovery, observers, lifespans, order of stopping."""

from __future__ import annotations

from contextlib import asynccontextmanager

import pytest
import trio

from pillion import Conflict, NotFound, SessionQuery, Text, hookimpl
from pillion import events as e
from pillion.contracts.store import Batch, SessionInfo
from pillion.memorystore import MemoryStore
from pillion.testing.kit import FunctionTool, Host, StrategyPlugin, events, kernel_host
from pillion.testing.scripted import Gate, Pause, ScriptedProvider, calls, says


async def test_sessions_are_listed_found_and_deleted(host: Host) -> None:
    sessions = [await host.open(labels={"n": str(n)}) for n in range(3)]
    page = await host.kernel.sessions(SessionQuery(limit=2))
    assert len(page.data) == 2
    rest = await host.kernel.sessions(SessionQuery(limit=2, cursor=page.next))
    assert {info.id for info in (*page.data, *rest.data)} == {session.id for session in sessions}
    await host.kernel.delete(sessions[0].id)
    with pytest.raises(NotFound):
        await host.kernel.session(sessions[0].id)
    with pytest.raises(NotFound):
        await host.kernel.create(str(host.folder / "nowhere"))
    with pytest.raises(NotFound, match="no/such"):
        await host.open(model="no/such")


async def test_a_session_may_be_made_by_an_id_that_nobody_has(host: Host) -> None:
    mine = "0123456789abcdef" * 2
    session = await host.open(id=mine)
    assert session.id == mine and await host.kernel.session(mine) is session
    with pytest.raises(Conflict):
        await host.open(id=mine)
    await host.kernel.delete(mine)
    assert (await host.open(id=mine)).id == mine
    for wrong in (mine.upper(), mine[1:], "../" + mine, mine + "\n"):
        with pytest.raises(ValueError, match="is no session's id"):
            await host.open(id=wrong)


class Frozen(MemoryStore):
    """Stops keeping anything at a chosen moment, as the death of its process would."""

    dead = False

    async def commit(self, batch: Batch) -> None:
        if self.dead:
            await trio.sleep_forever()
        await super().commit(batch)


async def test_a_log_that_broke_off_in_mid_turn_is_closed_and_goes_on(tmp_path, autojump_clock) -> None:
    async def slow(arguments, call) -> str:
        call.output("half of it")
        await trio.sleep(1000)
        return ""

    store = Frozen()
    first = ScriptedProvider(calls(("slow", "{}"), text="Let me see"))
    async with kernel_host(tmp_path, FunctionTool("slow", slow), provider=first, store=store) as host:
        session = await host.open()
        await session.prompt("go")
        await trio.sleep(1)  # growth is durable by now
        cursor = str(session.follow("latest").cursor)
        store.dead = True
        host.kernel._nursery.cancel_scope.cancel()
    store.dead = False
    second = ScriptedProvider(says("back again"))
    async with kernel_host(tmp_path, provider=second, store=store) as host:
        again = await host.kernel.session(session.id)
        tail = [e.decode(frame.type, frame.data) for frame in await again.follow(cursor).page()]
        assert [e.type_of(event) for event in tail if event] == ["tool.interrupted", "turn.interrupted"]
        assert tail[0].text.startswith("half of it")
        assert await host.run(again, "and now?") == e.TurnFinished(steps=1)
        roles = [message.role for message in second.requests[0].messages]
        assert roles == ["user", "assistant", "user", "user"]


async def test_a_session_that_broke_off_before_its_first_event_gets_it(tmp_path, autojump_clock) -> None:
    store = MemoryStore()
    await store.create(SessionInfo("a", str(tmp_path), 1, labels={"ide": "x"}))
    async with kernel_host(tmp_path, store=store) as host:
        (opened,) = await events(await host.kernel.session("a"))
        assert isinstance(opened, e.SessionOpened)
        assert (opened.workspace, opened.labels) == (str(tmp_path), {"ide": "x"})


async def test_a_waiting_prompt_survives_and_runs_before_the_next(tmp_path, autojump_clock) -> None:
    store = Frozen()
    async with kernel_host(tmp_path, provider=ScriptedProvider([Pause(1000)]), store=store) as host:
        session = await host.open()
        await session.prompt("first")
        await session.prompt("second")
        await trio.sleep(1)
        store.dead = True
        host.kernel._nursery.cancel_scope.cancel()
    store.dead = False
    provider = ScriptedProvider(says("2"), says("3"))
    async with kernel_host(tmp_path, provider=provider, store=store) as host:
        again = await host.kernel.session(session.id)
        await host.run(again, "third")
        assert [request.messages[-1].text for request in provider.requests] == ["second", "third"]


async def test_two_at_once_open_one_actor(tmp_path) -> None:
    store = MemoryStore()
    async with kernel_host(tmp_path, store=store) as host:
        id = (await host.open()).id
    async with kernel_host(tmp_path, store=store) as host:
        found = []

        async def find() -> None:
            found.append(await host.kernel.session(id))

        async with trio.open_nursery() as nursery:
            for _ in range(5):
                nursery.start_soon(find)
        assert len(set(found)) == 1


class Watching:
    """A plugin with an observer."""

    def __init__(self, watch) -> None:  # type: ignore[no-untyped-def]
        self.watch = watch

    @hookimpl
    def register_observers(self):  # type: ignore[no-untyped-def]
        return [self]


async def test_an_observer_sees_all_sessions_and_one_that_fails_hurts_nobody(tmp_path, autojump_clock) -> None:
    seen: list[tuple[str, str]] = []

    async def watch(feed) -> None:  # type: ignore[no-untyped-def]
        async for item in feed:
            seen.append((item.session, item.record.type))

    async def broken(feed) -> None:  # type: ignore[no-untyped-def]
        async for _ in feed:
            raise RuntimeError("broken")

    plugins = {"watching": Watching(watch), "broken": Watching(broken)}
    provider = ScriptedProvider(otherwise=lambda request: says("ok"))
    async with kernel_host(tmp_path, provider=provider, plugins=plugins) as host:
        sessions = [await host.open() for _ in range(3)]
        for session in sessions:
            await host.run(session, "go")
        await trio.sleep(1)
        assert {id for id, type in seen if type == "turn.finished"} == {session.id for session in sessions}
        assert "observer failed" in {s.name: s.reason for s in host.kernel.host.states()}["broken"]


class Living:
    """A plugin with a lifespan."""

    def __init__(self, name: str, order: list[str], fail: str = "") -> None:
        self.name, self.order, self.fail = name, order, fail

    @hookimpl
    @asynccontextmanager
    async def lifespan(self, kernel):  # type: ignore[no-untyped-def]
        if self.fail == "raise":
            raise RuntimeError("no")
        if self.fail == "hang":
            await trio.sleep_forever()
        self.order.append(f"+{self.name}")
        yield
        self.order.append(f"-{self.name}")


async def test_lifespans_end_in_reverse_and_bad_ones_are_quarantined(tmp_path, autojump_clock) -> None:
    order: list[str] = []
    plugins = {
        "a": Living("a", order), "bad": Living("bad", order, "raise"), "late": Living("late", order, "hang"),
        "b": Living("b", order),
    }  # fmt: skip
    async with kernel_host(tmp_path, plugins=plugins) as host:
        states = {state.name: state.state for state in host.kernel.host.states()}
        assert (states["a"], states["bad"], states["late"]) == ("on", "quarantined", "quarantined")
    assert order == ["+a", "+b", "-b", "-a"]


async def test_a_strategy_that_does_not_let_go_is_cut_off(tmp_path, autojump_clock) -> None:
    class Clinging:
        name = "clinging"
        description = "For tests."

        async def run(self, turn) -> None:  # type: ignore[no-untyped-def]
            with trio.CancelScope(shield=True):
                await trio.sleep(100)
            await turn.emit(e.StepStarted(model="late"))

    provider = ScriptedProvider(says("fine"))
    plugins = {"clinging": StrategyPlugin(Clinging())}
    async with kernel_host(tmp_path, provider=provider, plugins=plugins) as host:
        session = await host.open()
        accepted = await session.prompt("go", strategy="clinging")
        await trio.sleep(1)
        await session.cancel()
        assert await session.ended(accepted.turn) == e.TurnCancelled(leftovers=True)
        assert isinstance(await host.run(session, "next"), e.TurnFinished)
        await trio.sleep(200)
        assert not any(
            isinstance(event, e.StepStarted) and event.model == "too late" for event in await events(session)
        )


async def test_a_strategy_that_lets_go_while_it_is_cut_off_holds_up_nobody(tmp_path, autojump_clock) -> None:
    class Late:
        name = "late"
        description = "For tests."

        async def run(self, turn) -> None:  # type: ignore[no-untyped-def]
            with trio.CancelScope(shield=True):
                await trio.sleep(20)

    class Slow(MemoryStore):
        async def commit(self, batch: Batch) -> None:
            if any(record.type == "turn.cancelled" for record in batch.records):
                await trio.sleep(10)
            await super().commit(batch)

    plugins = {"late": StrategyPlugin(Late())}
    async with kernel_host(tmp_path, provider=ScriptedProvider(says("fine")), plugins=plugins, store=Slow()) as host:
        session = await host.open()
        accepted = await session.prompt("go", strategy="late")
        await session.cancel()
        assert await session.ended(accepted.turn) == e.TurnCancelled(leftovers=True)
        assert isinstance(await host.run(session, "next"), e.TurnFinished)


async def test_stopping_cancels_turns_and_readers_end(tmp_path, autojump_clock) -> None:
    gate = Gate()
    async with kernel_host(tmp_path, provider=ScriptedProvider([Text("a"), gate])) as host:
        session = await host.open()
        await session.prompt("go")
        await gate.reached.wait()
    reader = session.follow("latest")
    assert await reader.page() == []
    assert isinstance((await events(session))[-1], e.TurnCancelled)
