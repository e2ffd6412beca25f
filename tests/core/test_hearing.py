"""A tool that hears its call while a model writes it: all of the text, in time, and nothing of what is void."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing

from pillion import events as e
from pillion import hearing
from pillion.contracts.provider import CallPart, Finish, Restart
from pillion.contracts.tool import Heard
from pillion.testing.kit import FunctionTool, events, kernel_host
from pillion.testing.scripted import Gate, Raise, ScriptedProvider, calls, says

PIECES = ('{"te', 'xt": ', '"a', 'b"}')
WRITTEN = [CallPart(0, "c1", "ears"), *(CallPart(0, arguments=piece) for piece in PIECES)]


class Ears(FunctionTool):
    """Keeps what it hears, and whether it was all. `then` is what it does at each piece."""

    def __init__(self, then: Callable[[str], Any] | None = None) -> None:
        super().__init__("ears", self._run)
        self.heard: list[str] = []
        self.ends: list[str] = []
        self.running = 0
        self._then = then

    async def hear(self, pieces: AsyncIterator[str], call: Heard) -> None:
        mine = len(self.ends)
        self.ends.append("cut")
        self.running += 1
        try:
            async for piece in pieces:
                self.heard.append(piece)
                call.progress(f"{call.id} has {len(piece)}")
                if self._then is not None:
                    await self._then(piece)
            self.ends[mine] = "whole"
        finally:
            self.running -= 1

    async def _run(self, arguments: Any, call: Any) -> str:
        return f"{call.id}: {arguments.text}"


async def ran(folder: Path, ears: Ears, *answers: Any, **options: Any) -> tuple[e.Event, list[e.Event]]:
    async with kernel_host(folder, ears, provider=ScriptedProvider(*answers)) as host:
        session = await host.open()
        ending = await host.run(session, "go", **options)
        return ending, await events(session)


def results(told: list[e.Event]) -> list[str]:
    return [event.text for event in told if isinstance(event, e.ToolFinished)]


async def test_it_hears_all_before_it_runs(tmp_path: Path, autojump_clock: Any) -> None:
    ears = Ears()
    ending, _ = await ran(tmp_path, ears, [*WRITTEN, Finish("tool_calls")], says("done"))
    assert isinstance(ending, e.TurnFinished)
    assert "".join(ears.heard) == "".join(PIECES) and ears.ends == ["whole"]


async def test_it_hears_while_the_model_still_writes(tmp_path: Path, autojump_clock: Any) -> None:
    gate, ears = Gate(), Ears()
    async with kernel_host(tmp_path, ears, provider=ScriptedProvider([*WRITTEN[:3], gate])) as host:
        session = await host.open()
        watcher = session.follow("latest")
        await session.prompt("go")
        with trio.fail_after(60):
            await gate.reached.wait()
            seen: dict[str, bytes] = {}
            while "tool.progress" not in seen:
                seen |= {frame.type: frame.data for frame in await watcher.page()}
        assert "".join(ears.heard) == "".join(PIECES[:2]) and "call.finished" not in seen
        told = e.decode("tool.progress", seen["tool.progress"])
        assert isinstance(told, e.ToolProgress) and told.call and told.note.startswith(told.call)
        await session.cancel()
    assert ears.ends == ["cut"]


async def test_a_slow_one_gets_larger_pieces_and_the_model_does_not_wait(tmp_path: Path, autojump_clock: Any) -> None:
    async def slow(_: str) -> None:
        await trio.sleep(1)

    ears = Ears(slow)
    await ran(tmp_path, ears, [*WRITTEN, Finish("tool_calls")], says("done"))
    assert "".join(ears.heard) == "".join(PIECES) and len(ears.heard) < len(PIECES)


async def test_what_is_void_is_not_heard_on(tmp_path: Path, autojump_clock: Any) -> None:
    written, begun, ears = Gate(), Gate(), Ears()
    again = [*WRITTEN[:3], written, Restart("busy", "scripted/one"), begun, *WRITTEN, Finish("tool_calls")]
    async with kernel_host(tmp_path, ears, provider=ScriptedProvider(again, says("done"))) as host:
        session = await host.open()
        accepted = await session.prompt("go")
        for gate, running in (written, 1), (begun, 0):
            with trio.fail_after(60):
                await gate.reached.wait()
            await trio.testing.wait_all_tasks_blocked()
            assert ears.running == running
            gate.opened.set()
        await session.ended(accepted.turn, accepted.after)
    assert ears.ends == ["cut", "whole"] and "".join(ears.heard) == "".join(PIECES[:2] + PIECES)


async def test_a_stream_that_fails_ends_it(tmp_path: Path, autojump_clock: Any) -> None:
    ears = Ears()
    ending, _ = await ran(tmp_path, ears, [*WRITTEN, Raise(ValueError("torn"))])
    assert isinstance(ending, e.TurnFailed) and "whole" not in ears.ends


async def test_one_that_fails_while_it_hears_runs_all_the_same(tmp_path: Path, autojump_clock: Any) -> None:
    async def fails(piece: str) -> None:
        raise KeyError(piece)

    ending, told = await ran(tmp_path, Ears(fails), [*WRITTEN, Finish("tool_calls")], says("done"))
    assert isinstance(ending, e.TurnFinished) and len(results(told)) == 1


async def test_one_that_hangs_is_not_waited_for_long(tmp_path: Path, autojump_clock: Any) -> None:
    async def hangs(_: str) -> None:
        await trio.sleep_forever()

    ears, began = Ears(hangs), trio.current_time()
    ending, told = await ran(tmp_path, ears, [*WRITTEN, Finish("tool_calls")], says("done"))
    assert isinstance(ending, e.TurnFinished) and len(results(told)) == 1 and ears.ends == ["cut"]
    assert trio.current_time() - began >= hearing.SECONDS


async def test_a_call_that_may_not_be_made_is_not_heard(tmp_path: Path, autojump_clock: Any) -> None:
    ears = Ears()
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    form = [*calls(("ears", "{}"))[:-1], Finish("stop")]
    ending, _ = await ran(tmp_path, ears, says("Three."), form, says('{"n": 3}'), schema=schema)
    assert isinstance(ending, e.TurnFinished) and ending.answer == {"n": 3} and ears.ends == []


@pytest.mark.parametrize("count", [1, 3])
async def test_each_call_of_a_message_is_heard_by_itself(tmp_path: Path, count: int, autojump_clock: Any) -> None:
    ears = Ears()
    await ran(tmp_path, ears, calls(*[("ears", f'{{"text": "{number}"}}') for number in range(count)]), says("done"))
    assert sorted(ears.heard) == [f'{{"text": "{number}"}}' for number in range(count)]
    assert ears.ends == ["whole"] * count
