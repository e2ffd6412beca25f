"""The forks of this machine's workspaces: made, merged, dropped, and found again."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import trio
from msgspec import Struct, structs

from pillion import Busy, Conflict, Home, Kernel, LocalWorkspace, NotFound, ToolError, Turn, Workspace
from pillion.contracts.forks import Changed, Fork, Leaf, Merged, Preference, Snapshots
from pillion.protection import Protection

from . import gitfolder
from .cloning import Cloner
from .laying import Laying
from .merging import Merging
from .record import SCHEME, TREE, ForkWorkspace, Kept, address_of
from .yard import Yard

AT_ONCE = 200
"""Contents that are taken out of the store together."""
LEAVE_SECONDS = 60.0
"""For taking a fork away that nobody needs any more."""


class Settings(Struct, frozen=True):
    """`include`: folders that git ignores and forks have, too; `count`, `days` and `bytes` as in Config."""

    include: tuple[str, ...]
    count: int
    days: float
    bytes: int
    reflink: bool


class AllForks:
    """Those below the plugin's folder, or `place`."""

    def __init__(self, kernel: Kernel, home: Home, place: str, settings: Settings) -> None:
        self._kernel, self._home, self._settings = kernel, home, settings
        self._yard = Yard(Path(place).expanduser() if place else home.folder())
        self._protection = Protection.of(kernel.settings)
        self._known: dict[str, Fork] = {}
        self._making = 0

    # ── for those who want forks ──

    @asynccontextmanager
    async def fork(self, workspace: str, snapshot: str = "") -> AsyncIterator[Fork]:
        made = await self._make(workspace, snapshot, lasting=False)
        try:
            yield made
        finally:
            with trio.move_on_after(LEAVE_SECONDS, shield=True):
                await self._drop(made)

    async def make(self, workspace: str, snapshot: str = "") -> Fork:
        return await self._make(workspace, snapshot, lasting=True)

    def all(self) -> Sequence[Fork]:
        return sorted(self._known.values(), key=lambda fork: fork.created)

    def find(self, id: str) -> Fork:
        """Also by the beginning of its name, 4 characters at least. Raises NotFound."""
        found = [fork for fork in self._known.values() if len(id) >= 4 and fork.id.startswith(id)]
        if len(found) != 1:
            raise NotFound(f"{len(found)} forks begin with {id!r}." if found else f"There is no fork {id!r}.")
        return found[0]

    async def changes(self, id: str) -> Sequence[Changed]:
        fork = self.find(id)
        snapshots, now = await self._now(fork)
        return await snapshots.changes(self.workspace(fork.address), fork.base, now)

    async def contents(self, id: str, leaves: Sequence[Leaf | None]) -> Sequence[bytes | None]:
        return await self._snapshots().contents(self.workspace(self.find(id).address), leaves)

    async def merge(self, turn: Turn, id: str, prefer: Preference = "") -> Merged:
        fork = self.find(id)
        self.check(fork, turn.session.info.workspace)
        origin = self._origin(fork.origin)
        try:
            snapshots, now = await self._now(fork)
            merged = await Merging(turn, snapshots, origin, fork, now, prefer).run()
        except OSError as error:
            raise ToolError(f"The fork could not be merged: {error.strerror}.") from None
        if not merged.left:
            await self._rebase(fork, snapshots, now)
        return merged

    def check(self, fork: Fork, workspace: str) -> None:
        """Is it one of the workspace with that address? Raises Conflict, NotFound."""
        if self._kernel.catalog.workspace(workspace).root != self._origin(fork.origin).root:
            raise Conflict(f"The fork {fork.id[:8]} is one of {fork.origin}, and this session works elsewhere.")

    async def drop(self, id: str) -> None:
        fork = self.find(id)
        working = [one.id for one in self._kernel.live() if one.info.workspace == fork.address and one.state != "idle"]
        if working:
            raise Conflict(f"The session {working[0]} works in this fork; stop it first.")
        await self._drop(fork)

    def workspace(self, address: str) -> ForkWorkspace:
        """The files of the fork with that address. Raises NotFound."""
        fork = self._known.get(address.partition("://")[2])
        if fork is None:
            raise NotFound(f"There is no fork {address} any more.")
        return ForkWorkspace(self.folder(fork), self._outermost(fork), self._protection)

    def folder(self, fork: Fork) -> Path:
        """Where its files lie."""
        return self._yard.place / fork.id / TREE

    # ── for the plugin ──

    async def begin(self) -> None:
        """Finds those that last, and takes away what others have left."""
        for id in await trio.to_thread.run_sync(self._yard.sweep, self._settings.days):
            self._home.log.info("Took away the fork %s, which nobody needs any more", id)
        await self.look()

    async def look(self) -> None:
        """Those that other processes have made or dropped meanwhile are known, too."""
        there = {kept.fork.id: kept for kept in await trio.to_thread.run_sync(self._yard.all)}
        self._known = {id: fork for id, fork in self._known.items() if id in there}
        self._known |= {id: kept.fork for id, kept in there.items() if kept.lasting and id not in self._known}

    def close(self) -> None:
        self._yard.close()

    # ── inside ──

    def _outermost(self, fork: Fork) -> str:
        """The folder at the beginning of a row of forks; "" where one of the row is gone."""
        while fork.origin.startswith(f"{SCHEME}://"):
            above = self._known.get(fork.origin.partition("://")[2])
            if above is None:
                return ""
            fork = above
        return fork.origin

    def _snapshots(self) -> Snapshots:
        snapshots = self._kernel.catalog.snapshots()
        if snapshots is None:
            raise NotFound("No plugin that is on keeps snapshots, which a fork begins as; checkpoints would.")
        return snapshots

    def _origin(self, address: str) -> LocalWorkspace:
        origin: Workspace = self._kernel.catalog.workspace(address)
        if not isinstance(origin, LocalWorkspace):
            raise NotFound("This workspace is no folder of this machine: it can't be forked.")
        return origin

    async def _make(self, address: str, snapshot: str, *, lasting: bool) -> Fork:
        snapshots, origin = self._snapshots(), self._origin(address)
        if await trio.to_thread.run_sync(self._yard.count) + self._making >= self._settings.count:
            raise Busy(f"{self._settings.count} forks are there already; drop some, or raise the setting count.")
        id = secrets.token_hex(8)
        self._making += 1
        try:
            return await self._made(id, snapshots, origin, address, snapshot, lasting=lasting)
        except OSError as error:
            raise ToolError(f"The workspace could not be forked: {error.strerror}.") from None
        finally:
            self._making -= 1

    async def _made(
        self, id: str, snapshots: Snapshots, origin: LocalWorkspace, address: str, snapshot: str, *, lasting: bool
    ) -> Fork:
        folder = await trio.to_thread.run_sync(self._yard.make, id)
        try:
            base = snapshot or await snapshots.take(origin, id)
            cloner = Cloner(self._settings.bytes, reflink=self._settings.reflink)
            await self._laid(snapshots, origin, base, folder / TREE, cloner)
            way = "reflink" if cloner.cloned else "copy"
            fork = Fork(id, address_of(id), address, base, way, time.time_ns() // 1_000_000)
            self._known[id] = fork
            await trio.to_thread.run_sync(self._yard.settle, id, Kept(fork, lasting))
            snapshots.share(self.workspace(fork.address), origin)
            if snapshot:  # its own name keeps it, too
                await snapshots.keep(origin, base, id)
        except BaseException:
            self._known.pop(id, None)
            with trio.move_on_after(LEAVE_SECONDS, shield=True):
                await trio.to_thread.run_sync(self._yard.drop, id)
            raise
        return fork

    async def _laid(self, snapshots: Snapshots, origin: LocalWorkspace, base: str, tree: Path, cloner: Cloner) -> None:
        leaves = await snapshots.leaves(origin, base)
        skipped = await snapshots.skipped(origin, base)
        laying = Laying(origin.root, tree, cloner, trio.from_thread.check_cancelled)
        large = [path for path, why in skipped.items() if why == "large"]
        kept = frozenset(leaf.path for leaf in leaves)

        def lay() -> list[Leaf]:
            os.mkdir(tree, 0o700)
            missing = laying.lay(leaves)
            laying.include(self._settings.include, kept)
            laying.large(large)
            gitfolder.copy(origin.root, tree)
            return missing

        missing = await trio.to_thread.run_sync(lay)
        for start in range(0, len(missing), AT_ONCE):
            some = missing[start : start + AT_ONCE]
            contents = [data or b"" for data in await snapshots.contents(origin, some)]
            await trio.to_thread.run_sync(laying.put, some, contents)

    async def _now(self, fork: Fork) -> tuple[Snapshots, str]:
        """What is in the fork at this moment."""
        snapshots, workspace = self._snapshots(), self.workspace(fork.address)
        await trio.to_thread.run_sync(self._yard.touch, fork.id)
        snapshots.share(workspace, self._origin(fork.origin))
        return snapshots, await snapshots.take(workspace, f"{fork.id}-now")

    async def _rebase(self, fork: Fork, snapshots: Snapshots, now: str) -> None:
        """It begins there from now on: what was merged is not merged again."""
        if now == fork.base or fork.id not in self._known:
            return
        lasting = not self._yard.holds(fork.id)
        changed = structs.replace(fork, base=now)
        await snapshots.keep(self.workspace(fork.address), now, fork.id)
        self._known[fork.id] = changed
        await trio.to_thread.run_sync(self._yard.settle, fork.id, Kept(changed, lasting))

    async def _drop(self, fork: Fork) -> None:
        self._known.pop(fork.id, None)
        try:
            origin = self._origin(fork.origin)
            for mark in (fork.id, f"{fork.id}-now"):
                await self._snapshots().forget(origin, mark)
        except (NotFound, OSError):  # the origin has gone; its snapshots go with time
            pass
        try:
            await trio.to_thread.run_sync(self._yard.drop, fork.id)
        except OSError as error:
            raise ToolError(f"The fork's files could not all be taken away: {error.strerror}.") from None
