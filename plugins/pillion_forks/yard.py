"""Where forks stand: a folder each, made and taken away by one process at a time, swept of what a dead one left."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from . import record
from .bases import Bases
from .mounting import BASE, prepare
from .record import LOCK, RECORD, Kept

GONE = "gone-"
"""What a folder's name begins with that is being taken away."""
GATE, BASES = "gate", "bases"


class Yard:
    """The folder `place`, which several processes may use. Blocks, so it belongs in a thread."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.bases = Bases(place / BASES)
        self._locks: dict[str, int] = {}

    def make(self, id: str) -> Path:
        """A new folder, ours until it is `settled`, `dropped`, or this process ends. Raises OSError."""
        folder = self.place / id
        with self._gate():
            folder.mkdir(mode=0o700)
            self._lock(id)
        return folder

    def settle(self, id: str, kept: Kept) -> None:
        """Its record is written: from now on others see it, too. One that lasts needs nobody who holds it, but for an
        overlay, which one process alone may have mounted."""
        record.write(self.place / id, kept)
        if kept.lasting and not (self.place / id / BASE).is_symlink():
            self._unlock(id)

    def hold(self, id: str) -> bool:
        """Takes one that lasts for this process alone. False: another one has it."""
        with self._gate():
            if id in self._locks or not (self.place / id).is_dir() or not self._is_free(self.place / id):
                return id in self._locks
            self._lock(id)
        return True

    def over(self, folder: Path, key: str) -> Path | None:
        """Makes a fork's folder ready for an overlay over that base. Where its changes go; None: no such base is laid.
        From then on nobody takes the base away."""
        with self._gate():
            base = self.bases.get(key)
            return None if base is None else prepare(folder, base / record.TREE)

    def sweep_bases(self) -> None:
        """Takes away those that no fork needs."""
        with self._gate():
            links = [folder / BASE for folder in self._folders() if (folder / BASE).is_symlink()]
            self.bases.sweep({Path(os.readlink(link)).parent.name for link in links}, _remove)

    def drop(self, id: str) -> None:
        """Raises OSError where something of it can't be taken away."""
        with self._gate():
            self._unlock(id)
            with contextlib.suppress(FileNotFoundError):
                os.rename(self.place / id, self.place / f"{GONE}{id}")
        _remove(self.place / f"{GONE}{id}")

    def all(self) -> list[Kept]:
        """Those that last, of whomever, and our own; the oldest first."""
        found = [record.read(folder) for folder in self._folders()]
        return sorted((one for one in found if one is not None), key=lambda one: one.fork.created)

    def count(self) -> int:
        return len(self._folders())

    def touch(self, id: str) -> None:
        """It is used."""
        with contextlib.suppress(OSError):
            os.utime(self.place / id / RECORD)

    def sweep(self, days: float) -> list[str]:
        """Takes away what dead processes left, what was half made or half taken away, and what nobody used for so
        long. Returns the names."""
        oldest = time.time() - days * 86_400
        swept = []
        with self._gate():
            for folder in self._folders():
                kept = record.read(folder)
                if kept is not None and kept.lasting and (folder / RECORD).stat().st_mtime >= oldest:
                    continue
                if folder.name not in self._locks and self._is_free(folder):
                    os.rename(folder, self.place / f"{GONE}{folder.name}")
        for folder in self.place.glob(f"{GONE}*"):
            swept.append(folder.name.removeprefix(GONE))
            _remove(folder)
        return swept

    def close(self) -> None:
        for id in list(self._locks):
            self._unlock(id)

    def _folders(self) -> list[Path]:
        if not self.place.is_dir():
            return []
        found = [one for one in self.place.iterdir() if one.name != BASES and not one.name.startswith(GONE)]
        return [one for one in found if one.is_dir()]

    @contextlib.contextmanager
    def _gate(self) -> Iterator[None]:
        """Only one process makes, drops or sweeps at a time."""
        self.place.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self.place / GATE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _lock(self, id: str) -> None:
        descriptor = os.open(self.place / id / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        self._locks[id] = descriptor

    def _unlock(self, id: str) -> None:
        if (descriptor := self._locks.pop(id, None)) is not None:
            os.close(descriptor)

    def _is_free(self, folder: Path) -> bool:
        descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        finally:
            os.close(descriptor)
        return True


def _remove(folder: Path) -> None:
    """Also what is in folders that may not be written. Raises OSError."""

    def opened(work: Callable[..., Any], path: str, _: object) -> None:
        """A folder that lets nothing go is made to, once."""
        above = os.path.dirname(path)
        for place in (above, path):
            with contextlib.suppress(OSError):
                if stat.S_ISDIR(os.lstat(place).st_mode):
                    os.chmod(place, 0o700)
        if work in (os.unlink, os.rmdir):
            work(path)
        elif os.path.isdir(path):
            shutil.rmtree(path)

    if os.path.lexists(folder):
        shutil.rmtree(folder, onerror=opened)
