"""Fifty sessions on one key, one of them greedy, against a vendor that enforces its limit. Each wire format and way to
enforce it: PILLION_LONG=1."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from pillion import Request, hookimpl
from pillion import events as e
from pillion.session import Session
from pillion.settings import load
from pillion.testing.kit import Host, StrategyPlugin, events, kernel_host
from pillion.turn import Turn
from pillion.values import Message, Text
from pillion_limits.plugin import Config, KeyLimits, Plugin
from pillion_retry.plugin import Config as Retry
from pillion_retry.plugin import Plugin as RetryPlugin
from pillion_runtime.testing import Asked, Quota, Reply, Vendor, replies, vendor_server

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


async def test_a_wait_is_told_in_the_session_and_ends_with_it(tmp_path: Path, autojump_clock: MockClock) -> None:
    async with limited_host(tmp_path, KeyLimits(requests=1)) as (vendor, host):
        first, second = await host.open(), await host.open()
        await host.run(first, "Once.")
        reader = second.follow("latest")
        await second.prompt("And again.")
        with trio.fail_after(600):
            while not (told := [frame for frame in await reader.page() if frame.type == "model.waiting"]):
                pass
        assert re.search(rb'"seconds":(59|60).*1 requests a minute', told[0].data)
        await second.cancel()
        await second.idle()
        assert isinstance((await events(second))[-1], e.TurnCancelled)
        assert len(vendor.asked) == 1


async def test_children_have_one_turn_together_with_their_root(tmp_path: Path, autojump_clock: MockClock) -> None:
    callers: list[tuple[str, str]] = []

    class Parent:
        name, description = "parent", "Has a child."

        async def run(self, turn: Turn) -> str | None:
            async with turn.child(strategy="modest") as child:
                accepted = await child.prompt("go")
                await child.ended(accepted.turn, accepted.after)
            return None

    class Looks:
        wrap_order = 99

        def __init__(self) -> None:
            self.name = ""

        @hookimpl
        def wrap_provider(self, provider: Any) -> Any:
            self.name, self.models, self._inner = provider.name, provider.models, provider
            return self

        def stream(self, request: Request) -> Any:
            callers.append((request.caller.session, request.caller.root))
            return self._inner.stream(request)

    async with limited_host(tmp_path, KeyLimits(), looks=Looks(), parent=StrategyPlugin(Parent())) as (_, host):
        session = await host.open(strategy="parent")
        await host.run(session, "go")
    assert {root for _, root in callers} == {session.id}
    assert session.id not in {own for own, _ in callers}


async def test_where_it_is_switched_off_nobody_waits(tmp_path: Path, autojump_clock: MockClock) -> None:
    async with limited_host(tmp_path, KeyLimits(requests=1)) as (vendor, host):
        session = await host.open()
        await host.run(session, "Once.")
        await host.kernel.switchboard.switch("limits", False)
        began = trio.current_time()
        await host.run(session, "And again.")
        assert trio.current_time() - began < 1
        assert len(vendor.asked) == 2


@asynccontextmanager
async def limited_host(folder: Path, limits: KeyLimits, **plugins: Any) -> AsyncIterator[tuple[Vendor, Host]]:
    """Sessions with OpenAI's vendor server, whose key has these limits."""
    async with vendor_server(replies(Reply(text="Yes."))) as vendor:
        name, plugin = vendor_plugin("chat", vendor.url)
        flags = {"defaults.strategy": "loop", "defaults.model": f"{name}/scripted"}
        settings = load(data_dir=folder, flags=flags, environ=KEYS, shipped=False)
        plugins |= {name: plugin, "limits": Plugin(Config(keys={name: limits})), "modest": StrategyPlugin(Modest())}
        async with kernel_host(folder, plugins=plugins, settings=settings) as host:
            await plugin._providers[0]._opened()
            yield vendor, host


async def _run(host: Host, session: Session) -> None:
    assert isinstance(await host.run(session, "modest"), e.TurnFinished)
