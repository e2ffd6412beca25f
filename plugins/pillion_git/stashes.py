"""Stashes of a workspace: kept by git, laid out through the workspace, so that nobody's change is overwritten."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping, Sequence
from typing import Protocol

import trio

from pillion import Conflict, Event, PillionError, Write
from pillion.contracts.workspace import unsaved_of
from pillion.filediff import file_changed, images
from pillion.protection import guard_of

from .asked import AskedDrop, AskedStage, AskedStash, AskedStashes, AskedStatus, AskedUnstash
from .repository import Git, Ground
from .values import Done, Laid, Laying
from .values import Stashes as Listed

CLEAN_UP = 30.0
"""Seconds in which a stash that could not be laid out is taken back."""
TOLD = 200
"""Files that the log tells of one by one."""


class WritingGround(Ground, Protocol):
    """A ground whose session is told of files; a tool's call is one."""

    async def emit(self, *events: Event, blobs: Mapping[str, bytes] = {}) -> None: ...


class Stashes:
    """All methods raise ToolError; those that write also Conflict, ProtectedPath."""

    def __init__(self, git: Git) -> None:
        self._git = git

    async def list(self, ground: Ground) -> Listed:
        return await self._git.ask(ground, AskedStashes(), Listed)

    async def changed(self, ground: Ground) -> Sequence[str]:
        """The files that `save` would take. Raises ProtectedPath where one of them is protected."""
        found = await self._git.status(ground, AskedStatus())
        mine = [change for change in found.changes if change.unstaged != "untracked"]
        paths = [path for change in mine for path in (change.path, change.origin) if path]
        _check(ground, paths)
        return paths

    async def save(self, ground: WritingGround, message: str = "") -> Done:
        """Keeps what is staged and changed; the files are then as the last commit has them."""
        await self.changed(ground)
        zone = time.localtime(now := time.time()).tm_gmtoff // 60
        made = await self._git.ask(ground, AskedStash(message, int(now), zone), Laying)
        try:
            await _lay(ground, made.files)
        except BaseException:
            with trio.move_on_after(CLEAN_UP, shield=True):
                await self.drop(ground, made.commit)
            raise
        await self._git.stage(ground, AskedStage(tuple(made.paths), undo=True))
        return Done(made.said, made.commit)

    async def put_back(self, ground: WritingGround, stash: str = "", *, keep: bool = False) -> Done:
        """What it holds, in the folder again, all or nothing; what was new is staged. Then it is forgotten."""
        found = await self._git.ask(ground, AskedUnstash(stash), Laying)
        await _lay(ground, found.files)
        if found.paths:
            await self._git.stage(ground, AskedStage(tuple(found.paths)))
        if not keep:
            await self.drop(ground, found.commit)
        return Done(found.said, found.commit)

    async def drop(self, ground: Ground, stash: str) -> Done:
        """Forgets it; what it held is gone."""
        return await self._git.ask(ground, AskedDrop(stash), Done)


async def _lay(ground: WritingGround, files: Sequence[Laid]) -> None:
    """Writes all of them, or none."""
    _check(ground, [one.path for one in files])
    before = [await _content(ground, one) for one in files]
    writes = [Write(one.path, one.data, one.expected, kind=one.kind, mode=one.mode) for one in files]
    await ground.workspace.write_all(writes)
    for one, old in list(zip(files, before, strict=True))[:TOLD]:
        hash = "" if one.data is None else hashlib.sha256(one.data).hexdigest()
        change = await trio.to_thread.run_sync(file_changed, one.path, old, one.data, hash)
        await ground.emit(change, blobs=images(change, old))


async def _content(ground: Ground, one: Laid) -> bytes | None:
    """Of a file that is replaced. What is a link, or too large to be told, counts as not there."""
    if not one.expected or await trio.Path(ground.workspace.root / one.path).is_symlink():
        return None
    try:
        return (await ground.workspace.read(one.path)).data
    except PillionError:
        return None


def _check(ground: Ground, paths: Sequence[str]) -> None:
    """Raises ProtectedPath; Conflict where an editor holds a text of one."""
    guard, unsaved = guard_of(ground.workspace), unsaved_of(ground.workspace)
    for path in paths:
        guard.check(path.rstrip("/"), "write")
        if path in unsaved:
            raise Conflict(f"{path} is unsaved in an editor.")
