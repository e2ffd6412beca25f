"""A session: prompts, turns, cancel, limits, messages."""

from __future__ import annotations

import pytest
import trio

from pillion import Busy, Conflict, Limits, Text
from pillion import events as e
from pillion.testing.kit import FunctionTool, Host, events, kernel_host
from pillion.testing.scripted import Gate, Pause, Raise, ScriptedProvider, calls, says


def kinds(found: list[e.Event]) -> list[str]:
    return [e.type_of(event) for event in found]


async def test_a_prompt_is_answered(host: Host) -> None:
    host.provider.script(says("Hello you there"))
    session = await host.open()
    end = await host.run(session, "hi")
    assert end == e.TurnFinished(reason="done", steps=1)
    assert [message.text for message in await session.messages()] == ["hi", "Hello you there"]
    assert kinds(await events(session)) == [
        "session.opened", "prompt.queued", "turn.started", "step.started", "text.started", "text.finished",
        "usage.recorded", "message.finished", "turn.finished",
    ]  # fmt: skip


async def test_a_tool_is_called_and_its_result_goes_back(tmp_path, autojump_clock) -> None:
    async def shout(arguments, call) -> str:
        return arguments.text.upper()

    provider = ScriptedProvider(calls(("shout", '{"text":"abc"}')), says("It said ABC"))
    async with kernel_host(tmp_path, FunctionTool("shout", shout), provider=provider) as host:
        session = await host.open()
        assert (await host.run(session, "shout abc")).reason == "done"
        assert provider.requests[1].messages[-1].parts[0].text == "ABC"
        assert [message.role for message in await session.messages()] == ["user", "assistant", "user", "assistant"]


async def test_cancel_ends_the_stream(host: Host, autojump_clock) -> None:
    gate = Gate()
    host.provider.script([Text("working"), gate])
    session = await host.open()
    accepted = await session.prompt("go")
    await gate.reached.wait()
    assert await session.cancel()
    assert await session.ended(accepted.turn) == e.TurnCancelled()
    assert host.provider.running == 0
    ending = ["turn.stopping", "text.interrupted", "usage.recorded", "turn.cancelled"]
    assert kinds(await events(session))[-4:] == ending
    assert (await session.messages())[-1].text == "working"


async def test_cancel_without_a_turn_says_so(host: Host) -> None:
    session = await host.open()
    assert not await session.cancel()


@pytest.mark.promise("prompts.order")
async def test_prompts_wait_in_order(host: Host, autojump_clock) -> None:
    host.provider.script([Pause(5), *says("one")], says("two"), says("three"))
    session = await host.open()
    first, second, third = [await session.prompt(text) for text in ("1", "2", "3")]
    assert session.waiting == 2
    await session.ended(third.turn)
    started = [event.prompt for event in await events(session) if isinstance(event, e.TurnStarted)]
    assert started == [first.turn, second.turn, third.turn]


async def test_the_seventeenth_waiting_prompt_is_refused(host: Host, autojump_clock) -> None:
    host.provider.script([Pause(5), *says("one")])
    session = await host.open()
    for _ in range(17):
        await session.prompt("x")
    with pytest.raises(Busy):
        await session.prompt("x")


@pytest.mark.promise("prompts.interrupt", "prompts.bounded")
async def test_reject_and_interrupt(host: Host, autojump_clock) -> None:
    host.provider.script([Pause(100), *says("old")], says("new"))
    session = await host.open()
    first = await session.prompt("1")
    await trio.sleep(1)
    with pytest.raises(Conflict):
        await session.prompt("2", when="reject")
    second = await session.prompt("3", when="interrupt")
    assert isinstance(await session.ended(first.turn), e.TurnCancelled)
    assert await session.ended(second.turn) == e.TurnFinished(steps=1)


@pytest.mark.promise("sessions.limits")
@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (Limits(steps=2), "limit:steps"),
        (Limits(seconds=3), "limit:seconds"),
        (Limits(tokens=25), "limit:tokens"),
        (Limits(cost=0.5), "limit:cost"),
    ],
)
async def test_limits_end_a_turn(tmp_path, autojump_clock, limits: Limits, reason: str) -> None:
    from pillion import Usage, UsageSeen

    count = iter(range(100))

    async def tick(arguments, call) -> str:
        await trio.sleep(1)
        return str(next(count))

    spent = UsageSeen(Usage(input=8, output=2, cost=0.2))
    provider = ScriptedProvider(otherwise=lambda request: [spent, *calls(("tick", "{}"))])
    async with kernel_host(tmp_path, FunctionTool("tick", tick), provider=provider) as host:
        end = await host.run(await host.open(limits=limits), "go on")
        assert isinstance(end, e.TurnFinished)
        assert end.reason == reason
        assert next(count) <= 4


@pytest.mark.promise("turns.stuck")
async def test_the_same_call_with_the_same_result_three_times_is_stuck(tmp_path, autojump_clock) -> None:
    async def same(arguments, call) -> str:
        return "same"

    provider = ScriptedProvider(otherwise=lambda request: calls(("same", "{}")))
    async with kernel_host(tmp_path, FunctionTool("same", same), provider=provider) as host:
        end = await host.run(await host.open(), "go on")
        assert isinstance(end, e.TurnFailed)
        assert end.code == "stuck"
        assert len(provider.requests) == 3


async def test_a_provider_that_raises_fails_the_turn_and_the_next_works(host: Host) -> None:
    host.provider.script([Text("half"), Raise(ValueError("bug"))], says("fine"))
    session = await host.open()
    end = await host.run(session, "1")
    assert isinstance(end, e.TurnFailed)
    assert (end.code, "bug" in end.message) == ("provider", False)
    assert await host.run(session, "2") == e.TurnFinished(steps=1)


@pytest.mark.promise("models.half_answer")
async def test_a_stream_without_a_finish_is_a_fault(host: Host) -> None:
    host.provider.script([Text("half")])
    end = await host.run(await host.open(), "1")
    assert isinstance(end, e.TurnFailed)
    assert end.code == "provider_down"
