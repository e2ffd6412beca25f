"""Three hundred steps in a window of 32k: nothing overflows, and what was decided last is still there."""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pillion import events as e
from pillion.contracts.provider import Request
from pillion.testing.kit import FunctionTool, events
from pillion.testing.scripted import Answer, calls, says

from .windows import NO_LIMIT, SUMMARISERS, Windowed, compacting, compactions, paired, told

SEEDS = range(1, 30 if os.environ.get("PILLION_LONG") else 2)
STEPS = 300
FACTS = 20
TASK = "Find out why the lamp flickers. Decision(lamp): it is the one in the hall"


class Plan:
    """Which facts are said at which step, and by whom; half are contradicted later."""

    def __init__(self, seed: int) -> None:
        chance = random.Random(seed)
        self.said: dict[int, list[str]] = {}
        self.newest: dict[str, str] = {}
        for fact in range(FACTS):
            times = sorted(chance.sample(range(2, STEPS - 1), 2 if fact % 2 else 1))
            for n, step in enumerate(times):
                self.newest[f"fact {fact}"] = value = f"value {chance.randrange(10**9)} of time {n}"
                self.said.setdefault(step, []).append(f"Decision(fact {fact}): {value}")
        self.by_person = {step for step in self.said if chance.random() < 0.5}
        self.chance = chance

    def words(self, step: int) -> str:
        return "\n".join(["So be it.", *self.said[step]]) if step in self.said else ""

    def output(self) -> str:
        """What a look brings: mostly little, now and then much."""
        size = self.chance.choice((20, 60, 120, 400, 1_500))
        return self.chance.randbytes(3 * size).hex(" ", 3)


def number(request: Request) -> int:
    """The step of the conversation that is asked for, from 1."""
    return int(request.system or 0)


@pytest.mark.parametrize("summariser", SUMMARISERS)
@pytest.mark.parametrize("seed", SEEDS)
async def test_three_hundred_steps_never_overflow(
    tmp_path: Path, autojump_clock: Any, seed: int, summariser: str
) -> None:
    plan, count = Plan(seed), 0

    def answer(request: Request) -> Answer:
        nonlocal count
        count += 1
        if count > STEPS:
            return says("It was the switch.")
        words = "" if count in plan.by_person else plan.words(count)
        return calls(("look", msgspec.json.encode({"text": f"at {count}"}).decode()), text=words)

    async def look(arguments: Any, call: Any) -> str:
        if count in plan.by_person:
            await session.prompt(plan.words(count), when="steer")
        return plan.output()

    provider = Windowed(answer, SUMMARISERS[summariser])
    async with compacting(tmp_path, provider, FunctionTool("look", look)) as host:
        session = await host.open(limits=NO_LIMIT)
        assert isinstance(await host.run(session, TASK), e.TurnFinished)
        found = await events(session)
        last = provider.asked[-1].messages
        assert provider.overflows == 0
        assert count == STEPS + 1
        assert len(compactions(found)) > 5
        for request in provider.asked:
            assert paired(request.messages)
            assert TASK in told(request.messages)
        said = told(last)
        for key, value in plan.newest.items():
            assert f"Decision({key}): {value}" in said, key
            newest = said.rindex(f"Decision({key}): {value}")
            assert said.rindex(f"Decision({key}):") == newest, f"of {key} an older one stands behind the newest"
        assert len(await session.messages()) > 2 * STEPS
