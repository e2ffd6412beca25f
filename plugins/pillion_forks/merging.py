"""Brings into a workspace what a fork of it changed: an edit of a turn, through the workspace's one door."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence

import trio
from msgspec import Struct, structs

from pillion import Conflict, PillionError, Turn, Write
from pillion.contracts.forks import Changed, Fork, Leaf, Merged, Preference, Snapshots, Unmerged
from pillion.contracts.workspace import unsaved_of
from pillion.errors import ToolError
from pillion.filediff import file_changed, images, unified_diff
from pillion.localworkspace import LocalWorkspace
from pillion.protection import guard_of

from . import threeway

TRIES = 3
"""How often it is tried again when files of the workspace change meanwhile."""
AT_ONCE = 500
"""Files that are written together, all or none."""
TOLD, TOLD_BYTES = 200, 1024 * 1024
"""Files that the log tells of one by one, and bytes of one."""
SHOWN = 4_000
"""Characters of what is shown of a file that was left; five times as many of all."""
Thing = tuple[Leaf | None, bytes | None]
"""What is at a path, and its content."""


class Step(Struct, frozen=True):
    """A path that is to become `new` and is `old` now, in the workspace; or is left, and `why`."""

    path: str
    old: Thing
    new: Thing
    why: str = ""
    shown: bytes | None = None
    """The file with marks, where the two sides differ."""


class Merging:
    """Of one fork, whose files were `now` when it began, in one turn on its `origin`."""

    def __init__(
        self, turn: Turn, snapshots: Snapshots, origin: LocalWorkspace, fork: Fork, now: str, prefer: Preference
    ) -> None:
        self._turn, self._snapshots, self._origin = turn, snapshots, origin
        self._fork, self._now, self._prefer = fork, now, prefer
        self._written: dict[str, None] = {}
        self._first: Mapping[str, Changed] = {}
        """What the workspace had changed before it was kept. Whatever somebody changes since is in no checkpoint."""

    async def run(self) -> Merged:
        """Raises Conflict where files change all the time, NotFound where a snapshot is gone, OSError."""
        if self._prefer == "fork":
            self._first = (await self._mine())[0]
        # What is there is kept first, and all that changes then is the merge's.
        await self._turn.witnesses.before(self._turn, "execute")
        changes = await self._snapshots.changes(self._origin, self._fork.base, self._now)
        for attempt in range(TRIES):
            steps = await self._planned(changes)
            try:
                for batch in _batches([step for step in steps if not step.why]):
                    await self._write(batch)
            except Conflict:  # somebody has changed a file this moment: look again
                if attempt == TRIES - 1:
                    raise
                continue
            return Merged(tuple(map(shown, self._written)), await self._left(steps))
        raise AssertionError("the last attempt raises")

    # ── what is to be done ──

    async def _planned(self, changes: Sequence[Changed]) -> list[Step]:
        mine, skipped = await self._mine()
        steps = [step for one in changes if (step := await self._planned_one(one, mine, skipped)) is not None]
        for step in [step for step in steps if step.why and step.new[0] is not None]:
            # what a file that is left would make room for can't come either
            inside = f"{step.path}/"
            steps = [
                structs.replace(one, why=one.why or "blocked") if one.path.startswith(inside) else one for one in steps
            ]
        return steps

    async def _mine(self) -> tuple[Mapping[str, Changed], Mapping[str, str]]:
        """What the workspace has changed since the fork began, and what of it is not kept."""
        mark = f"{self._fork.id}-into"
        there = await self._snapshots.take(self._origin, mark)
        try:
            mine = {one.path: one for one in await self._snapshots.changes(self._origin, self._fork.base, there)}
            return mine, await self._snapshots.skipped(self._origin, there)
        finally:
            with trio.CancelScope(shield=True, deadline=trio.current_time() + 10):
                await self._snapshots.forget(self._origin, mark)

    async def _planned_one(self, one: Changed, mine: Mapping[str, Changed], skipped: Mapping[str, str]) -> Step | None:
        """None: there is nothing to do."""
        own = mine[one.path].after if one.path in mine else one.before
        if own == one.after:
            return None
        base, old, new = await self._snapshots.contents(self._origin, [one.before, own, one.after])
        step = Step(one.path, (own, old), (one.after, new))
        if why := await self._barred(one, own, skipped):
            return structs.replace(step, why=why)
        if one.path not in mine or (self._prefer == "fork" and self._is_kept(one, own)):
            return step
        return await self._both(step, one, base)

    def _is_kept(self, one: Changed, own: Leaf | None) -> bool:
        """Is what is there what was there when it was kept, or what this merge has made of it?"""
        first = self._first[one.path].after if one.path in self._first else one.before
        return own == first or (own is None and one.path in self._written)

    async def _both(self, step: Step, one: Changed, base: bytes | None) -> Step:
        """Both sides have changed it."""
        (own, old), (theirs, new) = step.old, step.new
        if own is None or theirs is None:
            return structs.replace(step, why="gone")
        if not own.kind == theirs.kind == "file" or old is None or new is None:
            return structs.replace(step, why="both")
        before = one.before if one.before is not None and one.before.kind == "file" else None
        begin = (base if before is not None else b"") or b""
        names = "workspace", f"fork {self._fork.id[:8]}"
        found = await trio.to_thread.run_sync(threeway.merge, begin, old, new, names)
        bits = own.bits if before is not None and theirs.bits == before.bits else theirs.bits
        if found is None or (found.conflicts and self._prefer != "mark"):
            return structs.replace(step, why="both", shown=found.text if found else None)
        return structs.replace(step, new=(Leaf(step.path, "file", "", bits), found.text))

    async def _barred(self, one: Changed, own: Leaf | None, skipped: Mapping[str, str]) -> str:
        """Why it must be left, "" for nothing."""
        try:
            guard_of(self._origin).check(one.path, "write")
        except PillionError:
            return "protected"
        if one.path in unsaved_of(self._turn.workspace):
            return "unsaved"
        if one.path in skipped:
            return "blocked"
        if own is None and await self._is_there(one.path):
            return "blocked"  # git ignores it here, so no snapshot has it
        return ""

    async def _is_there(self, path: str) -> bool:
        try:
            return any(entry.path == path for entry in await self._origin.list(path.rpartition("/")[0]))
        except ToolError:
            return False

    # ── doing it ──

    async def _write(self, batch: Sequence[Step]) -> None:
        await self._turn.workspace.write_all([_as_write(step) for step in batch])
        for step in batch:
            kinds = [leaf.kind for leaf, _ in (step.old, step.new) if leaf is not None]
            if "folder" in kinds:
                continue
            self._written.setdefault(step.path)
            old, new = step.old[1], step.new[1]
            if len(self._written) <= TOLD and len(old or b"") + len(new or b"") <= TOLD_BYTES:
                hash = "" if new is None else hashlib.sha256(new).hexdigest()
                change = await trio.to_thread.run_sync(file_changed, shown(step.path), old, new, hash)
                await self._turn.emit(change, blobs=images(change, old))

    async def _left(self, steps: Sequence[Step]) -> tuple[Unmerged, ...]:
        room, left = 5 * SHOWN, []
        why = {step.path for step in steps if step.why}
        for step in steps:
            if not step.why or any(path.startswith(f"{step.path}/") for path in why):
                continue
            diff = ""
            if room > 0 and "folder" not in [leaf.kind for leaf, _ in (step.old, step.new) if leaf is not None]:
                new = step.new[1] if step.shown is None else step.shown
                diff = await trio.to_thread.run_sync(unified_diff, shown(step.path), step.old[1], new)
                diff = diff[: min(SHOWN, room)]
                room -= len(diff)
            left.append(Unmerged(shown(step.path), step.why, diff))
        return tuple(left)


def shown(path: str) -> str:
    """A path as text that any codec takes."""
    return os.fsencode(path).decode(errors="replace")


def _batches(steps: Sequence[Step]) -> list[Sequence[Step]]:
    """What makes room comes first, for a folder where a file was or the other way; folders that go come last."""
    mixed = [step for step in steps if _is_mixed(step)]
    going = [structs.replace(step, new=(None, None)) for step in mixed]
    going += [step for step in steps if step.new[0] is None]
    going.sort(key=lambda step: (step.old[0] is not None and step.old[0].kind == "folder", step.path))
    coming = [structs.replace(step, old=(None, None)) for step in mixed]
    coming += [step for step in steps if step.new[0] is not None and not _is_mixed(step)]
    batches: list[Sequence[Step]] = []
    for ordered in (going, coming) if mixed else ([*going, *coming],):
        batches += [ordered[start : start + AT_ONCE] for start in range(0, len(ordered), AT_ONCE)]
    return batches


def _is_mixed(step: Step) -> bool:
    old, new = step.old[0], step.new[0]
    return old is not None and new is not None and (old.kind == "folder") != (new.kind == "folder")


def _as_write(step: Step) -> Write:
    (old, was), (new, data) = step.old, step.new
    if "folder" in [leaf.kind for leaf in (old, new) if leaf is not None]:
        return Write(step.path, None if new is None else b"", kind="folder")
    expected = ""
    if old is not None and was is not None:
        expected = hashlib.sha256(b"link:" + was if old.kind == "link" else was).hexdigest()
    if new is None or data is None:
        return Write(step.path, None, expected, kind="file")
    if new.kind == "link":
        return Write(step.path, data, expected, kind="link")
    return Write(step.path, data, expected, kind="file", mode=new.bits)
