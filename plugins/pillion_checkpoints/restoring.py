"""Puts files back as a checkpoint has them: what the session changed since, and nothing that somebody else did."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence

import trio
from msgspec import Struct

from pillion import Conflict, PillionError, Turn, Write
from pillion.contracts.workspace import unsaved_of
from pillion.errors import NoSuchFile, NotAFile
from pillion.events import FileChanged
from pillion.filediff import file_changed, images, unified_diff
from pillion.protection import guard_of

from .events import Unrestored
from .shelf import Book
from .state import FOLDER, Difference, State, Thing
from .timeline import Mark, Timeline
from .watching import take

TRIES = 3
"""How often it is tried again when files change while they are put back."""
AT_ONCE = 500
"""Files that are written together, all or none."""
TOLD, TOLD_BYTES = 200, 1024 * 1024
"""Files that the log tells of one by one, and bytes of one."""
TOLD_AT_ONCE = 50
SHOWN = 4_000
"""Characters of a conflict's diff; five times as many of all."""


class Outcome(Struct, frozen=True):
    """`before` is the checkpoint of what was there; `written` the paths that were put back."""

    before: str
    written: tuple[str, ...]
    left: tuple[Unrestored, ...]


class Restorer:
    """Of one turn, which does nothing else. `overwrite`: also what somebody else changed."""

    def __init__(self, turn: Turn, book: Book, timeline: Timeline, *, overwrite: bool) -> None:
        self._turn, self._book, self._timeline, self._overwrite = turn, book, timeline, overwrite
        self._written: dict[str, Thing | None] = {}
        """What was put where."""
        self._left: list[Unrestored] = []

    async def restore(self, target: Mark) -> Outcome:
        """Raises Conflict where files change all the time, KeyError where the checkpoint is gone, OSError."""
        goal = await self._book.of(target.id)
        before = await take(self._turn, self._book, await self._book.look(), runs=True, why="restore")
        now = (await self._book.of(before)).state
        theirs = {} if self._overwrite else await self._theirs(now, target)
        try:
            await self._put_back(goal.state, now, theirs, rules=True)  # what is ignored depends on them
            if self._written:
                now = await self._uncovered(now, theirs)
            await self._put_back(goal.state, now, theirs, rules=False)
        finally:
            with trio.CancelScope(shield=True):
                await take(self._turn, self._book, await self._book.look(), runs=False, why="done")
        return Outcome(before, tuple(self._written), tuple(self._left))

    async def _uncovered(self, before: State, theirs: dict[str, str]) -> State:
        """What is there now, which is kept, too. Adds to `theirs` the files that no rule ignores any more, and those
        that were changed meanwhile: who did it nobody knows."""
        state = await self._book.look()
        await take(self._turn, self._book, state, runs=True, why="restore")
        if not self._overwrite:
            theirs |= await self._meanwhile(before, state)
        return state

    async def _meanwhile(self, before: State, now: State) -> dict[str, str]:
        """The paths that somebody else has changed between the two."""
        found: dict[str, str] = {}
        for one in await self._book.differences(before, now):
            if FOLDER in (one.before, one.after):
                continue
            if one.path not in self._written or one.after not in (None, self._written[one.path]):
                found[one.path] = "changed"
        return found

    async def _put_back(self, goal: State, known: State, theirs: Mapping[str, str], *, rules: bool) -> None:
        """The files of ignore rules alone, or all. What is in `known` is kept in a checkpoint; what is found to be
        another since is left, also when all is to be overwritten, since it would be lost."""
        for attempt in range(TRIES):
            now = await self._book.look() if attempt else known
            theirs = {**theirs, **(await self._meanwhile(known, now) if attempt else {})}
            wanted = await self._book.differences(now, goal)
            if rules:
                wanted = [one for one in wanted if one.path.rpartition("/")[2] == ".gitignore" and not _mixed(one)]
            left = await self._kept(wanted, now, goal, theirs)
            todo = [one for one in wanted if not any(_touch(one.path, path) for path in left)]
            try:
                await self._write(todo)
            except Conflict:  # somebody has changed a file this moment: look again
                if attempt == TRIES - 1:
                    raise
                continue
            if not rules:
                dropped = {one.path: "blocked" for one in wanted if one not in todo and one.after not in (None, FOLDER)}
                await self._tell(wanted, dropped | left)
            return

    async def _kept(
        self, wanted: Sequence[Difference], now: State, goal: State, theirs: Mapping[str, str]
    ) -> dict[str, str]:
        """What is not put back, and why."""
        guard, unsaved = guard_of(self._turn.workspace), unsaved_of(self._turn.workspace)
        skipped = {**await self._book.skipped(now), **await self._book.skipped(goal)}
        left: dict[str, str] = {}
        for one in wanted:
            try:
                guard.check(one.path, "write")
            except PillionError:
                left[one.path] = "protected"
            if one.path in skipped:
                left[one.path] = "blocked"
            elif one.path in unsaved:
                left[one.path] = "unsaved"
            elif one.path in theirs:
                left[one.path] = theirs[one.path]
        return left

    async def _theirs(self, now: State, target: Mark) -> dict[str, str]:
        """The paths that changed since, otherwise than by the session; and how."""
        found: dict[str, str] = {}
        ran: set[str] = set()
        last: dict[str, str] = {}
        marks = self._timeline.since(target)
        states = [(await self._book.of(mark.id)).state for mark in marks] + [now]
        for place, mark in enumerate(marks):
            following = marks[place + 1] if place + 1 < len(marks) else None
            mine = {
                path: hash
                for seq, path, hash in self._timeline.changes
                if mark.seq < seq and (following is None or seq < following.seq)
            }
            last |= mine
            if states[place] == states[place + 1]:
                continue
            cut = mark.event.runs and (following is None or following.turn != mark.turn)
            for one in await self._book.differences(states[place], states[place + 1]):
                if mark.event.runs and not cut:
                    ran.add(one.path)
                elif one.path not in mine and FOLDER not in (one.before, one.after):
                    found[one.path] = "interrupted" if cut else "changed"
        for path in last.keys() - ran - found.keys():
            if await self._hash(path) != last[path]:
                found[path] = "changed"
        return found

    async def _hash(self, path: str) -> str:
        """Of what is there now; "" of nothing."""
        try:
            return (await self._turn.workspace.read(path)).hash
        except PillionError:
            return ""

    async def _write(self, todo: Sequence[Difference]) -> None:
        """Where a folder has to make room for a file, or the other way, what goes goes first."""
        if any(map(_mixed, todo)):
            going = [Difference(one.path, one.before, None) for one in todo if one.after is None or _mixed(one)]
            await self._write_whole(going)
            todo = [Difference(one.path, None, one.after) if _mixed(one) else one for one in todo if one.after]
            todo = [one for one in todo if one.before or one.after == FOLDER or not await self._is_folder(one.path)]
        await self._write_whole(todo)

    async def _write_whole(self, todo: Sequence[Difference]) -> None:
        for batch in await self._batches(todo):
            before = await self._book.contents([one.before for one in batch])
            after = await self._book.contents([one.after for one in batch])
            writes = [_write(*each) for each in zip(batch, before, after, strict=True)]
            await self._turn.workspace.write_all(writes)
            told: list[tuple[str, bytes | None, bytes | None]] = []
            for one, old, new in zip(batch, before, after, strict=True):
                if FOLDER not in (one.before, one.after):
                    self._written[one.path] = one.after
                    if len(self._written) <= TOLD and len(old or b"") + len(new or b"") <= TOLD_BYTES:
                        told.append((shown(one.path), old, new))
            for start in range(0, len(told), TOLD_AT_ONCE):
                await self._say(told[start : start + TOLD_AT_ONCE])

    async def _batches(self, todo: Sequence[Difference]) -> list[Sequence[Difference]]:
        """Folders that go come last, when their files are gone."""
        ordered = sorted(todo, key=lambda one: (one.after is None and one.before == FOLDER, one.path))
        return [ordered[start : start + AT_ONCE] for start in range(0, len(ordered), AT_ONCE)]

    async def _is_folder(self, path: str) -> bool:
        try:
            found = await self._turn.workspace.list(path.rpartition("/")[0])
        except (NoSuchFile, NotAFile):  # what it is in has just gone, or is yet to come
            return False
        return any(entry.path == path and entry.kind == "folder" for entry in found)

    async def _say(self, told: Sequence[tuple[str, bytes | None, bytes | None]]) -> None:
        """For those who watch the session: its editor, or an index."""
        changes = await trio.to_thread.run_sync(lambda: [_changed(*one) for one in told])
        blobs = {
            name: blob
            for change, (_, old, _) in zip(changes, told, strict=True)
            for name, blob in images(change, old).items()
        }
        await self._turn.emit(*changes, blobs=blobs)

    async def _tell(self, wanted: Sequence[Difference], left: Mapping[str, str]) -> None:
        room = 5 * SHOWN
        for one in wanted:
            if one.path not in left:
                continue
            why, diff = left[one.path], ""
            if why in ("changed", "interrupted") and room > 0:
                old, new = await self._book.contents([one.before, one.after])
                diff = await trio.to_thread.run_sync(unified_diff, shown(one.path), old, new)
                diff = diff[: min(SHOWN, room)]
                room -= len(diff)
            self._left.append(Unrestored(shown(one.path), why, diff))


def _changed(path: str, old: bytes | None, new: bytes | None) -> FileChanged:
    return file_changed(path, old, new, "" if new is None else hashlib.sha256(new).hexdigest())


def shown(path: str) -> str:
    """A path as text that any codec takes."""
    return os.fsencode(path).decode(errors="replace")


def _mixed(one: Difference) -> bool:
    """Does a folder make room for something else, or the other way?"""
    return one.before is not None and one.after is not None and (one.before == FOLDER) != (one.after == FOLDER)


def _touch(path: str, other: str) -> bool:
    """Is one of them the other, or inside it?"""
    return path == other or path.startswith(f"{other}/") or other.startswith(f"{path}/")


def _write(one: Difference, old: bytes | None, new: bytes | None) -> Write:
    kinds = [thing.kind for thing in (one.before, one.after) if thing is not None]
    if "folder" in kinds:
        return Write(one.path, None if one.after is None else b"", kind="folder")
    expected = ""
    if one.before is not None and old is not None:
        expected = hashlib.sha256(b"link:" + old if one.before.kind == "link" else old).hexdigest()
    if one.after is None:
        return Write(one.path, None, expected, kind="file")
    if one.after.kind == "link":
        return Write(one.path, new, expected, kind="link")
    return Write(one.path, new, expected, kind="file", mode=one.after.bits)
