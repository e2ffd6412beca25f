"""A kernel with checkpoints and forks on a folder, and what stands in folders."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from pillion import Home, LocalWorkspace, Session
from pillion.contracts.forks import Fork, Forks
from pillion.events import TurnFailed, TurnFinished
from pillion.testing.kit import Host, frames, kernel_host
from pillion_checkpoints.plugin import Config as CheckpointsConfig
from pillion_checkpoints.plugin import Plugin as Checkpoints
from pillion_checkpoints.strategies import Order as Back
from pillion_forks.events import ForkMerged
from pillion_forks.plugin import Config, Plugin
from pillion_forks.strategies import Order

from ..checkpoints.scene import image

__all__ = ["Scene", "image", "scene"]


class Scene:
    """`folder` is the workspace of `session`, which works on nothing."""

    def __init__(self, host: Host, session: Session, folder: Path, data: Path) -> None:
        self.host, self.session, self.folder, self.data = host, session, folder, data

    @property
    def forks(self) -> Forks:
        forks = self.host.kernel.catalog.forks()
        assert forks is not None
        return forks

    async def make(self, snapshot: str = "") -> tuple[Fork, Path]:
        """One that stays, and where its files are."""
        fork = await self.forks.make(str(self.folder), snapshot)
        return fork, self.root(fork)

    def root(self, fork: Fork) -> Path:
        workspace = self.host.kernel.catalog.workspace(fork.address)
        assert isinstance(workspace, LocalWorkspace)
        return workspace.root

    async def program(self, fork: Fork, *words: str) -> str:
        """What one says that runs in the fork, as a tool starts it."""
        ended = await self.host.kernel.processes.run(words, cwd=self.root(fork), seconds=60)
        assert ended.code == 0, ended.output
        return ended.output

    async def merge(self, fork: Fork, **order: Any) -> ForkMerged:
        after = str(self.session.head)
        end = await self.host.run(self.session, "", strategy="merge", arguments=Order(fork.id, **order))
        assert isinstance(end, TurnFinished), end
        told = [frame for frame in await frames(self.session, after) if frame.type == "fork.merged"]
        return msgspec.json.decode(told[-1].data, type=ForkMerged)

    async def refused(self, fork: str) -> str:
        """What a merge fails with."""
        end = await self.host.run(self.session, "", strategy="merge", arguments=Order(fork))
        assert isinstance(end, TurnFailed), end
        return end.message

    async def undo(self) -> None:
        end = await self.host.run(self.session, "", strategy="undo", arguments=Back(what="files"))
        assert isinstance(end, TurnFinished), end

    def write(self, files: Mapping[str, str], root: Path | None = None) -> None:
        for path, text in files.items():
            place = (root or self.folder) / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text)


@asynccontextmanager
async def scene(place: Path, config: Config | None = None) -> AsyncIterator[Scene]:
    folder, data = place / "work", place / "data"
    for one in (folder, data):
        one.mkdir(exist_ok=True, parents=True)
    plugins = {
        "checkpoints": Checkpoints(CheckpointsConfig(), Home("checkpoints", data)),
        "forks": Plugin(config or Config(), Home("forks", data)),
    }
    async with kernel_host(data, plugins=plugins) as host:
        host.folder = folder
        yield Scene(host, await host.open(), folder, data)
