"""Makes a fork's files: blocks shared with the workspace, else an overlay over a base that forks share, else a copy."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import trio
from msgspec import Struct

from pillion import LocalWorkspace, ToolError, mountview
from pillion.contracts.forks import Leaf, Snapshots

from . import gitfolder, mounting
from .bases import key_of
from .cloning import Cloner, can_share
from .laying import Laying
from .mounting import Mounts
from .record import TREE
from .yard import Yard

AT_ONCE = 200
"""Contents that are taken out of the store together."""
REFLINK, OVERLAY, COPY = "reflink", "overlay", "copy"
Way = Literal["auto", "reflink", "overlay", "copy"]


class Settings(Struct, frozen=True):
    """As in Config."""

    include: tuple[str, ...]
    way: Way
    count: int
    days: float
    bytes: int


class Maker:
    """Of all forks. Overlays are tried until one could not be mounted."""

    def __init__(self, yard: Yard, mounts: Mounts, settings: Settings, log: logging.Logger) -> None:
        self._yard, self._mounts, self._settings, self._log = yard, mounts, settings, log
        self._bases = trio.Lock()
        self._overlays = settings.way in ("auto", OVERLAY)

    async def make(self, folder: Path, snapshots: Snapshots, origin: LocalWorkspace, base: str) -> str:
        """The way it was made. Raises NotFound, TooLarge, ToolError, OSError."""
        leaves = await snapshots.leaves(origin, base)
        skipped = await snapshots.skipped(origin, base)
        content = _Content(leaves, [path for path, why in skipped.items() if why == "large"])
        shares = self._settings.way in ("auto", REFLINK) and await trio.to_thread.run_sync(
            can_share, origin.root, folder, leaves
        )
        if self._overlays and not shares:
            try:
                await self._overlaid(folder, snapshots, origin, content)
            except Elsewhere:
                pass
            except ToolError as error:
                if self._settings.way == OVERLAY:
                    raise
                self._overlays = False
                self._log.info("Forks are copies here. %s", error)
            else:
                return OVERLAY
        await self._laid(snapshots, origin, content, folder / TREE, str(folder / TREE), reflink=shares)
        await trio.to_thread.run_sync(gitfolder.copy, origin, folder / TREE)
        return REFLINK if shares else COPY

    async def _overlaid(self, folder: Path, snapshots: Snapshots, origin: LocalWorkspace, content: _Content) -> None:
        at = origin.root
        if mountview.split(at)[0] or folder.is_relative_to(at):
            raise Elsewhere("A fork of an overlay, or one inside its origin, is none itself.")
        laying = Laying(origin.root, folder, Cloner(0), trio.from_thread.check_cancelled, str(at))
        laying.know(content.leaves)
        stamps = await trio.to_thread.run_sync(laying.stamps, self._settings.include, content.large)
        key = key_of(content.leaves, [str(at), *stamps])
        async with self._bases:  # of those who want the same one only the first lays it
            upper = await trio.to_thread.run_sync(self._yard.over, folder, key)
            if upper is None:
                laid = await trio.to_thread.run_sync(self._yard.bases.new)
                await self._laid(snapshots, origin, content, laid / TREE, str(at), reflink=True)
                await trio.to_thread.run_sync(self._yard.bases.settle, laid, key)
                upper = await trio.to_thread.run_sync(self._yard.over, folder, key)
        if upper is None:
            raise ToolError("Another process has taken away what the fork was to begin with.")
        await trio.to_thread.run_sync(gitfolder.copy, origin, upper, folder / mounting.OBJECTS)
        try:
            objects = await trio.to_thread.run_sync(gitfolder.objects, origin)
            await self._mounts.mount(folder.name, folder, at, objects)
        except ToolError:
            await trio.to_thread.run_sync(mounting.clear, folder)
            raise

    async def _laid(
        self,
        snapshots: Snapshots,
        origin: LocalWorkspace,
        content: _Content,
        tree: Path,
        led: str,
        *,
        reflink: bool,
    ) -> None:
        cloner = Cloner(self._settings.bytes, reflink=reflink)
        laying = Laying(origin.root, tree, cloner, trio.from_thread.check_cancelled, led)
        laying.know(content.leaves)

        def lay() -> list[Leaf]:
            os.mkdir(tree, 0o700)
            os.chmod(tree, origin.root.stat().st_mode & 0o777 | 0o700)
            missing = laying.lay(content.leaves)
            laying.include(self._settings.include)
            laying.large(content.large)
            return missing

        missing = await trio.to_thread.run_sync(lay)
        for start in range(0, len(missing), AT_ONCE):
            some = missing[start : start + AT_ONCE]
            contents = [data or b"" for data in await snapshots.contents(origin, some)]
            await trio.to_thread.run_sync(laying.put, some, contents)


class Elsewhere(ToolError):
    """This one has to be made in another way."""


class _Content(Struct, frozen=True):
    """What a fork begins with: of the snapshot, and files too large for one."""

    leaves: Sequence[Leaf]
    large: Sequence[str]
