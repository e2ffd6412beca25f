"""Witnesses: told of steps, waited for before a change, never in a turn's way."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import trio

from pillion import Call, Effect, Turn, TurnInfo, hookimpl
from pillion.contracts.policy import Allow, Ask, JudgedCall, Verdict
from pillion.contracts.witness import Witness
from pillion.events import TurnCancelled, TurnFinished
from pillion.testing.kit import Anything, FunctionTool, PolicyPlugin, kernel_host
from pillion.testing.scripted import Gate, ScriptedProvider, calls, says


class Told:
    """Notes what it is told of; `slow` seconds in each."""

    def __init__(self, seen: list[str], *, slow: float = 0, fails: bool = False) -> None:
        self._seen, self._slow, self._fails = seen, slow, fails

    @hookimpl
    def register_witnesses(self, turn: TurnInfo) -> Sequence[Witness]:
        return [self]

    async def step(self, turn: Turn) -> None:
        await self._note(f"step {turn.steps}")

    async def before(self, turn: Turn, effect: Effect) -> None:
        await self._note(f"before {effect}")

    async def leave(self, turn: Turn) -> None:
        await self._note("leave")

    async def _note(self, what: str) -> None:
        await trio.sleep(self._slow)
        self._seen.append(what)
        if self._fails:
            raise ValueError


class Permits:
    async def decide(self, call: JudgedCall) -> Verdict:
        return Ask("look first") if call.tool == "asks" else Allow()


def tools(seen: list[str]) -> list[FunctionTool]:
    async def run(arguments: Anything, call: Call) -> str:
        seen.append("ran")
        return "done"

    effects: list[Effect] = ["read", "write", "execute"]
    return [*(FunctionTool(effect, run, effect) for effect in effects), FunctionTool("asks", run, "write")]


async def test_a_call_that_changes_something_waits_for_them(tmp_path: Path, autojump_clock: trio.abc.Clock) -> None:
    seen: list[str] = []
    provider = ScriptedProvider(calls(("write", "{}"), ("read", "{}"), ("execute", "{}")), says("done"))
    plugins = {"told": Told(seen, slow=5), "permits": PolicyPlugin(Permits())}
    async with kernel_host(tmp_path, *tools(seen), provider=provider, plugins=plugins) as host:
        assert isinstance(await host.run(await host.open(), "go"), TurnFinished)
    assert [one for one in seen if one != "step 1"] == [
        "before write", "ran", "ran", "before execute", "ran", "leave",
    ]  # fmt: skip
    assert "step 1" in seen


async def test_it_is_told_behind_the_approval(tmp_path: Path, autojump_clock: trio.abc.Clock) -> None:
    seen: list[str] = []
    provider = ScriptedProvider(calls(("asks", "{}")), says("done"))
    plugins = {"told": Told(seen), "permits": PolicyPlugin(Permits())}
    async with kernel_host(tmp_path, *tools(seen), provider=provider, plugins=plugins) as host:
        await host.run(await host.open(), "go")
    assert "before write" not in seen and "ran" not in seen  # nobody answered


async def test_one_that_fails_or_hangs_keeps_no_turn(tmp_path: Path, autojump_clock: trio.abc.Clock) -> None:
    seen: list[str] = []
    provider = ScriptedProvider(calls(("write", "{}")), says("done"))
    plugins = {
        "fails": Told(seen, fails=True), "hangs": Told([], slow=100_000), "permits": PolicyPlugin(Permits()),
    }  # fmt: skip
    async with kernel_host(tmp_path, *tools(seen), provider=provider, plugins=plugins) as host:
        assert isinstance(await host.run(await host.open(), "go"), TurnFinished)
    assert seen == ["step 1", "before write", "ran", "step 2", "leave"]


async def test_it_sees_the_end_of_a_turn_that_is_stopped(tmp_path: Path, autojump_clock: trio.abc.Clock) -> None:
    seen: list[str] = []
    gate = Gate()
    async with kernel_host(tmp_path, provider=ScriptedProvider([gate]), plugins={"told": Told(seen)}) as host:
        session = await host.open()
        accepted = await session.prompt("go")
        await gate.reached.wait()
        await session.cancel()
        assert isinstance(await session.ended(accepted.turn, accepted.after), TurnCancelled)
    assert seen == ["step 1", "leave"]
