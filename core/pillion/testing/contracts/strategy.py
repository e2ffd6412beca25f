"""What every strategy must do, whatever it is good for."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import trio

from ... import events as e
from ...contracts.policy import Allow
from ...contracts.provider import Request
from ...contracts.strategy import Strategy
from ...errors import ProviderRefused
from ...values import Limits, Text
from ..kit import FunctionTool, Host, PolicyPlugin, StrategyPlugin, kernel_host
from ..scripted import Answer, Gate, Raise, ScriptedProvider, calls, says
from .plain import plain_failures


class StrategyContract:
    """Override `strategy`; and `answers`, if its model must say something else than words."""

    seconds = 60.0
    """What one turn may take."""
    uses_model = True
    """False for strategies like undo, which ask nobody."""
    prompt = "What is in this folder?"

    def strategy(self) -> Strategy:
        raise NotImplementedError("Override strategy().")

    def answers(self, request: Request) -> Answer:
        """What the model says to any request of a turn that goes well."""
        return says("There is one file.")

    def prepare(self, folder: Path) -> None:
        """Puts into the workspace what the strategy needs."""
        (folder / "README.md").write_text("# A folder of a test\n", "utf-8")

    # ── the checks ──

    async def test_it_says_what_it_is(self) -> None:
        strategy = self.strategy()
        assert isinstance(strategy, Strategy), "A strategy has name, description and `async def run(turn)`."
        assert strategy.name.replace("_", "").replace("-", "").isalnum(), f"{strategy.name!r} is no plain name."
        assert strategy.name != "auto", "`auto` is the word for choosing one."
        assert strategy.description, "Its description is empty: people choose by it."

    async def test_a_turn_ends_with_a_reason(self) -> None:
        async with self._host(self.answers) as host:
            end = await self._run(host)
            assert isinstance(end, e.TurnFinished), f"A turn that goes well ended with {end}."
            known = end.reason in ("done", "question") or end.reason.startswith("limit:")
            assert known, f"{end.reason!r} is no reason to end: they are done, question and limit:…"

    async def test_it_keeps_nothing_between_turns_and_sessions(self) -> None:
        async with self._host(self.answers) as host:
            session, ends = await host.open(strategy=self.strategy().name), []
            for _ in range(2):
                ends.append(await self._run(host, session))
            async with trio.open_nursery() as nursery:
                for _ in range(2):
                    nursery.start_soon(self._into, host, ends)
            same = all(isinstance(end, e.TurnFinished) for end in ends)
            assert same, f"Of two turns and two sessions at once, not all ended well: {ends}."

    async def test_a_cancel_stops_it(self) -> None:
        if not self.uses_model:
            return
        gate = Gate()
        async with self._host(lambda request: [Text("half an"), gate]) as host:
            with trio.fail_after(self.seconds):
                session = await host.open(strategy=self.strategy().name)
                accepted = await session.prompt(self.prompt)
                await gate.reached.wait()
                await session.cancel()
                end = await session.ended(accepted.turn)
            assert isinstance(end, e.TurnCancelled), f"A cancelled turn ended with {end}."
            assert not end.leftovers, "The strategy did not let go: trio.Cancelled must pass through it."
            assert host.provider.running == 0, "After the cancel its model call is still open."

    async def test_a_providers_error_ends_the_turn(self) -> None:
        if not self.uses_model:
            return
        refused = ProviderRefused("This key is not valid.")
        async with self._host(lambda request: [Text("half"), Raise(refused)]) as host:
            end = await self._run(host)
            passed = isinstance(end, e.TurnFailed) and end.code == "provider_refused"
            assert passed, f"A provider's error must pass through the strategy; the turn ended with {end}."

    async def test_a_limit_ends_the_turn(self) -> None:
        if not self.uses_model:
            return
        count = itertools.count()

        async def look(arguments: Any, call: Any) -> str:
            return f"thing {next(count)}"

        tool = FunctionTool("look", look)
        async with self._host(lambda request: calls(("look", "{}")), tool) as host:
            end = await self._run(host, await host.open(strategy=self.strategy().name, limits=Limits(steps=3)))
            ended = isinstance(end, e.TurnFinished) and (end.reason == "limit:steps" or end.steps <= 3)
            assert ended, f"BudgetSpent must pass through the strategy; the turn ended with {end}."
            assert len(host.provider.requests) <= 3, "The strategy asked the model more often than the limit says."

    @asynccontextmanager
    async def _host(self, answers: Callable[[Request], Answer], *tools: Any) -> AsyncIterator[Host]:
        plugins = {"contract": StrategyPlugin(self.strategy()), "policy": PolicyPlugin(_Allows())}
        with plain_failures(), tempfile.TemporaryDirectory() as folder:
            self.prepare(Path(folder))
            provider = ScriptedProvider(otherwise=answers)
            async with kernel_host(Path(folder), *tools, provider=provider, plugins=plugins) as host:
                yield host

    async def _run(self, host: Host, session: Any = None) -> e.Event:
        session = session or await host.open(strategy=self.strategy().name)
        with trio.fail_after(self.seconds):
            return await host.run(session, self.prompt)

    async def _into(self, host: Host, ends: list[e.Event]) -> None:
        ends.append(await self._run(host))


class _Allows:
    async def decide(self, call: Any) -> Allow:
        return Allow()
