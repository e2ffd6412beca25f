"""What a session's files were when the first snapshot of its workspace was taken, where snapshots are kept."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress

from msgspec import Struct

from pillion import Kernel, NotFound, Session, Workspace
from pillion.contracts.forks import Changed, First, Leaf, Snapshots


class Before(Struct, frozen=True):
    """`changed` is what differs now from the `first` snapshot, by path; `same` are the paths of what does not."""

    snapshots: Snapshots
    disk: Workspace
    first: First
    changed: Mapping[str, Changed]
    same: frozenset[str]

    async def contents(self, leaves: Sequence[Leaf | None]) -> Sequence[bytes | None]:
        """Raises NotFound where it has been given up meanwhile."""
        return await self.snapshots.contents(self.disk, leaves)

    def knows(self, path: str) -> bool:
        """Does it know more of that file than the session's own log?"""
        return path not in self.first.earlier and (path in self.changed or path in self.same)


async def look_back(kernel: Kernel, session: Session, disk: Workspace) -> Before | None:
    """None: none has been taken, or it has been given up."""
    snapshots = kernel.catalog.snapshots()
    if snapshots is None:
        return None
    with suppress(NotFound, OSError):
        first = await snapshots.first(session)
        mark = secrets.token_hex(8)
        now = await snapshots.take(disk, mark)
        try:
            found = {one.path: one for one in await snapshots.changes(disk, first.snapshot, now)}
            skipped = {**await snapshots.skipped(disk, first.snapshot), **await snapshots.skipped(disk, now)}
            there = {leaf.path for leaf in await snapshots.leaves(disk, first.snapshot)}
        finally:
            await snapshots.forget(disk, mark)
        changed = {path: one for path, one in found.items() if path not in skipped and not _folders(one)}
        return Before(snapshots, disk, first, changed, frozenset(there - found.keys()))
    return None


def _folders(one: Changed) -> bool:
    """Is it no file, neither then nor now?"""
    return all(leaf is None or leaf.kind == "folder" for leaf in (one.before, one.after))
