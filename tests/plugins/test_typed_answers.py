"""A type in, a value out: on each wire format, held to a schema or not, and with tools of every kind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import trio
from msgspec import Struct

from pillion import events as e
from pillion.settings import load
from pillion.testing.kit import StrategyPlugin, events, kernel_host
from pillion.turn import Turn
from pillion.values import Message, Text
from pillion_anthropic.plugin import Config as Anthropic
from pillion_anthropic.plugin import Plugin as AnthropicPlugin
from pillion_openai.plugin import Config as OpenAI
from pillion_openai.plugin import Plugin as OpenAIPlugin
from pillion_openai.plugin import ServerConfig
from pillion_runtime.testing import Reply, replies, vendor_server

from .vendors import BOUND, KEYS


class Fruit(Struct, frozen=True):
    name: str
    count: int


class Typed:
    """A strategy that wants a value."""

    name, description = "typed", "Wants a fruit."

    def __init__(self) -> None:
        self.got: list[Fruit] = []

    async def run(self, turn: Turn) -> str | None:
        self.got.append(await turn.value(Fruit, [Message("user", (Text("Which fruit?"),))]))
        return None


@pytest.mark.parametrize("model", ["anthropic/m", "openai/m", "native/m", "held/m", "none/m"])
async def test_a_value_of_a_type_comes_back(tmp_path: Path, model: str) -> None:
    said = [
        Reply(text="It is a pear."),
        Reply(text='```json\n{"name": "pear", "count": 3}\n```'),
        Reply(text="A plum."),
    ]
    strategy = Typed()
    async with vendor_server(replies(*said)) as vendor:
        url = f"{vendor.url}/v1"
        kinds: dict[str, Any] = {"native": "native", "held": "constrained", "none": "none"}
        servers = {name: ServerConfig(url, models=("m",), tools=tools) for name, tools in kinds.items()}
        plugins = {
            "anthropic": AnthropicPlugin(Anthropic(base_url=vendor.url)),
            "openai": OpenAIPlugin(OpenAI(base_url=url, servers=servers)),
            "typed": StrategyPlugin(strategy),
        }
        settings = load(data_dir=tmp_path, environ=KEYS, flags={"defaults.strategy": "typed"}, shipped=False)
        with trio.fail_after(BOUND):
            async with kernel_host(tmp_path, plugins=plugins, settings=settings) as host:
                session = await host.open(model=model)
                assert isinstance(await host.run(session, "Go."), e.TurnFinished)
                assert strategy.got == [Fruit("pear", 3)]
                assert [asked.schema is not None for asked in vendor.asked] == [True, True]
                ending = await host.run(session, "Go.")
                assert isinstance(ending, e.TurnFailed) and ending.code == "bad_answer"
                used = [event for event in await events(session) if isinstance(event, e.UsageRecorded)]
                assert len(used) == 4
