"""A session whose model runs commands: each call is a turn without a model, its result is what the model would read."""

from __future__ import annotations

import itertools
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import trio

from pillion import Allow, Event, Session
from pillion import events as e
from pillion.testing.kit import Host, PolicyPlugin, frames, kernel_host
from pillion_runtime.hookspecs import HostHooks
from pillion_terminal.events import TerminalEnded, TerminalStarted
from pillion_terminal.plugin import Config, Plugin
from pillion_terminal.terminals import Terminals

BOUND = 60
"""Seconds that any wait may take on a busy machine."""
UNIQUE = itertools.count(random.randrange(10**6, 10**9))


class Yes:
    """Allows everything."""

    async def decide(self, call: Any) -> Any:
        return Allow()


class Desk:
    """One session with terminals."""

    def __init__(self, host: Host, session: Session, plugin: Plugin) -> None:
        self.host, self.session, self.plugin = host, session, plugin

    @property
    def terminals(self) -> Terminals:
        return self.plugin._terminals

    async def call(self, tool: str, **arguments: Any) -> e.ToolFinished:
        with trio.fail_after(BOUND):
            accepted = await self.session.call_tool(tool, arguments, when="queue")
            await self.session.ended(accepted.turn, accepted.after)
        return [event for event in await self.events(accepted.after) if isinstance(event, e.ToolFinished)][-1]

    async def run(self, command: str, **more: Any) -> str:
        return (await self.call("run_command", command=command, **more)).text

    async def events(self, after: str = "") -> list[Event]:
        found = [e.decode(frame.type, frame.data) for frame in await frames(self.session, after) if "." not in frame.id]
        return [event for event in found if event is not None]

    async def number(self) -> int:
        """That of the terminal which began last."""
        return self.terminals.all(self.session)[-1].number

    async def told(self, kind: type[TerminalStarted | TerminalEnded]) -> list[Any]:
        """The plugin's own events of that kind."""
        tag = kind.__struct_config__.tag
        return [msgspec.json.decode(one.data, type=kind) for one in await frames(self.session) if one.type == tag]


@asynccontextmanager
async def desk(folder: Path, *, config: Config = Config(), **flags: Any) -> AsyncIterator[Desk]:  # noqa: B008 - frozen
    plugin = Plugin(config)
    plugins = {"terminal": plugin, "yes": PolicyPlugin(Yes())}
    async with kernel_host(folder, plugins=plugins, hookspecs=[HostHooks], **flags) as host:
        yield Desk(host, await host.open(), plugin)


def unique() -> str:
    """Seconds to sleep, as nobody else sleeps: a process is found by them."""
    return str(next(UNIQUE))


def running(word: str) -> list[int]:
    """The processes with that word among their arguments."""
    found = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if word in place.read_bytes().decode(errors="replace").split("\0"):
                found.append(int(place.parent.name))
        except OSError:
            continue
    return found


async def appear(word: str, number: int = 1) -> None:
    with trio.fail_after(BOUND):
        while len(running(word)) < number:  # noqa: ASYNC110 - another process can't set an event
            await trio.sleep(0.01)
