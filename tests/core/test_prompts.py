"""Prompts beside a running turn: those that join it, those that break in, those that are taken back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio

from pillion import Allow, Conflict, Limits, Message, NotFound, Text, ToolResult
from pillion import events as e
from pillion.contracts.store import Batch
from pillion.errors import Gone
from pillion.memorystore import MemoryStore
from pillion.session import Session
from pillion.testing.kit import FunctionTool, Host, PolicyPlugin, StrategyPlugin, events, kernel_host
from pillion.testing.scripted import Gate, Pause, Raise, ScriptedProvider, calls, says


class Allows:
    async def decide(self, call: Any) -> Allow:
        return Allow()


class Bench:
    """A tool that waits in its first call till the test opens the gate; `ran` are the calls that got there."""

    def __init__(self) -> None:
        self.gate, self.ran = Gate(), 0

    async def run(self, arguments: Any, call: Any) -> str:
        self.ran += 1
        self.gate.reached.set()
        await self.gate.opened.wait()
        return f"done {self.ran}"


@asynccontextmanager
async def at_work(
    folder: Path, *answers: Any, effect: Any = "write", asked: int = 1, policy: Any = None, **options: Any
) -> AsyncIterator[tuple[Host, Session, str, Bench]]:
    """A turn whose first call of `asked` runs; behind its step the model gives `answers`."""
    bench = Bench()
    provider = ScriptedProvider(calls(*[("work", f'{{"text":"{n}"}}') for n in range(asked)]), *answers)
    plugins = {"policy": PolicyPlugin(policy or Allows())}
    tool = FunctionTool("work", bench.run, effect=effect)
    async with kernel_host(folder, tool, provider=provider, plugins=plugins) as host:
        session = await host.open(**options)
        turn = (await session.prompt("do it")).turn
        with trio.fail_after(60):
            await bench.gate.reached.wait()
        yield host, session, turn, bench


def said(host: Host, number: int) -> list[tuple[str, str]]:
    """The words of a request's messages; results in brackets."""
    request = host.provider.requests[number]
    return [
        (message.role, message.text or str([p.text for p in message.parts if isinstance(p, ToolResult)]))
        for message in request.messages
    ]


async def results(session: Session) -> list[tuple[str, str]]:
    """Each result's call and code."""
    return [(event.call, event.code) for event in await events(session) if isinstance(event, e.ToolFinished)]


async def started(session: Session) -> list[str]:
    return [event.prompt for event in await events(session) if isinstance(event, e.TurnStarted)]


# ── steer ──


@pytest.mark.promise("prompts.steer")
async def test_a_steer_joins_the_running_turn_at_its_next_step(tmp_path, autojump_clock) -> None:
    async with at_work(tmp_path, says("As you like")) as (host, session, turn, bench):
        one = await session.prompt("with tabs", when="steer")
        two = await session.prompt("and a test", when="steer")
        assert (one.turn, two.turn, session.waiting) == (turn, turn, 2)
        bench.gate.opened.set()
        assert await session.ended(turn) == e.TurnFinished(steps=2)
        told = [("user", "['done 1']"), ("user", "with tabs"), ("user", "and a test")]
        assert said(host, 1)[-3:] == told
        assert await started(session) == [turn]
        names = [e.type_of(event) for event in await events(session)]
        place = names.index("prompt.joined")
        assert names[place : place + 3] == ["prompt.joined", "prompt.joined", "step.started"]
        assert session.waiting == 0


async def test_a_steer_without_a_turn_is_an_ordinary_prompt(host: Host) -> None:
    host.provider.script(says("one"))
    session = await host.open()
    accepted = await session.prompt("go", when="steer")
    assert accepted.turn == accepted.prompt
    assert await session.ended(accepted.turn) == e.TurnFinished(steps=1)


class Once:
    """One step and no loop, like a chat; it sends a view of its own."""

    name = "once"
    description = "Asks once."

    async def run(self, turn: Any) -> str | None:
        step = await turn.step(tools=False, view=[Message("user", (Text("Go!"),))])
        return "question" if step.message.text.endswith("?") else None


@pytest.mark.parametrize("strategy", ["loop", "once"])
@pytest.mark.parametrize("when", ["steer", "break"])
async def test_who_speaks_during_the_last_words_is_answered(tmp_path, autojump_clock, strategy, when) -> None:
    gate = Gate()
    provider = ScriptedProvider([Text("first"), gate, *says(" words?")], says("second words"))
    async with kernel_host(tmp_path, provider=provider, plugins={"once": StrategyPlugin(Once())}) as host:
        session = await host.open(strategy=strategy)
        turn = (await session.prompt("go")).turn
        await gate.reached.wait()
        assert (await session.prompt("wait", when=when)).turn == turn
        gate.opened.set()
        end = await session.ended(turn)
        question = strategy == "once" and when == "break"  # what breaks in is an aside: the task's last words count
        assert end == e.TurnFinished(reason="question" if question else "done", steps=2)
        begun = "Go!" if strategy == "once" else "go"
        assert said(host, 1) == [("user", begun), ("assistant", "first words?"), ("user", "wait")]


@pytest.mark.promise("prompts.not_lost")
@pytest.mark.parametrize("when", ["steer", "break"])
@pytest.mark.parametrize("end", ["cancel", "limit", "failure", "interrupt"])
async def test_what_missed_its_turn_is_the_next_one(tmp_path, autojump_clock, when, end) -> None:
    broken = [Raise(ValueError("bug"))]
    more = [broken] if end == "failure" else []
    limits = Limits(steps=1) if end == "limit" else None
    provider = ScriptedProvider(calls(("work", "{}")), *more, otherwise=lambda request: says("fine"))
    bench = Bench()
    async with kernel_host(tmp_path, FunctionTool("work", bench.run), provider=provider) as host:
        session = await host.open(limits=limits)
        first = await session.prompt("do it")
        await bench.gate.reached.wait()
        later = await session.prompt("later")
        if end == "failure":  # which the first one joins, and the model fails: only the second one is left
            gone = await session.prompt("lost on it", when=when)
            bench.gate.opened.set()
            await session.ended(first.turn)
            assert provider.requests[1].messages[-1].text == "lost on it"
            with pytest.raises(Conflict):
                await session.withdraw(gone.prompt)
            expected = [first.turn, later.turn]
        else:
            one, two = [await session.prompt(text, when=when) for text in ("one", "two")]
            front = []
            match end:
                case "cancel":
                    await session.cancel()
                case "interrupt":
                    front = [(await session.prompt("now", when="interrupt")).turn]
                case "limit":
                    bench.gate.opened.set()
            assert [one.turn, two.turn] == [first.turn] * 2
            expected = [first.turn, *front, one.prompt, two.prompt, later.turn]
        await session.ended(expected[-1])
        assert await started(session) == expected


async def test_a_turn_that_stops_takes_nothing_up(tmp_path, autojump_clock) -> None:
    gate = trio.Event()

    async def lingers(arguments: Any, call: Any) -> str:
        with trio.CancelScope(shield=True):
            await gate.wait()
        return ""

    provider = ScriptedProvider(calls(("work", "{}")), otherwise=lambda request: says("fine"))
    async with kernel_host(tmp_path, FunctionTool("work", lingers), provider=provider) as host:
        session = await host.open()
        first = await session.prompt("do it")
        await trio.sleep(1)
        later = await session.prompt("later")
        await session.cancel()
        steer = await session.prompt("too late", when="steer")
        assert steer.turn == steer.prompt
        gate.set()
        await session.ended(steer.turn)
        assert await started(session) == [first.turn, later.turn, steer.turn]


class Frozen(MemoryStore):
    """Stops keeping anything at a chosen moment, as the death of its process would."""

    dead = False

    async def commit(self, batch: Batch) -> None:
        if self.dead:
            await trio.sleep_forever()
        await super().commit(batch)


@pytest.mark.promise("prompts.not_lost")
@pytest.mark.parametrize("when", ["steer", "break", "interrupt"])
async def test_after_a_crash_what_waits_runs_in_the_same_order(tmp_path, autojump_clock, when) -> None:
    store, stuck = Frozen(), Bench()
    first = ScriptedProvider(calls(("work", "{}")))
    async with kernel_host(tmp_path, FunctionTool("work", stuck.run), provider=first, store=store) as host:
        session = await host.open()
        await session.prompt("0")
        await stuck.gate.reached.wait()
        for text, how in (("2", "queue"), ("1", when)):
            if how == "interrupt":
                session.turn.closing = True  # it can't be stopped any more: what interrupts it waits, too
            await session.prompt(text, when=how)
        store.dead = True
        host.kernel._nursery.cancel_scope.cancel()
    store.dead = False
    second = ScriptedProvider(otherwise=lambda request: says("fine"))
    async with kernel_host(tmp_path, provider=second, store=store) as host:
        again = await host.kernel.session(session.id)
        assert [waiting.event.text for waiting in again.prompts()] == ["1", "2"]
        await host.run(again, "3")
        assert [request.messages[-1].text for request in second.requests] == ["1", "2", "3"]


# ── break ──


@pytest.mark.promise("prompts.break", "tools.one_result")
async def test_a_break_sets_the_rest_aside_is_answered_and_the_task_goes_on(tmp_path, autojump_clock) -> None:
    answers = says("Because of this"), says("All done")
    async with at_work(tmp_path, *answers, asked=3) as (host, session, turn, bench):
        assert (await session.prompt("why?", when="break")).turn == turn
        bench.gate.opened.set()
        assert await session.ended(turn) == e.TurnFinished(steps=3)
        assert await results(session) == [("call_0", ""), ("call_1", "set_aside"), ("call_2", "set_aside")]
        assert bench.ran == 1
        aside, onward = host.provider.requests[1:]
        assert (aside.tool_choice, onward.tool_choice) == ("none", "auto")
        assert aside.tools == onward.tools
        assert said(host, 1)[-1] == ("user", "why?")
        assert said(host, 2)[-2] == ("assistant", "Because of this")
        assert "go on with the task" in said(host, 2)[-1][1]
        assert [m.text for m in await session.messages()][-1] == "All done"


async def test_of_calls_side_by_side_those_that_run_run_to_their_end(tmp_path, autojump_clock) -> None:
    answers = says("So"), says("Done")
    async with at_work(tmp_path, *answers, effect="read", asked=12) as (_, session, turn, bench):
        await trio.sleep(1)
        assert bench.ran == 8
        await session.prompt("why?", when="break")
        bench.gate.opened.set()
        await session.ended(turn)
        codes = [code for _, code in await results(session)]
        assert (codes.count(""), codes.count("set_aside")) == (8, 4)


async def test_a_call_that_waits_for_an_approval_is_set_aside(tmp_path, autojump_clock) -> None:
    provider = ScriptedProvider(calls(("work", "{}")), says("To mend it"), says("Done"))
    bench = Bench()
    async with kernel_host(tmp_path, FunctionTool("work", bench.run, effect="write"), provider=provider) as host:
        session = await host.open()
        turn = (await session.prompt("do it")).turn
        await trio.sleep(1)
        (approval,) = session.approvals.of(turn)
        await session.prompt("why that?", when="break")
        assert await session.ended(turn) == e.TurnFinished(steps=3)
        with pytest.raises(Gone, match="since break"):
            await session.decide(approval, "allow")
        assert await results(session) == [("call_0", "set_aside")]
        (decided,) = [event for event in await events(session) if isinstance(event, e.ApprovalDecided)]
        assert (decided.decision, decided.by) == ("deny", "break")
        assert bench.ran == 0


async def test_a_break_while_the_approval_is_prepared_takes_it_back(tmp_path, autojump_clock) -> None:
    async def preview(arguments: Any, call: Any) -> str:
        await trio.sleep(2)
        return "what it would do"

    tool = FunctionTool("work", Bench().run, effect="write")
    tool.preview = preview  # type: ignore[attr-defined]
    provider = ScriptedProvider(calls(("work", "{}")), says("To mend it"), says("Done"))
    async with kernel_host(tmp_path, tool, provider=provider) as host:
        session = await host.open()
        turn = (await session.prompt("do it")).turn
        await trio.sleep(1)
        await session.prompt("why that?", when="break")
        assert await session.ended(turn) == e.TurnFinished(steps=3)
        decided = [event.by for event in await events(session) if isinstance(event, e.ApprovalDecided)]
        assert decided == ["break"]


async def test_to_break_in_again_and_again_makes_no_circle(tmp_path, autojump_clock) -> None:
    again = [answer for _ in range(3) for answer in (calls(("work", "{}")), says("Because"))]
    tool = FunctionTool("work", Bench().run, effect="write")
    async with kernel_host(tmp_path, tool, provider=ScriptedProvider(*again, says("Done"))) as host:
        session = await host.open()
        turn = (await session.prompt("do it")).turn
        for _ in range(3):
            await trio.sleep(1)
            await session.prompt("why?", when="break")
        assert await session.ended(turn) == e.TurnFinished(steps=7)


class Slow:
    """A policy that takes its time."""

    async def decide(self, call: Any) -> None:
        await trio.sleep(2)


async def test_a_break_before_the_approval_is_asked_for_asks_for_none(tmp_path, autojump_clock) -> None:
    provider = ScriptedProvider(calls(("work", "{}")), says("To mend it"), says("Done"))
    tool = FunctionTool("work", Bench().run, effect="write")
    async with kernel_host(tmp_path, tool, provider=provider, plugins={"slow": PolicyPlugin(Slow())}) as host:
        session = await host.open()
        turn = (await session.prompt("do it")).turn
        await trio.sleep(1)
        await session.prompt("why that?", when="break")
        assert await session.ended(turn) == e.TurnFinished(steps=3)
        assert not [event for event in await events(session) if isinstance(event, e.ApprovalWanted)]


async def test_a_model_that_calls_a_tool_all_the_same_gets_a_result_and_no_run(tmp_path, autojump_clock) -> None:
    answers = calls(("work", "{}"), text="Let me look"), says("Done")
    async with at_work(tmp_path, *answers) as (host, session, turn, bench):
        await session.prompt("why?", when="break")
        bench.gate.opened.set()
        assert await session.ended(turn) == e.TurnFinished(steps=3)
        assert [code for _, code in await results(session)] == ["", "set_aside"]
        assert bench.ran == 1
        assert said(host, 2)[-2] == ("user", "['Not run: no tool can be called in this step. Answer in words.']")


async def test_a_steer_and_a_break_come_in_their_order(tmp_path, autojump_clock) -> None:
    async with at_work(tmp_path, says("So"), says("Done")) as (host, session, turn, bench):
        await session.prompt("with tabs", when="steer")
        await session.prompt("why?", when="break")
        bench.gate.opened.set()
        await session.ended(turn)
        assert said(host, 1)[-2:] == [("user", "with tabs"), ("user", "why?")]


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_a_cancel_during_a_break_ends_the_turn(tmp_path, autojump_clock, moment) -> None:
    async with at_work(tmp_path, [Pause(100)], says("Anew")) as (_, session, turn, bench):
        asked = await session.prompt("why?", when="break")
        if moment == "after":
            bench.gate.opened.set()
            await trio.sleep(1)
        await session.cancel()
        assert isinstance(await session.ended(turn), e.TurnCancelled)
        await trio.sleep(200)
        assert await started(session) == ([turn] if moment == "after" else [turn, asked.prompt])


class Caller:
    """Calls a tool by itself, and asks no model."""

    name = "caller"
    description = "Calls the tool."

    async def run(self, turn: Any) -> str | None:
        await turn.call_tool("work", {})
        return None


async def test_a_strategys_own_call_is_not_set_aside(tmp_path, autojump_clock) -> None:
    bench = Bench()
    provider = ScriptedProvider(says("Fine"))
    tool = FunctionTool("work", bench.run, effect="write")
    async with kernel_host(tmp_path, tool, provider=provider, plugins={"c": StrategyPlugin(Caller())}) as host:
        session = await host.open()
        bench.gate.opened.set()
        first = await session.prompt("do it", strategy="caller")
        await trio.sleep(1)
        second = await session.prompt("why?", when="break")
        (approval,) = session.approvals.of(first.turn)
        await session.decide(approval, "allow")
        await session.ended(second.prompt)
        assert [code for _, code in await results(session)] == [""]


# ── withdraw ──


@pytest.mark.promise("prompts.withdrawn")
async def test_a_waiting_prompt_is_withdrawn_once_and_never_runs(tmp_path, autojump_clock) -> None:
    async with at_work(tmp_path, says("Done"), says("Next")) as (_, session, turn, bench):
        one, two, three = [await session.prompt(text, when=when) for text, when in WAITING]
        for prompt in (one, two):
            await session.withdraw(prompt.prompt)
            with pytest.raises(Gone):
                await session.withdraw(prompt.prompt)
        with pytest.raises(NotFound):
            await session.withdraw("none")
        with pytest.raises(Conflict):
            await session.withdraw(turn)
        bench.gate.opened.set()
        await session.ended(three.turn)
        assert await started(session) == [turn, three.turn]
        assert [m.text for m in await session.messages() if m.role == "user" and m.text] == ["do it", "c"]


WAITING = [("a", "queue"), ("b", "steer"), ("c", "queue")]


class Sluggish(MemoryStore):
    """Takes two seconds for each commit."""

    async def commit(self, batch: Batch) -> None:
        await trio.sleep(2)
        await super().commit(batch)


async def test_what_joins_can_not_be_withdrawn_meanwhile_nor_join_when_it_is(tmp_path, autojump_clock) -> None:
    bench, store = Bench(), Sluggish()
    provider = ScriptedProvider(calls(("work", "{}")), otherwise=lambda request: says("fine"))
    async with kernel_host(tmp_path, FunctionTool("work", bench.run), provider=provider, store=store) as host:
        session = await host.open()
        turn = (await session.prompt("do it")).turn
        await bench.gate.reached.wait()
        one, two = [await session.prompt(text, when="steer") for text in ("one", "two")]
        async with trio.open_nursery() as nursery:
            nursery.start_soon(session.withdraw, two.prompt)
            await trio.sleep(1)
            bench.gate.opened.set()
        reader = session.follow()
        while all(frame.type != "tool.finished" for frame in await reader.page()):
            pass
        await trio.sleep(1)  # what joins is being written
        with pytest.raises(Conflict):
            await session.withdraw(one.prompt)
        await session.ended(turn)
        joined = [event.prompt for event in await events(session) if isinstance(event, e.PromptJoined)]
        assert joined == [one.prompt]


async def test_what_waits_when_its_session_closes_stays_for_the_next_process(tmp_path, autojump_clock) -> None:
    store = MemoryStore()
    async with kernel_host(tmp_path, provider=ScriptedProvider([Pause(1000)]), store=store) as host:
        session = await host.open()
        await session.prompt("first")
        await session.prompt("second")
        await trio.sleep(1)
    provider = ScriptedProvider(otherwise=lambda request: says("fine"))
    async with kernel_host(tmp_path, provider=provider, store=store) as host:
        again = await host.kernel.session(session.id)
        assert [waiting.event.text for waiting in again.prompts()] == ["second"]
        assert len(await started(again)) == 1
