"""A model with a window that it enforces itself, by the counter that the kernel uses, and one that sums up."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from pillion import Limits, Message, ModelInfo, Text, ToolCall, ToolResult
from pillion import events as e
from pillion.contracts.provider import Finish, Request
from pillion.errors import ContextOverflow, ProviderDown
from pillion.testing.kit import Host, kernel_host
from pillion.testing.scripted import Answer, Pause, Raise, ScriptedProvider, says
from pillion.tokens import Counter, tokens_of
from pillion_compact.plugin import Config, Plugin
from pillion_runtime.hookspecs import HostHooks

MODEL = ModelInfo("scripted/one", context=32_000, output=4_000)
NO_LIMIT = Limits(steps=10_000, seconds=None, tokens=None)
SUMMARISERS: dict[str, Answer] = {
    "good": says("The lamp was looked at, and its wiring is told in lamp.py."),
    "drops everything": says("Nothing."),
    "says nothing": says(" "),
    "says more": [Text("blah " * 40_000), Finish("stop")],
    "fails": [Raise(ProviderDown("It is not there."))],
    "hangs": [Pause(100_000)],
}


class Windowed(ScriptedProvider):
    """Refuses what does not fit beside its longest answer, and counts how often. `sums` answers the role compact."""

    def __init__(self, answer: Callable[[Request], Answer], sums: Answer = SUMMARISERS["good"], **options: Any) -> None:
        super().__init__(models=[options.pop("model", MODEL)], otherwise=self._said)
        self.overflows = 0
        self.sums = sums
        self._answer, self._counter = answer, Counter()

    def _said(self, request: Request) -> Answer:
        model = self._models[0]
        size = tokens_of(request.messages, request.system, request.tools, self._counter)
        if size > model.context - (request.max_output or model.output):
            self.overflows += 1
            return [Raise(ContextOverflow(f"{size} tokens are too long."))]
        return self.sums if request.caller.role == "compact" else self._answer(request)

    @property
    def asked(self) -> list[Request]:
        """The requests of the conversation."""
        return [request for request in self.requests if request.caller.role != "compact"]


@asynccontextmanager
async def compacting(folder: Path, provider: ScriptedProvider, *tools: Any, **options: Any) -> AsyncIterator[Host]:
    """A kernel with the plugin, by default without limits of a turn."""
    given = {name: options.pop(name) for name in ("at", "to", "seconds") if name in options}
    plugins = {"compact": Plugin(Config(**given))} | options.pop("plugins", {})
    async with kernel_host(
        folder, *tools, provider=provider, plugins=plugins, hookspecs=(HostHooks,), **options
    ) as host:
        yield host


def told(messages: Sequence[Message]) -> str:
    """All that stands in a request."""
    said = []
    for message in messages:
        for part in message.parts:
            match part:
                case Text(text) | ToolResult(_, text):
                    said.append(text)
                case ToolCall(_, name, arguments):
                    said.append(f"{name} {arguments}")
    return "\n".join(said)


def paired(messages: Sequence[Message]) -> bool:
    """Has each call its result in the next message, and each result its call in the one before?"""
    before: list[str] = []
    for message in messages:
        results = [part.call for part in message.parts if isinstance(part, ToolResult)]
        if results != before:
            return False
        before = [part.id for part in message.parts if isinstance(part, ToolCall)]
    return not before


def compactions(events: Sequence[e.Event]) -> list[e.HistoryCompacted]:
    return [event for event in events if isinstance(event, e.HistoryCompacted)]


def failures(events: Sequence[e.Event]) -> list[e.HistoryCompactionFailed]:
    return [event for event in events if isinstance(event, e.HistoryCompactionFailed)]


SMALL = ModelInfo("scripted/one", context=4_000, output=1_000)
"""It has room for 3,000 tokens."""


def prose(words: int, seed: int) -> str:
    """So many words, the same for a seed."""
    chance = random.Random(seed)
    return " ".join(chance.choice(("lamp", "switch", "hall", "wire", "dark", "light")) for _ in range(words))
