"""Random orders of letters (Prompt, Withdraw, Cancel, Decide, Note) and time against a small model of the actor."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
import trio
import trio.testing
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pillion import Busy, Conflict, NotFound
from pillion import events as e
from pillion.actor import WAITING
from pillion.errors import Gone
from pillion.testing.kit import FunctionTool, events, kernel_host
from pillion.testing.scripted import Pause, ScriptedProvider, calls, says

PROMPTS = ("queue", "interrupt", "reject", "steer", "break")
OTHERS = ("call", "cancel", "allow", "deny", "answer", "withdraw", "note", "wait", "wait", "long")
MOVES = st.lists(st.sampled_from(PROMPTS + OTHERS), min_size=8, max_size=40)


async def fine(arguments, call) -> str:
    return f"fine: {(await call.ask('really?')).answer}"


def answers(request):  # type: ignore[no-untyped-def]
    """Thinks for two seconds; asks for a call that needs an approval where it may, and then says so."""
    asked = any(type(part).__name__ == "ToolResult" for part in request.messages[-1].parts)
    return [Pause(2), *(says("done") if asked or request.tool_choice == "none" else calls(("w", "{}"), text="may I?"))]


async def play(moves: list[str], folder: Path) -> list[e.Event]:
    provider = ScriptedProvider(otherwise=answers)
    tool = FunctionTool("w", fine, effect="write")
    async with kernel_host(folder, tool, provider=provider, deadlines__approval=20.0, deadlines__question=20.0) as host:
        session = await host.open()
        for move in moves:
            await trio.testing.wait_all_tasks_blocked()  # what is seen now is what the letter meets
            open_approvals, open_questions = session.approvals.open(), session.questions.open()
            match move:
                case "queue" | "interrupt" | "reject" | "steer" | "break":
                    busy = session.state != "idle" or session.waiting > 0
                    full = session.waiting >= WAITING
                    turn = session.turn
                    joins = move in ("steer", "break") and turn is not None and turn.goes_on
                    try:
                        accepted = await session.prompt(move, when=move)
                        assert accepted.turn == (turn.id if joins else accepted.prompt)
                        assert not (
                            joins
                            and move == "break"
                            and [*session.approvals.of(turn.id), *session.questions.of(turn.id)]
                        )
                        assert not (full or (move == "reject" and busy))
                    except Conflict:
                        assert move == "reject"
                        assert busy
                    except Busy:
                        assert full
                case "call":
                    full = session.waiting >= WAITING
                    try:
                        await session.call_tool("w", {}, when="queue")
                        assert not full
                    except Busy:
                        assert full
                case "cancel":
                    turn = session.turn  # one whose end is being written can't be stopped any more
                    running = turn is not None and (turn.stopping or not turn.closing)
                    assert await session.cancel() == running
                case "withdraw":
                    waiting = [prompt.id for prompt in session.prompts()]
                    for prompt in waiting[1:2]:
                        await session.withdraw(prompt)
                        assert [prompt.id for prompt in session.prompts()] == [waiting[0], *waiting[2:]]
                case "allow" | "deny":
                    try:
                        await session.decide(open_approvals[0] if open_approvals else "none", move)
                        assert open_approvals
                    except (NotFound, Gone, Conflict):
                        assert not open_approvals or session.state == "stopping"
                case "answer":
                    try:
                        await session.answer(open_questions[0] if open_questions else "none", "yes")
                        assert open_questions
                    except (NotFound, Gone, Conflict):
                        assert not open_questions or session.state == "stopping"
                case "note":
                    await session.note(e.StepStarted(model="note"))
                case _:
                    await trio.sleep(1 if move == "wait" else 30)
        with trio.fail_after(100_000):
            while session.state != "idle" or session.waiting:  # noqa: ASYNC110 - time must pass for what is asked
                await trio.sleep(5)
        return await events(session)


def place(event: e.PromptQueued, queued: list[e.PromptQueued]) -> int:
    """Where it stands in the queue: what interrupts or joins is first, but behind those that join the same turn."""
    if not event.joins and event.when != "interrupt":
        return len(queued)
    same = [i for i, other in enumerate(queued, 1) if event.joins and other.joins == event.joins]
    return max(same, default=0)


def check(found: list[e.Event]) -> None:
    """What the log of any session must look like."""
    running, queued, open_items, asked = "", [], set(), set()
    prompts: dict[str, e.PromptQueued] = {}
    for seq, event in enumerate(found, 1):
        if event.opens:
            open_items.add(seq)
        if isinstance(event, e.Closing):
            open_items.remove(event.item)
        match event:
            case e.PromptQueued(prompt=prompt, joins=joins):
                assert joins == running or not joins or not running  # it was about to begin, or has just ended
                prompts[prompt] = event
                queued.insert(place(event, [prompts[other] for other in queued]), prompt)
            case e.PromptDropped(prompt=prompt):
                queued.remove(prompt)
            case e.PromptJoined(prompt=prompt, when=when):
                assert prompts[prompt].when == when
                assert prompt == next(other for other in queued if prompts[other].joins == running)
                queued.remove(prompt)
            case e.TurnStarted(prompt=prompt):
                assert not running
                overtaken = [prompts[other] for other in queued[: queued.index(prompt)]]
                assert all(other.when == "interrupt" or other.joins == prompt for other in overtaken)
                queued.remove(prompt)
                running = prompt
            case e.ApprovalWanted(approval=approval):
                asked.add(approval)
            case e.ApprovalDecided(approval=approval):
                asked.remove(approval)
            case e.QuestionAsked(question=question):
                asked.add(question)
            case e.QuestionAnswered(question=question):
                asked.remove(question)
            case e.TurnFinished() | e.TurnCancelled() | e.TurnFailed():
                assert running
                assert not open_items
                assert not asked
                running = ""
    assert not running
    assert not queued


@pytest.mark.promise("events.gapless")
@settings(
    max_examples=120 if os.environ.get("PILLION_LONG") else 40, deadline=None, suppress_health_check=list(HealthCheck)
)
@given(MOVES)
def test_any_order_of_letters_leaves_a_sound_log(moves: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        clock = trio.testing.MockClock(autojump_threshold=0)
        check(trio.run(play, moves, Path(folder), clock=clock))
