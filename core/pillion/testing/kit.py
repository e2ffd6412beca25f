"""A kernel to test on: real actor, real log, memory store, scripted provider, no thread."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import trio
from msgspec import Struct

from .. import events as e
from ..contracts.store import Store
from ..contracts.tool import Effect
from ..frames import Frame
from ..hookspecs import TurnInfo, hookimpl
from ..kernel import Kernel, open_kernel
from ..session import Session
from ..settings import Settings, load, process_environment
from ..turn import Turn
from .scripted import ProviderPlugin, ScriptedProvider


class Host:
    """What the fixture hands out: the kernel, its scripted provider, and short ways through a session."""

    def __init__(self, kernel: Kernel, provider: ScriptedProvider, folder: Path) -> None:
        self.kernel, self.provider, self.folder = kernel, provider, folder

    async def open(self, **options: Any) -> Session:
        """A session on the test's folder."""
        return await self.kernel.create(str(self.folder), **options)

    async def run(self, session: Session, text: str, **options: Any) -> e.Event:
        """Prompts and waits for the turn's end, for an hour of trio's clock at most."""
        with trio.fail_after(3600):
            accepted = await session.prompt(text, **options)
            return await session.ended(accepted.turn, accepted.after)


async def events(session: Session, after: str = "") -> list[e.Event]:
    """The kernel's whole events so far; a plugin's are left out."""
    found: list[e.Event] = []
    for frame in await frames(session, after):
        event = e.decode(frame.type, frame.data) if "." not in frame.id else None
        if event is not None:
            found.append(event)
    return found


async def frames(session: Session, after: str = "") -> list[Frame]:
    """All that a reader would get now."""
    reader = session.follow(after)
    found: list[Frame] = []
    while reader.cursor < (session.head, 0) or not found:
        found += await reader.page()
    return found


class Loop:
    """The smallest strategy that uses tools: asks until the model stops."""

    name = "loop"
    description = "Asks the model until it stops."

    async def run(self, turn: Turn) -> str | None:
        while (await turn.step()).calls:
            pass
        return None


class StrategyPlugin:
    """A plugin that brings the given strategies, by default Loop."""

    def __init__(self, *strategies: Any) -> None:
        self._strategies = strategies or (Loop(),)

    @hookimpl
    def register_strategies(self) -> Sequence[Any]:
        return self._strategies


class ToolPlugin:
    """A plugin that brings the given tools."""

    def __init__(self, *tools: Any) -> None:
        self._tools = tools

    @hookimpl
    def register_tools(self, turn: TurnInfo) -> Sequence[Any]:
        return self._tools


class PolicyPlugin:
    """A plugin that brings the given policies."""

    def __init__(self, *policies: Any) -> None:
        self._policies = policies

    @hookimpl
    def register_policies(self, turn: TurnInfo) -> Sequence[Any]:
        return self._policies


class FunctionTool:
    """A tool made of an async function `(arguments, call) -> str`."""

    description = "A tool of a test."

    def __init__(self, name: str, run: Any, effect: Effect = "read", arguments: type[Struct] | None = None) -> None:
        self.name, self.run, self.effect = name, run, effect
        self.Arguments = arguments or Anything


class Anything(Struct, frozen=True):
    """Arguments that nobody looks at."""

    text: str = ""


def plain_settings(folder: Path, **flags: Any) -> Settings:
    """Settings without any plugin, file or variable of this machine; `flags` are dotted keys with `__` for dots."""
    return load(data_dir=folder, flags=_chosen(flags), environ={"PATH": "/usr/bin:/bin"}, shipped=False)


def replay_settings(folder: Path, file: Path, **flags: Any) -> Settings:
    """The same, with all answers of models out of the recording `file`.

    Where the environment's PILLION_RECORD names a model (`provider/model`), that one is asked, with the keys of the
    environment, and `file` is written anew.
    """
    environ = process_environment()
    asked = environ.get("PILLION_RECORD", "")
    if not asked:
        return plain_settings(folder, **{"plugins__replay__replay": str(file)} | flags)
    sources = {f"plugins.{name}.enabled": True for name in ("anthropic", "openai", "embedded", "retry")}
    chosen = {"defaults.model": asked, "plugins.replay.record": str(file)} | sources | _chosen(flags)
    return load(data_dir=folder, flags=chosen, environ=environ, shipped=False)


def _chosen(flags: Mapping[str, Any]) -> dict[str, Any]:
    return {"defaults.strategy": "loop"} | {key.replace("__", "."): value for key, value in flags.items()}


@asynccontextmanager
async def kernel_host(
    folder: Path,
    *tools: Any,
    provider: ScriptedProvider | None = None,
    plugins: Mapping[str, object] | None = None,
    settings: Settings | None = None,
    store: Store | None = None,
    hookspecs: Sequence[type] = (),
    replay: Path | None = None,
    **flags: Any,
) -> AsyncIterator[Host]:
    """A kernel with a scripted provider, the Loop strategy and the given tools.

    `replay`: all answers of models come out of that recording (replay_settings), and none from the scripted provider.
    `hookspecs`: those of a host, for plugins that also bring routes or commands; nobody asks for them here.
    """
    provider = provider or ScriptedProvider()
    brought = {"scripted": ProviderPlugin(provider), "loop": StrategyPlugin(), "tools": ToolPlugin(*tools)}
    if replay is not None:
        settings = replay_settings(folder, replay, **flags)
    async with open_kernel(
        settings or plain_settings(folder, **flags),
        plugins=brought | dict(plugins or {}),
        store=store,
        hookspecs=hookspecs,
    ) as kernel:
        yield Host(kernel, provider, folder)
