"""Plugins that misbehave, each in one way. Settings name them one by one: `use = "…/hostile.py:RaisesInTool"`."""

from __future__ import annotations

import time
from typing import Any

import trio
from msgspec import Struct

from pillion import hookimpl


class Nothing(Struct, frozen=True):
    """No arguments."""


class Tool:
    """A plugin that brings itself as a tool with its class's name; `misbehave` says how it runs."""

    description = "Misbehaves."
    effect = "read"
    Arguments = Nothing

    def __init__(self) -> None:
        self.name = type(self).__name__

    @hookimpl
    def register_tools(self, turn: Any) -> list[Any]:
        return [self]

    async def run(self, arguments: Nothing, call: Any) -> Any:
        return await self.misbehave()

    async def misbehave(self) -> Any:
        raise NotImplementedError


class RaisesInTool(Tool):
    async def misbehave(self) -> Any:
        raise RuntimeError("on purpose")


class HangsInTool(Tool):
    async def misbehave(self) -> Any:
        await trio.sleep_forever()


class ReturnsNonsense(Tool):
    async def misbehave(self) -> Any:
        return object()


class BlocksInTool(Tool):
    async def misbehave(self) -> Any:
        time.sleep(3600)  # noqa: ASYNC251 - that is the point


class SpinsInTool(Tool):
    async def misbehave(self) -> Any:
        while True:
            pass


class LeaksTask(Tool):
    async def misbehave(self) -> Any:
        trio.lowlevel.spawn_system_task(trio.sleep_forever)
        return "leaked"


class SwallowsCancellation(Tool):
    """Takes three seconds of cancellation before it lets go."""

    async def misbehave(self) -> Any:
        until = trio.current_time() + 3
        while trio.current_time() < until:
            try:
                await trio.sleep(0.1)
            except trio.Cancelled:
                time.sleep(0.01)  # noqa: ASYNC251 - cancelled, it can't wait
        return "at last"


class HangsInHook:
    @hookimpl
    def register_contexts(self, turn: Any) -> list[Any]:
        time.sleep(3600)
        return []


class HangsInConstructor:
    def __init__(self) -> None:
        time.sleep(3600)


class BlocksAsStrategy:
    name = "blocks"
    description = "Misbehaves."

    @hookimpl
    def register_strategies(self) -> list[Any]:
        return [self]

    async def run(self, turn: Any) -> None:
        time.sleep(3600)  # noqa: ASYNC251 - that is the point


class BlocksAsObserver:
    @hookimpl
    def register_observers(self) -> list[Any]:
        return [self]

    async def watch(self, feed: Any) -> None:
        async for _ in feed:
            time.sleep(3600)  # noqa: ASYNC251 - that is the point
