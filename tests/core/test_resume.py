"""A turn that did not come to its end goes on from its last finished step, and nothing is run twice."""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from typing import Any

import pytest
import trio
import trio.testing

from pillion import Conflict, Finish, Image, ModelInfo, Text, Turn
from pillion import events as e
from pillion.memorystore import MemoryStore
from pillion.testing.kit import FunctionTool, StrategyPlugin, events, kernel_host
from pillion.testing.scripted import Answer, Gate, Pause, Raise, ScriptedProvider, calls, says
from pillion.turn import RESTART
from pillion.values import ToolResult

LOST = 0.25
"""Seconds of growing text that a death of the process may cost."""


class Runs(FunctionTool):
    """A tool that counts its runs and can be stopped in the middle of one."""

    def __init__(self, hang_at: int = 0) -> None:
        super().__init__("work", self._work)
        self.count, self._hang_at = 0, hang_at

    async def _work(self, arguments: Any, call: Any) -> str:
        self.count += 1
        if self.count == self._hang_at:
            call.output("half")
            await trio.sleep_forever()
        return f"run {self.count}"


def told(provider: ScriptedProvider, request: int = -1) -> list[str]:
    """What the model got, one string a message."""
    return [
        " ".join(part.text for part in message.parts if isinstance(part, Text | ToolResult))
        for message in provider.requests[request].messages
    ]


async def killed(tmp_path: Any, tool: Runs, *answers: Answer) -> tuple[MemoryStore, str, str]:
    """What is kept when the process dies in the tool; the ids of session and turn."""
    store = MemoryStore()
    async with kernel_host(tmp_path, tool, provider=ScriptedProvider(*answers), store=store) as host:
        session = await host.open()
        accepted = await session.prompt("build it")
        await trio.sleep(1)
        return copy.deepcopy(store), session.id, accepted.turn


@pytest.mark.promise("sessions.resume")
async def test_a_killed_turn_goes_on_from_its_last_finished_step(tmp_path, autojump_clock) -> None:
    tool = Runs(hang_at=2)
    store, id, turn = await killed(tmp_path, tool, calls(("work", "{}")), calls(("work", '{"text": "b"}')))
    provider = ScriptedProvider(says("done"))
    async with kernel_host(tmp_path, tool, provider=provider, store=store) as host:
        session = await host.kernel.session(id)
        accepted = await session.resume()
        assert await session.ended(accepted.turn, accepted.after) == e.TurnFinished(steps=1)
        assert tool.count == 2, "neither call is run again"
        prompt, _, first, _, second, restart = told(provider)
        assert (prompt, first, restart) == ("build it", "run 1", RESTART)
        assert second == "half\nThe call was interrupted; whether it took effect is unknown."
        found = await events(session)
        (again,) = [event for event in found if isinstance(event, e.PromptQueued) and event.resumes]
        assert (again.resumes, again.text) == (turn, "")
        assert isinstance(session.last.end if session.last else None, e.TurnFinished)
        assert accepted.turn == accepted.prompt == again.prompt != turn


async def test_what_the_prompt_asked_for_applies_again(tmp_path, autojump_clock) -> None:
    class Other:
        name = "other"
        description = "For tests."

        async def run(self, turn: Turn) -> None:
            await turn.step(answer=True)

    store, gate = MemoryStore(), Gate()
    models = [ModelInfo(f"scripted/{name}", context=100_000, output=4_000) for name in ("one", "two")]
    plugins = {"other": StrategyPlugin(Other())}
    picture = Image("image/png", b"\x89PNG\r\n\x1a\n")
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    wanted: dict[str, Any] = {"strategy": "other", "model": "scripted/two", "schema": schema, "images": [picture]}
    provider = ScriptedProvider([gate], models=models)
    async with kernel_host(tmp_path, provider=provider, plugins=plugins, store=store) as host:
        session = await host.open()
        await session.prompt("count", **wanted)
        await gate.reached.wait()
        store = copy.deepcopy(store)
    provider = ScriptedProvider(says('{"n": 3}'), models=models)
    async with kernel_host(tmp_path, provider=provider, plugins=plugins, store=store) as host:
        session = await host.kernel.session(session.id)
        accepted = await session.resume()
        end = await session.ended(accepted.turn, accepted.after)
        assert isinstance(end, e.TurnFinished)
        assert end.answer == {"n": 3}
        (request,) = provider.requests
        assert (request.model, request.schema) == ("scripted/two", schema)
        assert request.messages[0].parts[0] == picture
        (started,) = [s for s in await events(session, accepted.after) if isinstance(s, e.TurnStarted)]
        assert started.strategy == "other"


async def test_a_failed_turn_goes_on_and_may_fail_and_go_on_again(tmp_path, autojump_clock) -> None:
    down = [Text("half"), Raise(ValueError("bug"))]
    provider = ScriptedProvider(calls(("work", "{}")), down, down, says("done"))
    tool = Runs()
    async with kernel_host(tmp_path, tool, provider=provider) as host:
        session = await host.open()
        assert isinstance(await host.run(session, "build it"), e.TurnFailed)
        accepted = await session.resume()
        assert isinstance(await session.ended(accepted.turn, accepted.after), e.TurnFailed)
        accepted = await session.resume()
        assert await session.ended(accepted.turn, accepted.after) == e.TurnFinished(steps=1)
        assert told(provider) == ["build it", "", "run 1", "half", RESTART, "half", RESTART]
        assert tool.count == 1


async def test_prompts_that_waited_run_behind_what_is_resumed(tmp_path, autojump_clock) -> None:
    store, gate = MemoryStore(), Gate()
    async with kernel_host(tmp_path, provider=ScriptedProvider([gate]), store=store) as host:
        session = await host.open()
        turns = [(await session.prompt(text)).turn for text in "abc"]
        await gate.reached.wait()
        store = copy.deepcopy(store)
    provider = ScriptedProvider(*(says(text) for text in "ABC"))
    async with kernel_host(tmp_path, provider=provider, store=store) as host:
        session = await host.kernel.session(session.id)
        await trio.testing.wait_all_tasks_blocked()
        assert (session.state, session.waiting) == ("idle", 2), "they wait until somebody says something"
        accepted = await session.resume()
        assert [waiting.id for waiting in session.prompts()] == turns[1:]
        await session.ended(turns[2])
        begun = [event.prompt for event in await events(session) if isinstance(event, e.TurnStarted)]
        assert begun == [turns[0], accepted.turn, *turns[1:]]
        assert told(provider) == ["a", RESTART, "A", "b", "B", "c"]


class Noting(MemoryStore):
    """Keeps what was there when an event with `words` had become durable."""

    def __init__(self, words: bytes) -> None:
        super().__init__()
        self.words = words
        self.kept: MemoryStore

    async def commit(self, batch: Any) -> None:
        await super().commit(batch)
        if any(self.words in record.data for record in batch.records):
            self.kept = MemoryStore()
            self.kept._logs, self.kept._blobs = copy.deepcopy(self._logs), dict(self._blobs)


async def test_with_nothing_interrupted_resume_starts_what_waits(tmp_path, autojump_clock) -> None:
    store = Noting(b"prompt.queued")
    async with kernel_host(tmp_path, provider=ScriptedProvider(says("lost")), store=store) as host:
        session = await host.open()
        waiting = await session.prompt("a")
    async with kernel_host(tmp_path, provider=ScriptedProvider(says("A")), store=store.kept) as host:
        session = await host.kernel.session(session.id)
        accepted = await session.resume()
        assert accepted.turn == waiting.turn
        assert await session.ended(accepted.turn, accepted.after) == e.TurnFinished(steps=1)


async def test_what_was_resumed_and_not_begun_is_not_queued_twice(tmp_path, autojump_clock) -> None:
    before, id, _ = await killed(tmp_path, Runs(hang_at=1), calls(("work", "{}")))
    store = Noting(b'"resumes"')
    store._logs = before._logs
    async with kernel_host(tmp_path, provider=ScriptedProvider(says("lost")), store=store) as host:
        first = await (await host.kernel.session(id)).resume()
    async with kernel_host(tmp_path, provider=ScriptedProvider(says("done")), store=store.kept) as host:
        session = await host.kernel.session(id)
        second = await session.resume()
        assert second.turn == first.turn
        assert await session.ended(second.turn, second.after) == e.TurnFinished(steps=1)
        assert session.waiting == 0


@pytest.mark.parametrize("answers", [[], [says("done")]], ids=["new", "done"])
async def test_with_neither_there_is_a_conflict(tmp_path, autojump_clock, answers: Sequence[Answer]) -> None:
    async with kernel_host(tmp_path, provider=ScriptedProvider(*answers)) as host:
        session = await host.open()
        for _ in answers:
            await host.run(session, "a")
        head = session.head
        with pytest.raises(Conflict, match="nothing to resume"):
            await session.resume()
        assert session.head == head


async def test_a_cancelled_turn_is_not_resumed_and_a_running_one_neither(tmp_path, autojump_clock) -> None:
    gate = Gate()
    async with kernel_host(tmp_path, provider=ScriptedProvider([gate])) as host:
        session = await host.open()
        accepted = await session.prompt("a")
        await gate.reached.wait()
        with pytest.raises(Conflict, match="A turn is running"):
            await session.resume()
        await session.cancel()
        await session.ended(accepted.turn)
        await session.idle()
        with pytest.raises(Conflict, match="nothing to resume"):
            await session.resume()


async def test_the_single_call_of_a_tool_is_not_run_again(tmp_path, autojump_clock) -> None:
    store, tool = MemoryStore(), Runs(hang_at=1)
    async with kernel_host(tmp_path, tool, store=store) as host:
        session = await host.open()
        await session.call_tool("work", {})
        await trio.sleep(1)
        store = copy.deepcopy(store)
    async with kernel_host(tmp_path, tool, store=store) as host:
        session = await host.kernel.session(session.id)
        with pytest.raises(Conflict, match="one call of a tool"):
            await session.resume()
        assert (tool.count, session.last and session.last.resumable) == (1, False)


class Delegates:
    """Hands its prompt to a child."""

    name = "delegates"
    description = "For tests."

    def __init__(self) -> None:
        self.child = ""

    async def run(self, turn: Turn) -> None:
        async with turn.child(strategy="loop") as child:
            self.child = child.id
            await child.ended((await child.prompt("part")).turn)


async def test_a_child_whose_parents_process_died_is_over_in_both_logs(tmp_path, autojump_clock) -> None:
    store, gate, strategy = MemoryStore(), Gate(), Delegates()
    plugins = {"delegates": StrategyPlugin(strategy)}
    async with kernel_host(tmp_path, provider=ScriptedProvider([gate]), plugins=plugins, store=store) as host:
        session = await host.open(strategy="delegates")
        await session.prompt("go")
        await gate.reached.wait()
        store = copy.deepcopy(store)
    async with kernel_host(tmp_path, store=store) as host:
        parent = await events(await host.kernel.session(session.id))
        assert parent[-2:] == [e.ChildInterrupted(child=strategy.child), e.TurnInterrupted()]
        child = await host.kernel.session(strategy.child)
        assert (await events(child))[-1] == e.TurnInterrupted()
        assert child.state == "idle"


async def test_a_child_of_a_cancelled_turn_is_over_in_the_parents_log(tmp_path, autojump_clock) -> None:
    gate, strategy = Gate(), Delegates()
    plugins = {"delegates": StrategyPlugin(strategy)}
    async with kernel_host(tmp_path, provider=ScriptedProvider([gate]), plugins=plugins) as host:
        session = await host.open(strategy="delegates")
        accepted = await session.prompt("go")
        await gate.reached.wait()
        await session.cancel()
        await session.ended(accepted.turn)
        assert (await events(session))[-2] == e.ChildInterrupted(child=strategy.child)


@pytest.mark.promise("storage.kill")
async def test_of_growing_text_no_more_than_a_quarter_second_is_lost(tmp_path, autojump_clock) -> None:
    store = MemoryStore()
    shown, text, told = [(0.0, "")], "", 0
    words = [part for n in range(150) for part in (Text(f"word{n} "), Pause(0.01))]
    async with kernel_host(tmp_path, provider=ScriptedProvider([*words, Finish("stop")]), store=store) as host:
        session = await host.open()
        reader = session.follow("latest")
        await session.prompt("go")
        while told < 100:
            frames = await reader.page()
            told += len(frames)
            text += "".join(json.loads(frame.data)["text"] for frame in frames if frame.type == "text.delta")
            shown.append((trio.current_time(), text))
            await trio.sleep(0.004)  # no moment is that of a flush
            drafts = (await copy.deepcopy(store).open(session.id)).drafts
            in_time = [text for seen, text in shown if seen <= trio.current_time() - LOST]
            assert "".join(draft.text for draft in drafts).startswith(in_time[-1] if in_time else "")
