"""The forks of this machine's workspaces: made, merged, dropped, and found again."""

from __future__ import annotations

import secrets
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import trio
from msgspec import structs

from pillion import (
    Busy,
    Conflict,
    Home,
    Kernel,
    LocalWorkspace,
    NotFound,
    PillionError,
    ToolError,
    Turn,
    Workspace,
    mountview,
)
from pillion.contracts.forks import Changed, Fork, Leaf, Merged, Preference, Snapshots
from pillion.protection import Protection

from . import gitfolder
from .making import OVERLAY, Maker, Settings
from .merging import Merging
from .mounting import Mounts
from .record import SCHEME, TREE, ForkWorkspace, Kept, address_of
from .yard import Yard

LEAVE_SECONDS = 60.0
"""For taking a fork away that nobody needs any more."""


class AllForks:
    """Those below the plugin's folder, or `place`."""

    def __init__(self, kernel: Kernel, home: Home, mounts: Mounts, place: str, settings: Settings) -> None:
        self._kernel, self._home, self._mounts, self._settings = kernel, home, mounts, settings
        self._yard = Yard(Path(place).expanduser() if place else home.folder())
        self._maker = Maker(self._yard, mounts, settings, home.log)
        self._protection = Protection.of(kernel.settings)
        self._known: dict[str, Kept] = {}
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
        return sorted((kept.fork for kept in self._known.values()), key=lambda fork: fork.created)

    def find(self, id: str) -> Fork:
        """Also by the beginning of its name, 4 characters at least. Raises NotFound."""
        found = [kept.fork for kept in self._known.values() if len(id) >= 4 and kept.fork.id.startswith(id)]
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
        kept = self._known.get(address.partition("://")[2])
        if kept is None:
            raise NotFound(f"There is no fork {address} any more.")
        lenders, origin = kept.lent, None
        with suppress(PillionError):  # it may be gone
            origin = self._origin(kept.fork.origin)
            lenders += tuple(place for place in origin.lenders if place not in lenders)
        workspace = ForkWorkspace(self.folder(kept.fork), self._outermost(kept.fork), self._protection, lenders)
        if origin is not None:
            with suppress(PillionError):  # who keeps snapshots may be gone, too
                self._snapshots().share(workspace, origin)
        return workspace

    def folder(self, fork: Fork) -> Path:
        """Where its files are to be reached. Raises NotFound where they can't be."""
        if fork.way != OVERLAY:
            return self._yard.place / fork.id / TREE
        root = self._mounts.root(fork.id)
        if root is None:
            raise NotFound(f"The fork {fork.id} is not mounted: another process works in it, or its own has ended.")
        return root

    # ── for the plugin ──

    async def begin(self) -> None:
        """Finds those that last, and takes away what others have left."""
        for id in await trio.to_thread.run_sync(self._yard.sweep, self._settings.days):
            self._home.log.info("Took away the fork %s, which nobody needs any more", id)
        await trio.to_thread.run_sync(self._yard.sweep_bases)
        await self.look()
        for kept in list(self._known.values()):
            if kept.fork.way == OVERLAY and await trio.to_thread.run_sync(self._yard.hold, kept.fork.id):
                try:
                    objects = await trio.to_thread.run_sync(self._objects, kept.fork)
                    await self._mounts.mount(kept.fork.id, self._yard.place / kept.fork.id, Path(kept.at), objects)
                except ToolError as error:
                    self._home.log.error("The fork %s can't be used: %s", kept.fork.id, error)

    async def look(self) -> None:
        """Those that other processes have made or dropped meanwhile are known, too."""
        there = {kept.fork.id: kept for kept in await trio.to_thread.run_sync(self._yard.all)}
        self._known = {id: kept for id, kept in self._known.items() if id in there}
        self._known |= {id: kept for id, kept in there.items() if kept.lasting and id not in self._known}

    def close(self) -> None:
        self._yard.close()

    # ── inside ──

    def _outermost(self, fork: Fork) -> str:
        """The folder at the beginning of a row of forks; "" where one of the row is gone."""
        while fork.origin.startswith(f"{SCHEME}://"):
            above = self._known.get(fork.origin.partition("://")[2])
            if above is None:
                return ""
            fork = above.fork
        return fork.origin

    def _snapshots(self) -> Snapshots:
        snapshots = self._kernel.catalog.snapshots()
        if snapshots is None:
            raise NotFound("No plugin that is on keeps snapshots, which a fork begins as; checkpoints would.")
        return snapshots

    def _objects(self, fork: Fork) -> Path | None:
        with suppress(PillionError):
            return gitfolder.objects(self._origin(fork.origin))
        return None

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
            if snapshot:  # a name of its own keeps it, too
                await snapshots.keep(origin, snapshot, id)
            base = snapshot or await snapshots.take(origin, id)
            at = str(mountview.inside(origin.root))
            way = await self._maker.make(folder, snapshots, origin, base)
            fork = Fork(id, address_of(id), address, base, way, time.time_ns() // 1_000_000)
            lent = await trio.to_thread.run_sync(gitfolder.lenders, origin)
            self._known[id] = kept = Kept(fork, lasting, at, lent)
            await trio.to_thread.run_sync(self._yard.settle, id, kept)
        except BaseException:
            self._known.pop(id, None)
            with trio.move_on_after(LEAVE_SECONDS, shield=True):
                await self._mounts.unmount(id)
                await trio.to_thread.run_sync(self._yard.drop, id)
            raise
        return fork

    async def _now(self, fork: Fork) -> tuple[Snapshots, str]:
        """What is in the fork at this moment."""
        snapshots, workspace = self._snapshots(), self.workspace(fork.address)
        await trio.to_thread.run_sync(self._yard.touch, fork.id)
        return snapshots, await snapshots.take(workspace, f"{fork.id}-now")

    async def _rebase(self, fork: Fork, snapshots: Snapshots, now: str) -> None:
        """It begins there from now on: what was merged is not merged again."""
        kept = self._known.get(fork.id)
        if now == fork.base or kept is None:
            return
        changed = structs.replace(kept, fork=structs.replace(fork, base=now))
        await snapshots.keep(self.workspace(fork.address), now, fork.id)
        self._known[fork.id] = changed
        await trio.to_thread.run_sync(self._yard.settle, fork.id, changed)

    async def _drop(self, fork: Fork) -> None:
        self._known.pop(fork.id, None)
        try:
            origin = self._origin(fork.origin)
            for mark in (fork.id, f"{fork.id}-now"):
                await self._snapshots().forget(origin, mark)
        except (NotFound, OSError):  # the origin has gone; its snapshots go with time
            pass
        try:
            await self._mounts.unmount(fork.id)
            await trio.to_thread.run_sync(self._yard.drop, fork.id)
            await trio.to_thread.run_sync(self._yard.sweep_bases)
        except OSError as error:
            raise ToolError(f"The fork's files could not all be taken away: {error.strerror}.") from None
