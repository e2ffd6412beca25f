"""What commits changed, kept in the database and brought up to date bit by bit.

Commits are those of the first parents of the last one: what happened on this branch, each merge being one step.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import trio

from pillion import Event, Kernel, PillionError, ToolError

from .asked import AskedChain, AskedCounts
from .repository import FolderGround, Git, Ground
from .scores import FileScore, FileTogether
from .values import Counted

if TYPE_CHECKING:
    from pillion_storage.gitstatistics import CommitCount, FileSum, GitStatisticsDoor

TOGETHER = 500
"""Commits that are counted, and kept, at once."""
EVERY = 1.0
"""Seconds between two notes of how far it is."""


class GitCounted(Event, frozen=True, tag="git.counted"):
    """So many of the `commits` of the session's repository are counted in its statistics."""

    done: int
    commits: int


class Progress:
    """Of one repository. `commits` to be known in all, `done` of them; `error` that ended it."""

    def __init__(self) -> None:
        self.ended = trio.Event()
        self.done = self.commits = 0
        self.error: PillionError | None = None

    @property
    def complete(self) -> bool:
        return self.ended.is_set() and self.error is None


class Statistics:
    """Of all repositories. `most`: commits of each that are counted."""

    def __init__(self, kernel: Kernel, git: Git, door: GitStatisticsDoor, most: int, nursery: trio.Nursery) -> None:
        self._kernel, self._git, self._door, self._most, self._nursery = kernel, git, door, most, nursery
        self._running: dict[str, Progress] = {}

    async def update(self, ground: Ground, seconds: float) -> tuple[str, Progress]:
        """The repository's top, and how far it is after so long; the rest goes on. Raises ToolError, StoreFailed."""
        top = (await self._git.place(ground)).top
        progress = self._running.get(top)
        if progress is None:
            progress = self._running[top] = Progress()
            self._nursery.start_soon(self._run, top, ground, progress)
        with trio.move_on_after(seconds):
            await progress.ended.wait()
        if progress.error is not None:
            raise progress.error
        return top, progress

    async def newest(self, top: str, limit: int) -> list[CommitCount]:
        return await self._door.newest(top, limit)

    async def files(self, top: str, prefix: str) -> list[FileScore]:
        """Those below `prefix` that are there, with paths from there, the highest score first."""
        found = await self._door.files(top)
        return await trio.to_thread.run_sync(_scored, top, prefix, found)

    async def together(
        self, workspace: str, paths: Sequence[str], most: int, seconds: float
    ) -> dict[str, list[FileTogether]]:
        """As `scores.together` says; {} for a folder in no repository."""
        ground = FolderGround(self._kernel, workspace)
        try:
            top, _ = await self.update(ground, seconds)
        except ToolError:
            return {}
        prefix = below(top, str(ground.workspace.root))
        found: dict[str, list[FileTogether]] = {}
        for path in paths:
            some = await self._door.together(top, prefix + path, most)
            found[path] = [
                FileTogether(one.path.removeprefix(prefix), one.commits, one.share)
                for one in some
                if one.path.startswith(prefix)
            ]
        return found

    async def scores(self, workspace: str, seconds: float) -> list[FileScore]:
        """As `scores.scores` says; [] for a folder in no repository."""
        ground = FolderGround(self._kernel, workspace)
        try:
            top, _ = await self.update(ground, seconds)
        except ToolError:
            return []
        return await self.files(top, below(top, str(ground.workspace.root)))

    async def _run(self, top: str, ground: Ground, progress: Progress) -> None:
        try:
            await self._count(top, ground, progress)
        except PillionError as error:
            progress.error = error  # whoever waits gets it
        finally:
            self._running.pop(top, None)
            progress.ended.set()

    async def _count(self, top: str, ground: Ground, progress: Progress) -> None:
        chain = (await self._git.chain(ground, AskedChain(self._most))).commits
        known = await self._door.commits(top)
        if stale := sorted(known.difference(chain)):
            await self._door.drop(top, stale)
        progress.commits = len(chain)
        progress.done = len(known.intersection(chain))
        told = trio.current_time()
        for start, count in _missing(chain, known):
            found = await self._git.counts(ground, AskedCounts(chain[start], count))
            await self._door.put(top, [_row(one) for one in found.data])
            progress.done += count
            if trio.current_time() >= told + EVERY or progress.done == progress.commits:
                told = trio.current_time()
                await self._tell(top, progress)

    async def _tell(self, top: str, progress: Progress) -> None:
        for session in self._kernel.live():
            if session.parent is None and _is_in(session.info.workspace, top):
                with suppress(PillionError):  # one that ends needs no news
                    await session.note(GitCounted(done=progress.done, commits=progress.commits))


def _missing(chain: Sequence[str], known: set[str]) -> list[tuple[int, int]]:
    """Stretches of the row that are not known: begin and length, TOGETHER at most."""
    found: list[tuple[int, int]] = []
    for at, commit in enumerate(chain):
        if commit in known:
            continue
        if found and sum(found[-1]) == at and found[-1][1] < TOGETHER:
            found[-1] = (found[-1][0], found[-1][1] + 1)
        else:
            found.append((at, 1))
    return found


def below(top: str, root: str) -> str:
    """Where a workspace is in its repository: "" or a path that ends with `/`."""
    return "" if root == top else root.removeprefix(top).strip("/") + "/"


def _is_in(folder: str, top: str) -> bool:
    real = os.path.realpath(folder)
    return real == top or real.startswith(top + "/")


def _row(one: Counted) -> CommitCount:
    from pillion_storage.gitstatistics import CommitCount, FileCount  # there is a door, so it is imported already

    commit = one.commit
    files = [FileCount(file.path, file.added, file.removed) for file in one.files]
    return CommitCount(commit.id, commit.author, commit.email, commit.committed, commit.title, commit.body, files)


def _scored(top: str, prefix: str, found: Sequence[FileSum]) -> list[FileScore]:
    there = [one for one in found if os.path.lexists(os.path.join(top, one.path))]
    activity, recency = _ranks(there, lambda one: one.commits), _ranks(there, lambda one: one.time)
    told = [
        FileScore(
            one.path.removeprefix(prefix),
            one.commits,
            one.insertions,
            one.deletions,
            one.time,
            activity[one.commits],
            recency[one.time],
            (activity[one.commits] + recency[one.time]) / 2,
        )
        for one in there
        if one.path.startswith(prefix)
    ]
    return sorted(told, key=lambda one: (-one.score, one.path))


def _ranks(found: Sequence[FileSum], of: Callable[[FileSum], int]) -> Mapping[int, float]:
    """By a file's value, its place among all, as a share of them."""
    return {of(one): place / len(found) for place, one in enumerate(sorted(found, key=of), 1)}
