"""Lays the files of a snapshot into a new folder, from where they stand now as far as they are still the same."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from pillion import beneath, mountview
from pillion.contracts.forks import Leaf

from .cloning import Cloner, write_new

Check = Callable[[], None]
"""Called again and again; raises where nobody wants the fork any more."""
DEEPEST = 200


class Laying:
    """Of one fork: from the folder `origin` into `target`, which is empty. In a thread. `seen_at`: the path that the
    fork's programs will have of it."""

    def __init__(self, origin: Path, target: Path, cloner: Cloner, check: Check, seen_at: str) -> None:
        self._origin, self._target, self._cloner, self._check = origin, target, cloner, check
        self._seen_at = seen_at
        self._folders: set[str] = {""}
        self._kept: set[str] = set()
        """Those that are in the snapshot; and what else is."""

    def know(self, leaves: Sequence[Leaf]) -> None:
        """What the snapshot has, for `include` and `stamps`."""
        self._kept = {leaf.path for leaf in leaves}
        for leaf in leaves:
            self._note(leaf.path if leaf.kind == "folder" else leaf.path.rpartition("/")[0])

    def stamps(self, names: Sequence[str], large: Sequence[str]) -> list[str]:
        """What changes when anything changes of what `include` and `large` would take in."""
        found: list[str] = []
        for path in [*sorted(self._included(names)), *large]:
            place = self._origin / path
            try:
                found.append(f"{path} {_stamp(place.lstat())}")
            except OSError:
                continue
            if place.is_dir() and not place.is_symlink():
                for folder, folders, files in os.walk(place):
                    self._check()
                    for name in sorted([*folders, *files]):
                        with contextlib.suppress(OSError):
                            found.append(f"{name} {_stamp(os.lstat(os.path.join(folder, name)))}")
                    folders.sort()
        return found

    def lay(self, leaves: Sequence[Leaf]) -> list[Leaf]:
        """The leaves that stand in the origin no more as they are wanted: they are yet to be `put`. Raises OSError."""
        missing: list[Leaf] = []
        with self._ends() as (origin, target):
            for folder, inside in _by_folder(leaves).items():
                self._check()
                names = folder.split("/") if folder else []
                with beneath.opened(target, names, create=True) as into, _found(origin, names) as out_of:
                    for leaf in inside:
                        if not self._one(leaf, out_of, into):
                            missing.append(leaf)
        return missing

    def put(self, leaves: Sequence[Leaf], contents: Sequence[bytes]) -> None:
        """Raises OSError."""
        target = os.open(self._target, beneath.FOLDER)
        try:
            for leaf, data in zip(leaves, contents, strict=True):
                folder, _, name = leaf.path.rpartition("/")
                with beneath.opened(target, folder.split("/") if folder else [], create=True) as into:
                    if leaf.kind == "link":
                        os.symlink(data, os.fsencode(name), dir_fd=into)
                    else:
                        write_new(into, name, data, leaf.bits)
        finally:
            os.close(target)

    def include(self, names: Sequence[str]) -> None:
        """Takes in the folders of these names, or paths from the root, that are in folders of the snapshot and not in
        it themselves. Links stay links; one into the origin leads into the fork."""
        with self._ends() as (origin, target):
            for path in sorted(self._included(names)):
                folder, _, name = path.rpartition("/")
                above = folder.split("/") if folder else []
                with _found(origin, above) as out_of:
                    if out_of is not None and _is_folder(out_of, name):
                        with beneath.opened(target, above, create=True) as into:
                            self._tree(out_of, into, name, 0)

    def large(self, paths: Sequence[str]) -> None:
        """Files that are too large for snapshots, as they are now."""
        with self._ends() as (origin, target):
            for path in paths:
                self._check()
                folder, _, name = path.rpartition("/")
                above = folder.split("/") if folder else []
                with _found(origin, above) as out_of, contextlib.suppress(FileNotFoundError):
                    if out_of is not None:
                        with beneath.opened(target, above, create=True) as into:
                            self._cloner.whole(out_of, name, into)

    # ── inside ──

    @contextlib.contextmanager
    def _ends(self) -> Iterator[tuple[int, int]]:
        origin = os.open(self._origin, beneath.FOLDER)
        try:
            target = os.open(self._target, beneath.FOLDER)
            try:
                yield origin, target
            finally:
                os.close(target)
        finally:
            os.close(origin)

    def _note(self, folder: str) -> None:
        while folder not in self._folders:
            self._folders.add(folder)
            folder = folder.rpartition("/")[0]

    def _one(self, leaf: Leaf, out_of: int | None, into: int) -> bool:
        name = leaf.path.rpartition("/")[2]
        if leaf.kind == "folder":
            with contextlib.suppress(FileExistsError):
                os.mkdir(name, dir_fd=into)
            return True
        if leaf.kind == "link" or out_of is None:
            return False
        return self._cloner.file(out_of, name, into, leaf.name, leaf.bits)

    def _included(self, names: Sequence[str]) -> set[str]:
        found = {name for name in names if "/" in name}
        for folder in self._folders:
            found |= {f"{folder}/{name}" if folder else name for name in names if "/" not in name}
        return {path for path in found if path not in self._kept and path not in self._folders}

    def _tree(self, out_of: int, into: int, name: str, depth: int) -> None:
        """A folder with all that is in it; what is neither file, folder nor link is left out."""
        self._check()
        if depth > DEEPEST:
            return
        with contextlib.suppress(FileExistsError):
            os.mkdir(name, 0o700, dir_fd=into)
        with _found(out_of, [name]) as source, beneath.opened(into, [name]) as target:
            if source is None:
                return
            with os.scandir(source) as entries:
                listed = list(entries)
            for entry in listed:
                with contextlib.suppress(FileNotFoundError, FileExistsError):  # it has just gone
                    if entry.is_symlink():
                        os.symlink(self._led(os.readlink(entry.name, dir_fd=source)), entry.name, dir_fd=target)
                    elif entry.is_dir(follow_symlinks=False):
                        self._tree(source, target, entry.name, depth + 1)
                    elif entry.is_file(follow_symlinks=False):
                        self._cloner.whole(source, entry.name, target)
            status = os.fstat(source)
            os.fchmod(target, stat.S_IMODE(status.st_mode) & 0o777 | 0o700)
            os.utime(target, ns=(status.st_mtime_ns, status.st_mtime_ns))

    def _led(self, link: str) -> str:
        root = str(mountview.inside(self._origin))
        return self._seen_at + link[len(root) :] if link == root or link.startswith(f"{root}/") else link


def _by_folder(leaves: Sequence[Leaf]) -> dict[str, list[Leaf]]:
    found: dict[str, list[Leaf]] = {}
    for leaf in leaves:
        found.setdefault(leaf.path.rpartition("/")[0], []).append(leaf)
    return found


@contextlib.contextmanager
def _found(root: int, names: Sequence[str]) -> Iterator[int | None]:
    """The folder there, None where none is any more."""
    try:
        descriptor = beneath.folder(root, names)
    except OSError:
        yield None
        return
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _stamp(status: os.stat_result) -> str:
    return f"{status.st_ino} {status.st_mode:o} {status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}"


def _is_folder(folder: int, name: str) -> bool:
    try:
        return stat.S_ISDIR(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)
    except OSError:
        return False
