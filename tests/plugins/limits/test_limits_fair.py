"""Fifty sessions on one key, one of them greedy, against a vendor that enforces its limit. Each wire format and way to
enforce it: PILLION_LONG=1."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from pillion import events as e
from pillion.session import Session
from pillion.settings import load
from pillion.testing.kit import Host, StrategyPlugin, kernel_host
from pillion.turn import Turn
from pillion.values import Message, Text
from pillion_limits.plugin import Config, KeyLimits, Plugin
from pillion_retry.plugin import Config as Retry
from pillion_retry.plugin import Plugin as RetryPlugin
from pillion_runtime.testing import Asked, Quota, Reply, vendor_server

from ..vendors import KEYS, vendor_plugin

GREEDY = 500
WINDOW = 60.0


class Greedy:
    """Asks 500 times at once."""

    name, description = "greedy", "Asks for much."

    async def run(self, turn: Turn) -> str | None:
        async with trio.open_nursery() as nursery:
            for _ in range(GREEDY):
                nursery.start_soon(self._ask, turn)
        return None

    async def _ask(self, turn: Turn) -> None:
        await turn.complete([Message("user", (Text("greedy"),))])


class Modest:
    """Asks two times, one after the other."""

    name, description = "modest", "Asks for little."

    async def run(self, turn: Turn) -> str | None:
        await turn.step()
        await turn.step()
        return None


LEARNT = [("messages", "sliding"), ("chat", "window"), ("responses", "bucket"), ("responses", "sliding")]
ALL = [
    *((format_, shape, True, Config()) for format_, shape in LEARNT),
    ("chat", "sliding", False, Config(keys={"openai": KeyLimits(requests=60)})),
]


KINDS = ALL if os.environ.get("PILLION_LONG") else ALL[:1]


@pytest.mark.parametrize(("format_", "shape", "tells", "config"), KINDS)
async def test_a_greedy_session_starves_nobody_and_the_vendor_refuses_nothing(
    tmp_path: Path, autojump_clock: MockClock, format_: str, shape: Any, tells: bool, config: Config
) -> None:
    asked: Counter[str] = Counter()

    def program(said: Asked) -> Reply:
        asked[said.prompt] += 1
        return Reply(text="Yes.")

    quota = Quota(program, shape=shape, tells=tells)
    async with vendor_server(quota) as vendor:
        name, plugin = vendor_plugin(format_, vendor.url)
        flags = {"defaults.strategy": "modest", "defaults.model": f"{name}/scripted", "limits.steps": 1000}
        settings = load(data_dir=tmp_path, flags=flags, environ=KEYS, shipped=False)
        strategies = StrategyPlugin(Greedy(), Modest())
        plugins = {name: plugin, "limits": Plugin(config), "retry": RetryPlugin(Retry()), "strategies": strategies}
        async with kernel_host(tmp_path, plugins=plugins, settings=settings) as host:
            await plugin._providers[0]._opened()
            greedy, began = await host.open(strategy="greedy"), trio.current_time()
            await greedy.prompt("greedy")
            others = [await host.open() for _ in range(49)]
            async with trio.open_nursery() as nursery:
                for session in others:
                    nursery.start_soon(_run, host, session)
            took = trio.current_time() - began
            assert took < 2 * WINDOW
            assert quota.refused == 0
            assert asked["modest"] == 98
            assert asked["greedy"] <= 2 * 60 - 98
            await greedy.cancel()


async def _run(host: Host, session: Session) -> None:
    assert isinstance(await host.run(session, "modest"), e.TurnFinished)
