"""The snapshots of all workspaces: one store each, opened when it is first wanted, used by one at a time."""

from __future__ import annotations

import hashlib
import os
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import trio
from msgspec import Struct

from pillion import Home, LocalWorkspace

from .bounds import Bounds, Collected
from .state import Difference, Snapshot, State, Thing

if TYPE_CHECKING:
    from .snapshots import Snapshots

T = TypeVar("T")
SWEEP_SECONDS = 60.0
SWEEP_KEPT = 50
"""Snapshots after which old ones are given up."""
OPEN = 8
"""Workspaces whose files are remembered; of another one all are looked at anew."""


class Ready(Struct, frozen=True):
    """A snapshot that is kept as `ref`, before anybody needs it."""

    ref: str
    snapshot: Snapshot


class Shelf:
    """Those below the plugin's folder."""

    def __init__(self, home: Home, limit: int) -> None:
        self._home, self._limit = home, limit
        self._books: dict[Path, Book] = {}
        self._shared: dict[Path, Path] = {}
        """Roots of forks, and those of the workspaces in whose stores they are kept."""

    def share(self, fork: Path, origin: Path) -> None:
        """What is kept of the folder `fork` lies in the store of `origin` from now on, by the same rules."""
        origin = self._shared.get(origin, origin)
        if self._shared.get(fork) != origin:
            self._shared[fork] = origin
            if (book := self._books.pop(fork, None)) is not None:
                book.close()

    def book(self, workspace: LocalWorkspace) -> Book:
        """The workspace's own."""
        book = self._books.pop(workspace.root, None)
        if book is None:
            origin = self._shared.get(workspace.root, workspace.root)
            name = hashlib.sha256(os.fsencode(origin)).hexdigest()[:32]
            book = Book(workspace, origin, self._home.folder() / f"{name}.git", self._limit)
        self._books[workspace.root] = book
        for root in [root for root, other in self._books.items() if not other.busy][: max(0, len(self._books) - OPEN)]:
            self._books.pop(root).close()
        return book

    async def sweep(self, bounds: Bounds) -> None:
        """Gives up what is old, and writes down what is known of files, now and then, as long as it runs."""
        from .collecting import drop_deserted

        await trio.to_thread.run_sync(drop_deserted, self._home.folder(), bounds.days)
        while True:
            await trio.sleep(SWEEP_SECONDS)
            for book in list(self._books.values()):
                try:
                    await book.remember()
                    done = await book.collect(bounds) if book.kept >= SWEEP_KEPT else None
                except OSError as error:
                    self._home.log.error("Checkpoints could not be looked after: %s", error.strerror)
                else:
                    if done and done.objects:
                        self._home.log.info("Gave up %d checkpoints and %d objects", done.checkpoints, done.objects)

    def close(self) -> None:
        for book in self._books.values():
            book.close()
        self._books.clear()


class Book:
    """One workspace's snapshots. Each call works in a thread, behind those that came before.

    Who is cancelled does not wait for his thread: a turn that ends is not kept by the first look at a large folder.
    """

    def __init__(self, workspace: LocalWorkspace, origin: Path, path: Path, limit: int) -> None:
        self._workspace, self._origin, self._path, self._limit = workspace, origin, path, limit
        self._lock = trio.Lock()
        self._mutex = threading.Lock()
        """Held by the thread that works, also when nobody waits for it any more."""
        self._over = False
        self._snapshots: Snapshots | None = None
        self.kept = 0
        """Snapshots since old ones were given up."""
        self._dropped: deque[str] = deque()

    @property
    def busy(self) -> bool:
        stats = self._lock.statistics()
        return stats.locked or stats.tasks_waiting > 0

    def close(self) -> None:
        """A thread that still works does it when it is done."""
        self._over = True
        if self._mutex.acquire(blocking=False):
            try:
                self._close()
            finally:
                self._mutex.release()

    def _close(self) -> None:
        if self._snapshots is not None:
            self._give_up(self._snapshots)
            self._snapshots.close()
            self._snapshots = None

    def _give_up(self, snapshots: Snapshots) -> None:
        """What nobody has used."""
        while self._dropped:
            with suppress(OSError):  # then it goes when it is old
                snapshots.objects.unpoint(self._dropped.popleft())

    async def look(self) -> State:
        """What the workspace is now. Raises OSError."""
        return await self._run(lambda snapshots: snapshots.look())

    async def keep(self, state: State, ref: str, said: Mapping[str, str]) -> Snapshot:
        """Makes it last by that name."""
        self.kept += 1
        return await self._run(lambda snapshots: snapshots.keep(state, ref, said))

    async def ready(self, ref: str, said: Mapping[str, str], spare: Ready | None) -> Ready:
        """Looks, and makes what it finds last by that name; `spare`, which nobody has used, where that is the same, and
        else gives it up. Raises OSError."""
        self.kept += 1
        over = threading.Event()

        def work(snapshots: Snapshots) -> Ready:
            found = _ready(snapshots, ref, said, spare)
            if over.is_set():
                self._dropped.append(found.ref)
            return found

        try:
            return await self._run(work)
        except trio.Cancelled:  # the thread works on, if it has begun
            over.set()
            self._dropped.append(ref)
            raise

    def drop(self, spare: Ready) -> None:
        """Nobody has used it: it is given up behind the next thing that is done here."""
        self._dropped.append(spare.ref)

    async def collect(self, bounds: Bounds) -> Collected | None:
        """Gives up what is old. None: another process uses the store, so nothing was done. Raises OSError."""
        self.kept = 0
        return await self._run(lambda snapshots: snapshots.collect(bounds))

    async def remember(self) -> None:
        """Writes down what is known of files, for the next process. Raises OSError."""
        if self._snapshots is not None:
            await self._run(lambda snapshots: snapshots.remember())

    async def of(self, commit: str) -> Snapshot:
        """Raises KeyError where it is gone."""
        return await self._run(lambda snapshots: snapshots.of(commit))

    async def differences(self, before: State, after: State) -> list[Difference]:
        """By path. Raises KeyError."""
        return await self._run(lambda snapshots: snapshots.differences(before, after))

    async def contents(self, things: Sequence[Thing | None]) -> list[bytes | None]:
        """Raises KeyError."""
        return await self._run(lambda found: [None if thing is None else found.content(thing) for thing in things])

    async def skipped(self, state: State) -> Mapping[str, str]:
        return await self._run(lambda snapshots: snapshots.skipped(state))

    async def all(self, state: State) -> list[tuple[str, Thing]]:
        """Files, links and empty folders, by path. Raises KeyError."""
        return await self._run(lambda snapshots: snapshots.all(state))

    async def point(self, ref: str, commit: str) -> None:
        """That name keeps this one, too."""
        await self._run(lambda snapshots: snapshots.objects.point(ref, bytes.fromhex(commit)))

    async def forget(self, ref: str) -> None:
        """That name keeps nothing any more."""
        await self._run(lambda snapshots: snapshots.objects.unpoint(ref))

    async def _run(self, work: Callable[[Snapshots], T]) -> T:
        async with self._lock:
            return await trio.to_thread.run_sync(self._work, work, abandon_on_cancel=True)

    def _work(self, work: Callable[[Snapshots], T]) -> T:
        with self._mutex:
            if self._snapshots is None:
                self._snapshots = _opened(self._workspace, self._origin, self._path, self._limit)
            try:
                return work(self._snapshots)
            finally:
                self._give_up(self._snapshots)
                if self._over:
                    self._close()


def _ready(snapshots: Snapshots, ref: str, said: Mapping[str, str], spare: Ready | None) -> Ready:
    state = snapshots.look()
    if spare is not None:
        if spare.snapshot.state == state:
            return spare
        snapshots.objects.unpoint(spare.ref)
    return Ready(ref, snapshots.keep(state, ref, said))


def _opened(workspace: LocalWorkspace, origin: Path, path: Path, limit: int) -> Snapshots:
    from .excludes import users_own  # dulwich takes its time, so only when the first snapshot is taken
    from .snapshots import Settings, Snapshots

    home = Path.home()
    settings = Settings(limit, users_own(home, home / ".config"), _modes(path))
    return Snapshots(workspace.root, path, settings, workspace.guard.hides, origin)


def _modes(path: Path) -> tuple[int, int]:
    """The permission bits that a new file gets here."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    probe = path / "umask"
    probe.unlink(missing_ok=True)
    os.close(os.open(probe, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o777))
    bits = probe.stat().st_mode & 0o777
    probe.unlink()
    return bits & 0o666, bits
