"""What is accounted is what a vendor's server handed out: children, retries and calls without a turn included."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import trio

from pillion import Limits, Message, Text, Turn, Usage
from pillion.completions import Completion
from pillion.contracts.provider import Request
from pillion.settings import load
from pillion.testing.kit import StrategyPlugin, kernel_host
from pillion_openai.plugin import Config as OpenAI
from pillion_openai.plugin import Plugin as OpenAIPlugin
from pillion_retry.plugin import Config as Retry
from pillion_retry.plugin import Plugin as RetryPlugin
from pillion_runtime.testing import Reply, Status, vendor_server
from pillion_runtime.testing.asked import Asked
from pillion_storage.plugin import Config as Storage
from pillion_storage.plugin import Plugin as StoragePlugin
from pillion_usage.budgets import Config
from pillion_usage.plugin import Plugin
from pillion_usage.sums import Wanted

from ..vendors import BOUND, KEYS

BY: Sequence[Any] = ("session", "role", "day", "turn", "step")


class Work:
    """Two steps, one call beside them, and children that do the same, three deep."""

    name = "work"
    description = "For tests."

    async def run(self, turn: Turn) -> str | None:
        deep = len(turn.session.path())
        await turn.step()
        await turn.complete([Message("user", (Text(f"compact {deep}"),))], role="compact")
        if deep < 2:
            async with trio.open_nursery() as nursery:
                for _ in range(2):
                    nursery.start_soon(self._below, turn, deep)
        await turn.step()
        return None

    async def _below(self, turn: Turn, deep: int) -> None:
        async with turn.child(strategy="work", limits=Limits(steps=10 ** (3 - deep), tokens=10 ** (7 - deep))) as child:
            accepted = await child.prompt("below")
            await child.ended(accepted.turn, accepted.after)


class HandsOut:
    """Each answer has a usage of its own; the fourth request fails, and is made again."""

    def __init__(self) -> None:
        self.handed: Counter[str] = Counter()

    def __call__(self, asked: Asked) -> Reply:
        if asked.number == 4:
            return Reply(fault=Status(500))
        usage = Usage(input=100 + asked.number, output=10 + asked.number, cached=asked.number)
        self.handed["input"] += usage.input
        self.handed["output"] += usage.output
        self.handed["cached"] += usage.cached
        return Reply(text="Yes.", usage=usage)


async def completed(call: Completion) -> None:
    async for _ in call:
        pass


@pytest.mark.promise("usage.accounted")
async def test_sums_by_whatever_are_what_the_vendor_handed_out(tmp_path: Path) -> None:
    program = HandsOut()
    chosen = {
        "defaults.strategy": "work",
        "defaults.model": "openai/scripted",
        "defaults.store": "storage",
        "limits.tokens": 10**9,
        "limits.steps": 10**6,
    }
    with trio.fail_after(BOUND):
        async with vendor_server(program) as vendor:
            plugins: dict[str, Any] = {
                "openai": OpenAIPlugin(OpenAI(base_url=f"{vendor.url}/v1", api="chat")),
                "retry": RetryPlugin(Retry(longest_wait=0)),
                "storage": StoragePlugin(Storage()),
                "strategies": StrategyPlugin(Work()),
                "usage": Plugin(Config(session_tokens=10**9)),
            }
            settings = load(data_dir=tmp_path, flags=chosen, environ=KEYS, shipped=False)
            async with kernel_host(tmp_path, settings=settings, plugins=plugins) as host:
                session = await host.open()
                await host.run(session, "go")
                ask = Request("openai/scripted", (Message("user", (Text("title"),)),))
                await completed(host.kernel.completions.start(ask, role="title", session=session))
                accounts = plugins["usage"]._accounts
                found = {
                    by: await accounts.found(Wanted(by, session.id))
                    for by in ("session", "role", "day", "turn", "step")
                }
                kept = plugins["usage"]._budgets._purses["session_tokens", session.id].used
    handed = Usage(program.handed["input"], program.handed["output"], program.handed["cached"])
    assert len(vendor.asked) == 1 + 7 * 3 + 1
    for by, one in found.items():
        assert sum((group.sum.usage for group in one.groups), Usage()) == one.total.usage == handed, by
    assert [len(found[by].groups) for by in ("session", "turn", "step")] == [1, 8, 15]
    assert {group.key: group.sum.calls for group in found["role"].groups} == {"": 14, "compact": 7, "title": 1}
    assert kept == handed.tokens
