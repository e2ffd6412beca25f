"""The folder beside the index: which files differ, which are gone, and which git does not know."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import NamedTuple

from dulwich.index import EXTENDED_FLAG_SKIP_WORKTREE, Index, IndexEntry
from msgspec import structs

from .choices import choices
from .ignorerules import GITIGNORE, Rules, outermost, read
from .opened import LINK, SUBMODULE, Opened, entries, intended, opened
from .place import GitFault, find
from .renames import Leaf

VALID = 0x8000
"""The bit of a file that is taken as unchanged."""
DEEPEST = 8
"""Submodules within submodules that are looked into."""


class Scan(NamedTuple):
    """`changed`: by path what lies in the folder, None where it is gone. `dirty`: submodules in which something is
    not as their commit has it. `untracked`: paths; a folder's ends with a slash."""

    changed: dict[bytes, Leaf | None]
    dirty: set[bytes]
    untracked: list[bytes]


def scan(found: Opened, index: Index, *, untracked: bool, each: bool = False, depth: int = 0) -> Scan:
    """`each`: every untracked file, also where a whole folder is."""
    return _Scanner(found, index, untracked=untracked, each=each, depth=depth).run()


class _Scanner:
    def __init__(self, found: Opened, index: Index, *, untracked: bool, each: bool, depth: int) -> None:
        self._found, self._each, self._depth = found, each, depth
        self._plain, self._conflicts = entries(index)
        self._want_untracked = untracked
        self._folders = _folders_of([*self._plain, *self._conflicts])
        self._written = _written(os.path.join(found.place.folder, "index"))
        self._seen: set[bytes] = set()
        self._scan = Scan({}, set(), [])

    def run(self) -> Scan:
        chosen = self._found.choices
        exclude = read(os.path.join(self._found.place.common, "info", "exclude"), links=True)
        outer = outermost(exclude, read(chosen.excludes, links=True), ignorecase=chosen.ignorecase)
        prefix = self._found.prefix.rstrip(b"/")
        rules, excluded = self._inner(outer, b""), False
        for at in [place for place, sign in enumerate(self._found.prefix) if sign == 47]:
            folder = prefix[:at]
            excluded = excluded or rules.ignore(folder, folder=True)
            rules = self._inner(rules, folder)
        self._walk(prefix, rules, excluded=excluded)
        for path, entry in self._plain.items():
            if path.startswith(self._found.prefix) and path not in self._seen and not _is_left_out(entry):
                self._gone(path, entry)
        return self._scan

    def _gone(self, path: bytes, entry: IndexEntry) -> None:
        if entry.mode != SUBMODULE:
            self._scan.changed[path] = None

    def _inner(self, rules: Rules, folder: bytes) -> Rules:
        """With those that the folder itself brings."""
        base = folder + b"/" if folder else b""
        return rules.below(base, read(os.path.join(self._found.top, base, GITIGNORE)))

    def _walk(self, folder: bytes, rules: Rules, *, excluded: bool) -> None:
        """`rules` are those of the folder, its own included."""
        base = folder + b"/" if folder else b""
        for item in _listed(os.path.join(self._found.top, folder)):
            path = base + item.name
            if item.name == b".git":
                continue
            entry = self._plain.get(path)
            is_folder = item.is_dir(follow_symlinks=False)
            if entry is not None and not (is_folder and entry.mode != SUBMODULE):
                self._seen.add(path)
                self._compare(path, entry, item)
            elif is_folder and path in self._folders:
                inside = excluded or rules.ignore(path, folder=True)
                self._walk(path, rules if inside else self._inner(rules, path), excluded=inside)
            elif path not in self._conflicts and self._want_untracked and not excluded:
                self._untracked(path, item, rules, is_folder=is_folder)

    def _untracked(self, path: bytes, item: os.DirEntry[bytes], rules: Rules, *, is_folder: bool) -> None:
        if not is_folder:
            if (item.is_file(follow_symlinks=False) or item.is_symlink()) and not rules.ignore(path, folder=False):
                self._scan.untracked.append(path)
        elif not rules.ignore(path, folder=True):
            if os.path.lexists(os.path.join(self._found.top, path, b".git")):
                self._add(path)
            elif self._each:
                self._walk(path, self._inner(rules, path), excluded=False)
            elif self._holds(path, rules):
                self._add(path)

    def _add(self, folder: bytes) -> None:
        if folder not in self._plain:  # a file is gone there, and that is told
            self._scan.untracked.append(folder + b"/")

    def _holds(self, folder: bytes, outer: Rules) -> bool:
        """Is there anything in it that is not ignored?"""
        rules = self._inner(outer, folder)
        for item in _listed(os.path.join(self._found.top, folder)):
            path = folder + b"/" + item.name
            is_folder = item.is_dir(follow_symlinks=False)
            if rules.ignore(path, folder=is_folder):
                continue
            if not is_folder:
                if item.is_file(follow_symlinks=False) or item.is_symlink():
                    return True
            elif os.path.lexists(os.path.join(self._found.top, path, b".git")) or self._holds(path, rules):
                return True
        return False

    def _compare(self, path: bytes, entry: IndexEntry, item: os.DirEntry[bytes]) -> None:
        if entry.mode == SUBMODULE:
            self._compare_submodule(path, entry, item)
            return
        if _is_left_out(entry):
            return
        try:
            status = item.stat(follow_symlinks=False)
        except OSError:
            self._scan.changed[path] = None
            return
        mode = self._mode(status, entry)
        if mode is None:
            self._scan.changed[path] = None
            return
        if mode == entry.mode and not intended(entry) and self._is_as_noted(status, entry):
            return
        if mode == entry.mode != LINK and entry.size and entry.size != status.st_size & 0xFFFFFFFF:
            self._scan.changed[path] = Leaf(mode, b"", path)
            return
        id = self._name(path, mode, entry)
        if id is None or id != entry.sha or mode != entry.mode or intended(entry):
            self._scan.changed[path] = None if id is None else Leaf(mode, id, path)

    def _name(self, path: bytes, mode: int, entry: IndexEntry) -> bytes | None:
        """Of what lies there; None: it has gone meanwhile."""
        kept = None if mode == LINK or self._found.conversion.is_plain(path) else self._kept(entry)
        try:
            return self._found.conversion.name(self._found.conversion.read(path, mode, kept))
        except OSError:
            return None

    def _kept(self, entry: IndexEntry) -> bytes | None:
        try:
            return self._found.data(Leaf(entry.mode, entry.sha))
        except GitFault:
            return None

    def _mode(self, status: os.stat_result, entry: IndexEntry) -> int | None:
        """As git keeps it; None of what it does not keep."""
        if stat.S_ISLNK(status.st_mode):
            return LINK
        if not stat.S_ISREG(status.st_mode):
            return None
        if entry.mode == LINK and not self._found.choices.symlinks:
            return LINK
        if not self._found.choices.filemode:
            return entry.mode if stat.S_ISREG(entry.mode) else 0o100644
        return 0o100755 if status.st_mode & stat.S_IXUSR else 0o100644

    def _is_as_noted(self, status: os.stat_result, entry: IndexEntry) -> bool:
        """By the times and numbers of the index; not where it was written at the same moment as the file."""
        seconds, nanos = time_of(entry.mtime)
        if entry.size != status.st_size & 0xFFFFFFFF or seconds != int(status.st_mtime_ns // 10**9) & 0xFFFFFFFF:
            return False
        if nanos and nanos != status.st_mtime_ns % 10**9:
            return False
        if self._found.choices.trustctime and time_of(entry.ctime)[0] != int(status.st_ctime_ns // 10**9) & 0xFFFFFFFF:
            return False
        if entry.ino and entry.ino != status.st_ino & 0xFFFFFFFF:
            return False
        return (seconds, nanos) < self._written

    def _compare_submodule(self, path: bytes, entry: IndexEntry, item: os.DirEntry[bytes]) -> None:
        if not item.is_dir(follow_symlinks=False):
            self._scan.changed[path] = _leaf_of(item, path)
            return
        inner = submodule(self._found, path)
        if inner is None:
            return
        with inner as there:
            try:
                head = there.head()
            except GitFault:
                self._scan.dirty.add(path)
                return
            if head is not None and head.id != entry.sha:
                self._scan.changed[path] = Leaf(SUBMODULE, head.id)
            if self._depth < DEEPEST and is_dirty(there, self._depth + 1, untracked=self._want_untracked):
                self._scan.dirty.add(path)


def is_dirty(found: Opened, depth: int, *, untracked: bool) -> bool:
    """Is anything in it not as its last commit has it? `untracked`: does what git does not know count?"""
    index = found.index()
    seen = scan(found, index, untracked=untracked, depth=depth)
    if seen.changed or seen.dirty or seen.untracked:
        return True
    head = found.head()
    plain, conflicts = entries(index)
    kept = found.leaves(head.tree) if head else {}
    return bool(conflicts) or {path: (e.mode, e.sha) for path, e in plain.items()} != {
        path: (leaf.mode, leaf.id) for path, leaf in kept.items()
    }


def submodule(found: Opened, path: bytes) -> AbstractContextManager[Opened] | None:
    """The repository in it; None where there is none."""
    folder = os.fsdecode(os.path.join(found.top, path))
    if not os.path.lexists(os.path.join(folder, ".git")):
        return None
    try:
        place = find(folder)
        own = choices(place, {})
        return opened(place, structs.replace(own, excludes=found.choices.excludes, autocrlf=found.choices.autocrlf))
    except GitFault:
        return None


def _leaf_of(item: os.DirEntry[bytes], path: bytes) -> Leaf:
    return Leaf(LINK if item.is_symlink() else 0o100644, b"", path)


def _listed(folder: bytes) -> Iterator[os.DirEntry[bytes]]:
    try:
        with os.scandir(folder) as found:
            yield from sorted(found, key=lambda item: item.name)
    except OSError:
        return


def _folders_of(paths: list[bytes]) -> set[bytes]:
    found: set[bytes] = set()
    for path in paths:
        at = path.rfind(b"/")
        while at > 0 and path[:at] not in found:
            found.add(path[:at])
            at = path.rfind(b"/", 0, at)
    return found


def _is_left_out(entry: IndexEntry) -> bool:
    return bool(entry.extended_flags & EXTENDED_FLAG_SKIP_WORKTREE or entry.flags & VALID)


def _written(path: str) -> tuple[int, int]:
    try:
        time = os.stat(path).st_mtime_ns
    except OSError:
        return (0, 0)
    return time // 10**9, time % 10**9


def time_of(value: int | float | tuple[int, int]) -> tuple[int, int]:
    return value if isinstance(value, tuple) else (int(value), 0)
