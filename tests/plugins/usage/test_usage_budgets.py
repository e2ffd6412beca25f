"""Budgets in a real kernel: what is reserved, who is asked, and what the answers do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio

from pillion import Finish, Limits, ModelInfo, Price, Request, Text, Turn, Usage, UsageSeen
from pillion import events as e
from pillion.contracts.store import SessionQuery
from pillion.errors import BudgetSpent, ProviderDown
from pillion.testing.kit import Host, StrategyPlugin, events, frames, kernel_host
from pillion.testing.scripted import Pause, Raise, ScriptedProvider, says
from pillion_usage.budgets import BudgetReached, Config
from pillion_usage.plugin import Plugin

CALL = 1.0
"""US dollars that each call of these tests costs."""
MODEL = ModelInfo("scripted/one", context=100_000, output=1_000, price=Price(output=2_000.0))
"""A call may cost 2 dollars at most."""


def answered(request: Request) -> Any:
    """A call that costs CALL and takes a second."""
    return [Pause(1), Text("ok"), UsageSeen(Usage(input=10, output=500)), Finish("stop")]


class Many:
    """Hands its prompt to children, side by side, each of which asks `times`."""

    name = "many"
    description = "For tests."

    def __init__(self, children: int, times: int) -> None:
        self.children, self.times = children, times
        self.ends: list[str] = []

    async def run(self, turn: Turn) -> str | None:
        if turn.session.parent:
            for _ in range(self.times):
                await turn.step()
            return None
        async with trio.open_nursery() as nursery:
            for _ in range(self.children):
                nursery.start_soon(self._one, turn)
        return None

    async def _one(self, turn: Turn) -> None:
        async with turn.child(strategy="many", limits=Limits(steps=100, tokens=10**9)) as child:
            accepted = await child.prompt("go")
            end = await child.ended(accepted.turn, accepted.after)
            self.ends.append(end.reason if isinstance(end, e.TurnFinished) else e.type_of(end))


def budgeted(folder: Path, *strategies: Any, provider: ScriptedProvider | None = None, **flags: Any) -> Any:
    config = Config(**{key: flags.pop(key) for key in list(flags) if key in Config.__struct_fields__})
    provider = provider or ScriptedProvider(models=[MODEL], otherwise=answered)
    plugins = (
        {"usage": Plugin(config), "strategies": StrategyPlugin(*strategies)}
        if strategies
        else {"usage": Plugin(config)}
    )
    unlimited = {"limits__steps": 100_000, "limits__tokens": 10**12}
    return kernel_host(folder, provider=provider, plugins=plugins, **unlimited, **flags)


async def cost(host: Host) -> float:
    """Of all calls of all sessions, by their logs."""
    found, parents = 0.0, [""]
    while parents:
        parent = parents.pop()
        for info in (await host.kernel.sessions(SessionQuery(parent=parent, limit=200))).data:
            parents.append(info.id)
            for record in await host.kernel.store.read(info.id, 0, 10_000):
                if record.type == "usage.recorded":
                    found += msgspec.json.decode(record.data)["usage"].get("cost", 0)
    return found


async def reached(session: Any) -> list[BudgetReached]:
    return [
        msgspec.json.decode(frame.data, type=BudgetReached)
        for frame in await frames(session)
        if frame.type == "budget.reached"
    ]


async def question(session: Any) -> e.QuestionAsked:
    """Waits for one that nobody has answered."""
    reader, open_ = session.follow(), {}
    with trio.fail_after(10_000):
        while not (open_ and reader.cursor.seq == session.head):
            for frame in await reader.page():
                match e.decode(frame.type, frame.data):
                    case e.QuestionAsked() as asked:
                        open_[asked.question] = asked
                    case e.QuestionAnswered(question=id):
                        del open_[id]
    return open_.popitem()[1]


@pytest.mark.promise("usage.budgets")
@pytest.mark.parametrize("budget", ["session_cost", "day_cost"])
async def test_children_side_by_side_go_over_by_one_call_at_most(tmp_path, autojump_clock, budget) -> None:
    strategy = Many(children=20, times=10)
    async with budgeted(tmp_path, strategy, defaults__strategy="many", deadlines__question=7, **{budget: 10.5}) as host:
        session = await host.open()
        await host.run(session, "go")
        assert 10.5 <= await cost(host) <= 10.5 + CALL
        assert strategy.ends == [f"limit:{budget}"] * 20
        assert len(await reached(session)) == 1, "all of them ask once"
        assert host.provider.running == 0


@pytest.mark.promise("usage.budgets")
async def test_of_two_budgets_with_twenty_children_each_neither_is_overshot(tmp_path, autojump_clock) -> None:
    strategy = Many(children=20, times=10)
    async with budgeted(
        tmp_path, strategy, defaults__strategy="many", deadlines__question=7, session_cost=10.5, day_cost=15.5
    ) as host:
        sessions = [await host.open(), await host.open()]
        async with trio.open_nursery() as nursery:
            for session in sessions:
                nursery.start_soon(host.run, session, "go")
        assert 15.5 <= await cost(host) <= 15.5 + CALL
        assert {tuple(one.budget for one in await reached(session)) for session in sessions} <= {
            ("day_cost",), ("session_cost",),
        }  # fmt: skip


async def test_who_is_asked_reads_what_is_used_and_more_lets_it_go_on(tmp_path, autojump_clock) -> None:
    async with budgeted(tmp_path, session_cost=2.5) as host:
        session = await host.open()
        for _ in range(3):
            await host.run(session, "go")
        accepted = await session.prompt("and on")
        asked = await question(session)
        (told,) = await reached(session)
        assert (told.question, told.budget, told.used, told.limit, told.more) == (
            asked.question, "session_cost", 3.0, 2.5, 2.5,
        )  # fmt: skip
        assert abs(told.deadline - asked.deadline) < 2_000
        assert (asked.options, asked.free, asked.default) == (("more", "end"), False, "end")
        assert "$3.00 of $2.50" in asked.text and "$2.50 more" in asked.text
        await session.answer(asked.question, "more")
        end = await session.ended(accepted.turn, accepted.after)
        assert isinstance(end, e.TurnFinished) and end.reason == "done"
        for _ in range(2):
            await host.run(session, "from 3.00 on for 2.50")
        accepted = await session.prompt("then it is asked again")
        await session.answer((await question(session)).question, "end")
        end = await session.ended(accepted.turn, accepted.after)
        assert isinstance(end, e.TurnFinished) and end.reason == "limit:session_cost"
        assert [one.limit for one in await reached(session)] == [2.5, 5.5]


@pytest.mark.promise("usage.budgets")
async def test_at_the_deadline_the_turn_ends(tmp_path, autojump_clock) -> None:
    async with budgeted(tmp_path, day_tokens=100, deadlines__question=7) as host:
        session, other = await host.open(), await host.open()
        await host.run(session, "go")
        began = trio.current_time()
        end = await host.run(other, "go")
        assert isinstance(end, e.TurnFinished) and end.reason == "limit:day_tokens"
        assert 7 <= trio.current_time() - began < 8
        answered = [event for event in await events(other) if isinstance(event, e.QuestionAnswered)]
        assert [(one.answer, one.by) for one in answered] == [(None, "deadline")]
        refused = [event for event in await events(other) if isinstance(event, e.UsageRecorded)]
        assert [(one.error, one.usage) for one in refused] == [("budget", Usage())]


async def test_what_a_call_reserved_comes_back_however_it_ends(tmp_path, autojump_clock) -> None:
    provider = ScriptedProvider(
        [Pause(1), Raise(ProviderDown("cut"))],
        [UsageSeen(Usage(output=500)), Text("x"), Pause(1000), Finish("stop")],
        says("ok"),
        models=[MODEL],
    )
    async with budgeted(tmp_path, provider=provider, session_cost=3.0) as host:
        session = await host.open()
        await host.run(session, "fails")
        await session.prompt("is cancelled")
        await trio.sleep(10)
        await session.cancel()
        await session.idle()
        (purse,) = host.kernel.host.plugins()["usage"]._budgets._purses.values()
        assert (purse.used, purse._reserved) == (CALL, [])
        end = await host.run(session, "goes on")
        assert isinstance(end, e.TurnFinished) and end.reason == "done"


async def test_a_call_without_a_session_is_refused_since_nobody_can_be_asked(tmp_path, autojump_clock) -> None:
    async with budgeted(tmp_path, day_cost=1.0) as host:
        ask = Request("scripted/one", ())
        assert [chunk async for chunk in host.kernel.completions.start(ask)]
        with pytest.raises(BudgetSpent, match=r"day_cost is used up: \$1.00 of \$1.00"):
            assert [chunk async for chunk in host.kernel.completions.start(ask)]
        assert len(host.provider.requests) == 1


async def test_a_cancel_ends_the_question_and_the_wait_for_others(tmp_path, autojump_clock) -> None:
    strategy = Many(children=5, times=1)
    async with budgeted(tmp_path, strategy, defaults__strategy="many", session_cost=2.1) as host:
        session = await host.open()
        await session.prompt("go")
        await trio.sleep(0.5)
        assert host.provider.running == 1, "the others wait until it is known what that one costs"
        await question(session)
        await session.cancel()
        await session.idle()
        assert session.questions.open() == []
        assert isinstance((await events(session))[-1], e.TurnCancelled)


async def test_without_a_budget_no_call_passes_through_it(tmp_path, autojump_clock) -> None:
    async with budgeted(tmp_path) as host:
        provider, _ = host.kernel.catalog.model("scripted/one")
        assert type(provider).__module__ != "pillion_usage.provider"
