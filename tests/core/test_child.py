"""A child session: its own log, budget and cancel; its approvals in the root's log."""

from __future__ import annotations

import pytest
import trio

from pillion import Limits, Message, Text, Turn, Usage, UsageSeen
from pillion import events as e
from pillion.contracts.store import SessionQuery
from pillion.memorystore import MemoryStore
from pillion.testing.kit import FunctionTool, StrategyPlugin, events, kernel_host
from pillion.testing.scripted import ScriptedProvider, calls, says


class Delegates:
    """Hands its prompt to children, side by side, and takes their words as results."""

    name = "delegates"
    description = "For tests."

    def __init__(self, count: int = 1, **options: object) -> None:
        self.count, self.options = count, options
        self.ends: list[e.Event] = []
        self.children: list[str] = []

    async def run(self, turn: Turn) -> None:
        async with trio.open_nursery() as nursery:
            for number in range(self.count):
                nursery.start_soon(self._one, turn, str(number))

    async def _one(self, turn: Turn, text: str) -> None:
        async with turn.child(strategy="loop", title=text, **self.options) as child:  # type: ignore[arg-type]
            self.children.append(child.id)
            accepted = await child.prompt(text)
            self.ends.append(await child.ended(accepted.turn))


def spending(tokens: int, text: str = "ok"):  # type: ignore[no-untyped-def]
    return [UsageSeen(Usage(input=tokens)), *says(text)]


def delegating(tmp_path, strategy: Delegates, *tools, **options):  # type: ignore[no-untyped-def]
    plugins = {"delegating": StrategyPlugin(strategy)}
    return kernel_host(tmp_path, *tools, plugins=plugins, defaults__strategy="delegates", **options)


async def test_a_child_works_and_its_use_counts_for_the_parent(tmp_path, autojump_clock) -> None:
    strategy = Delegates(2, limits=Limits(steps=5, tokens=100))
    async with delegating(tmp_path, strategy, provider=ScriptedProvider(spending(5), spending(6))) as host:
        session = await host.open()
        end = await host.run(session, "go")
        assert isinstance(end, e.TurnFinished)
        assert end.reason == "done"
        assert end.usage.input == 11
        found = await events(session)
        assert sum(isinstance(event, e.ChildStarted) for event in found) == 2
        assert sum(event.usage.input for event in found if isinstance(event, e.ChildFinished)) == 11
        assert [s.id for s in host.kernel.live()] == [session.id]


async def test_a_child_has_a_seed_and_a_choice_of_tools(tmp_path, autojump_clock) -> None:
    async def nothing(arguments, call) -> str:
        return ""

    seed = [Message("user", (Text("before"),)), Message("assistant", (Text("yes"),))]
    strategy = Delegates(seed=seed, tools=["b"])
    provider = ScriptedProvider(says("ok"))
    tools = [FunctionTool(name, nothing) for name in "abc"]
    async with delegating(tmp_path, strategy, *tools, provider=provider) as host:
        await host.run(await host.open(), "go")
        assert [message.text for message in provider.requests[0].messages] == ["before", "yes", "0"]
        assert [tool.name for tool in provider.requests[0].tools] == ["b"]


async def test_cancelling_the_parent_ends_the_child(tmp_path, autojump_clock) -> None:
    async def slow(arguments, call) -> str:
        await trio.sleep(1000)
        return ""

    strategy = Delegates()
    provider = ScriptedProvider(calls(("slow", "{}")))
    async with delegating(tmp_path, strategy, FunctionTool("slow", slow), provider=provider) as host:
        session = await host.open()
        accepted = await session.prompt("go")
        await trio.sleep(1)
        child = await host.kernel.session(strategy.children[0])
        assert child.state == "running"
        await session.cancel()
        assert isinstance(await session.ended(accepted.turn), e.TurnCancelled)
        assert isinstance((await events(child))[-1], e.TurnCancelled)
        assert host.kernel.live() == [session]


async def test_a_childs_approval_is_asked_for_in_the_roots_log(tmp_path, autojump_clock) -> None:
    async def fine(arguments, call) -> str:
        return "fine"

    strategy = Delegates()
    provider = ScriptedProvider(calls(("w", "{}")), says("ok"))
    async with delegating(tmp_path, strategy, FunctionTool("w", fine, effect="write"), provider=provider) as host:
        session = await host.open()
        accepted = await session.prompt("go")
        await trio.sleep(1)
        (wanted,) = [event for event in await events(session) if isinstance(event, e.ApprovalWanted)]
        assert wanted.path == (strategy.children[0],)
        await (await host.kernel.session(strategy.children[0])).decide(wanted.approval, "allow")
        await session.ended(accepted.turn)
        assert strategy.ends == [e.TurnFinished(steps=2)]


async def test_children_side_by_side_can_not_overshoot(tmp_path, autojump_clock) -> None:
    strategy = Delegates(4, limits=Limits(steps=10, tokens=30))
    provider = ScriptedProvider(otherwise=lambda request: spending(20))
    async with delegating(tmp_path, strategy, provider=provider) as host:
        session = await host.open(limits=Limits(tokens=65))
        end = await host.run(session, "go")
        assert isinstance(end, e.TurnFinished)
        assert end.reason == "limit:tokens"
        assert len(provider.requests) <= 3


@pytest.mark.parametrize("where", ["strategy", "child"])
async def test_a_turns_end_leaves_no_child(tmp_path, autojump_clock, where: str) -> None:
    class Careless(Delegates):
        async def _one(self, turn: Turn, text: str) -> None:
            async with turn.child(strategy="loop") as child:
                await child.prompt(text)
                raise RuntimeError(where)

    provider = ScriptedProvider(says("never heard"))
    async with delegating(tmp_path, Careless(), provider=provider) as host:
        session = await host.open()
        assert isinstance(await host.run(session, "go"), e.TurnFailed)
        assert host.kernel.live() == [session]


@pytest.mark.parametrize("moment", ["created", "session.opened", "child.started"])
async def test_a_cancel_while_a_child_is_being_made_leaves_none(tmp_path, autojump_clock, moment: str) -> None:
    scope = trio.CancelScope()

    class Cancelling(MemoryStore):
        async def create(self, info):  # type: ignore[no-untyped-def]
            opened = await super().create(info)
            if moment == "created" and turns:
                scope.cancel()
            return opened

        async def commit(self, batch) -> None:
            await super().commit(batch)
            if any(record.type == moment for record in batch.records) and turns:
                scope.cancel()

    turns: list[Turn] = []

    class Hasty(Delegates):
        async def run(self, turn: Turn) -> None:
            turns.append(turn)
            with scope:
                async with turn.child(strategy="loop", seed=[Message("user", (Text("seed"),))]):
                    await trio.sleep_forever()

    async with delegating(tmp_path, Hasty(), store=Cancelling()) as host:
        session = await host.open()
        assert await host.run(session, "go") == e.TurnFinished()
        assert host.kernel.live() == [session]
        for child in (await host.kernel.sessions(SessionQuery(parent=session.id))).data:
            assert isinstance((await events(await host.kernel.session(child.id)))[0], e.SessionOpened)
