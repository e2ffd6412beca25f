"""Git for models and people."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import trio
from msgspec import Meta, Struct

from pillion import ConfigError, Event, Kernel, Tool, TurnInfo, hookimpl

from .changing import WRITING
from .repository import FolderGround, Git
from .statistics import GitCounted, Statistics
from .tools import READING

if TYPE_CHECKING:
    from quart import Blueprint

    from pillion_storage.gitstatistics import GitStatisticsDoor


class Config(Struct, frozen=True, forbid_unknown_fields=True):
    """`program` is the git program, which does what is slow without it: "auto" takes the one on PATH where there is
    one, "off" none; else a path. `seconds` that a question about a repository may take. `commits` of which statistics
    are kept at most. `worktrees`: the folder in which sessions get theirs; "": `….worktrees`, beside the repository."""

    program: str = "auto"
    seconds: Annotated[float, Meta(gt=0)] = 60.0
    commits: Annotated[int, Meta(gt=0)] = 10_000
    worktrees: str = ""


Given = Config  # in the class below, `Config` is its attribute


class Plugin:
    """Git for models and people: status, diffs, history, branches, blame."""

    Config = Config

    def __init__(self, config: Given) -> None:
        self._git = Git(_program(config.program))
        self._worktrees = os.path.abspath(os.path.expanduser(config.worktrees)) if config.worktrees else ""
        self._seconds, self._commits = config.seconds, config.commits
        self.statistics: Statistics | None = None
        self._tools: Sequence[Tool] = [kind(self._git, config.seconds) for kind in (*READING, *WRITING)]

    @hookimpl
    @asynccontextmanager
    async def lifespan(self, kernel: Kernel) -> AsyncIterator[None]:
        self._git.home = kernel.settings.environment.pick(["HOME", "XDG_CONFIG_HOME"])
        door = _door(kernel)
        if door is None:
            yield
            return
        async with trio.open_nursery() as nursery:
            self.statistics = Statistics(kernel, self._git, door, self._commits, nursery)
            yield
            self.statistics = None
            nursery.cancel_scope.cancel()

    @hookimpl
    def register_events(self) -> Sequence[type[Event]]:
        return [GitCounted]

    @hookimpl
    def register_tools(self, turn: TurnInfo) -> Sequence[Tool]:
        return self._tools if _has_git(turn.workspace.root) else ()

    @hookimpl(optionalhook=True)
    def register_worktrees(self, kernel: Kernel) -> Callable[[str], Awaitable[str]]:
        async def make(workspace: str) -> str:
            return await self._git.worktree(FolderGround(kernel, workspace), self._worktrees)

        return make

    @hookimpl(optionalhook=True)
    def register_routes(self, kernel: Kernel) -> Sequence[Blueprint]:
        from . import changeroutes, routes, statisticsroute  # quart; a run without a server does not need it

        counts = statisticsroute.blueprint(kernel, lambda: self.statistics)
        made = [part.blueprint(kernel, self._git, self._seconds) for part in (routes, changeroutes)]
        return [*made, counts]


def _program(configured: str) -> str:
    """Its path, "" for none. Raises ConfigError."""
    if configured == "off":
        return ""
    found = shutil.which("git" if configured == "auto" else configured)
    if found is None and configured != "auto":
        raise ConfigError(f"There is no program {configured}.", key="program", hint='"off" does without it.')
    return found or ""


def _door(kernel: Kernel) -> GitStatisticsDoor | None:
    """Where statistics last; None where the store is no database."""
    if kernel.host.state("storage") != "on":
        return None
    from pillion_storage.gitstatistics import GitStatisticsDoor  # the database's library, which others don't need

    try:
        return GitStatisticsDoor(kernel.store)
    except ConfigError:
        return None


def _has_git(folder: Path) -> bool:
    """Is it, or one above it, likely a repository?"""
    return any(os.path.lexists(at / ".git") for at in (folder, *folder.parents))
