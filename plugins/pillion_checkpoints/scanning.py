"""What stands in a folder, as trees of git: read once, then only what has changed since.

A file is read again when its size, times, inode or mode are others than when it was read; or when its inode was changed
so shortly before it was read that the file system's clock could not tell a later change from that (git's racy rule).
A folder is listed again by the same rule. Everything is opened beneath its folder, no link is followed.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import compress
from operator import attrgetter, ne

from msgspec import Struct

from pillion_git.ignorerules import GITIGNORE, Rules, read

RACY = 2_000_000_000
"""Nanoseconds; the coarsest clock of a file system in use."""
DEEPEST = 200
"""Folders in folders; what is deeper is left out, with a note."""
TRIES = 3
"""How often a file is read that changes meanwhile."""
FILE, PROGRAM, LINK, TREE = 0o100644, 0o100755, 0o120000, 0o40000
"""What git tells apart."""
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
Stamp = tuple[int, int, int, int, int]
Put = Callable[[bytes, bytes], bytes]
"""Keeps an object, given its type (`blob`, `tree`) and content; returns its name, 20 bytes."""


class Known(Struct, gc=False):
    """A file or link as it was read; `name` is its content's, b"" where that is not kept."""

    mode: int
    name: bytes


class Folder:
    """What is known of one. `tree` is b"" where nothing of it is kept, None when it has to be made anew."""

    __slots__ = ("above", "bare", "files", "folders", "hidden", "lines", "rules", "stamp", "stamps", "tree")

    def __init__(self) -> None:
        self.stamp: tuple[int, ...] = ()
        self.files: dict[bytes, Known] = {}
        self.stamps: dict[bytes, tuple[int, ...]] = {}
        """Of each of these, how it was when it was read; () is to be read again. On its own, since it is what is
        compared each time, and thousands of them by C alone."""
        self.folders: dict[bytes, Folder] = {}
        self.hidden: set[bytes] = set()
        self.tree: bytes | None = None
        self.above: Rules | None = None
        self.rules: Rules | None = None
        """Those of the folders above it; and with its own, `lines`."""
        self.lines: bytes | None = None
        self.bare = False
        """Nothing at all is in it, also nothing that is ignored."""


class Scan:
    """One root's. Not for two threads at once.

    `hides` says which paths are never read; `limit` is the bytes of the largest file that is kept; `modes` are the
    permission bits of files by which nothing need be noted, without and with the right to run.
    """

    def __init__(self, root: bytes, hides: Callable[[str], bool], limit: int, modes: tuple[int, int]) -> None:
        self.root, self._hides, self.limit = root, hides, limit
        self.plain = modes
        self._plain = {FILE: modes[0], PROGRAM: modes[1]}
        self.top = Folder()
        self.modes: dict[bytes, int] = {}
        """Permission bits that are others."""
        self.empty: set[bytes] = set()
        """Folders in which nothing is."""
        self.skipped: dict[bytes, str] = {}
        """What is not kept, and why."""
        self.reads = 0
        """Files and links that were read so far."""
        self._put: Put
        self._since = 0

    def run(self, put: Put, outer: Rules) -> bytes:
        """The tree of what stands there now; "" of an empty one. What is new is given to `put`. Raises OSError."""
        self._put = put
        self._since = time.time_ns() - RACY
        descriptor = os.open(self.root, _FOLDER)
        try:
            self._folder(self.top, descriptor, b"", outer, 0)
        finally:
            os.close(descriptor)
        return self.top.tree or b""

    def forget(self) -> None:
        """Everything is read again at the next run."""
        self.top = Folder()
        for notes in (self.modes, self.skipped):
            notes.clear()
        self.empty.clear()

    def _folder(self, known: Folder, descriptor: int, base: bytes, above: Rules, depth: int) -> None:
        stamp = _stamp(os.fstat(descriptor))
        if known.stamp != stamp or known.above is not above or known.lines is not None:
            self._list(known, descriptor, base, above, stamp)
        changed = known.tree is None
        for name in _stale(known.stamps, descriptor):
            status = _looked(descriptor, name)
            changed = True
            if not self._read(known, descriptor, base, name, status):
                self._drop_file(known, base, name)
                known.stamp = ()
        assert known.rules is not None
        for name, folder in list(known.folders.items()):
            tree = folder.tree
            if not self._enter(folder, descriptor, base + name + b"/", name, known.rules, depth + 1):
                self._drop_folder(known, base, name)
                known.stamp = ()
            changed = changed or known.tree is None or folder.tree != tree
        if changed:
            known.tree = self._tree(known)

    def _enter(self, known: Folder, above: int, base: bytes, name: bytes, rules: Rules, depth: int) -> bool:
        """Is it a folder still?"""
        self.skipped.pop(base[:-1], None)
        descriptor, why = -1, "deep" if depth > DEEPEST else ""
        try:
            descriptor = -1 if why else os.open(name, _FOLDER, dir_fd=above)
        except PermissionError:
            why = "unreadable"
        except OSError:
            return False
        if why:
            self.skipped[base[:-1]], known.tree = why, b""
            return True
        try:
            self._folder(known, descriptor, base, rules, depth)
        finally:
            os.close(descriptor)
        return True

    def _list(self, known: Folder, descriptor: int, base: bytes, above: Rules, stamp: tuple[int, ...]) -> None:
        """Takes in the names that are there now."""
        lines = read(GITIGNORE, descriptor)
        if known.rules is None or known.above is not above or lines != known.lines:
            known.rules, known.above, known.lines = above.below(base, lines), above, lines
        elif known.stamp == stamp:
            return
        files, folders, hidden, count = set(), set(), set(), 0
        with os.scandir(descriptor) as found:
            for item in found:
                count += 1
                name = os.fsencode(item.name)
                path = base + name
                folder = item.is_dir(follow_symlinks=False)
                if name.lower() == b".git" or known.rules.ignore(path, folder=folder):
                    continue
                if self._hides(os.fsdecode(path)):
                    self.skipped[path] = "protected"
                    hidden.add(name)
                elif folder:
                    folders.add(name)
                elif item.is_file(follow_symlinks=False) or item.is_symlink():
                    files.add(name)
        for name in known.files.keys() - files:
            self._drop_file(known, base, name)
        for name in known.folders.keys() - folders:
            self._drop_folder(known, base, name)
        for name in known.hidden - hidden:
            self.skipped.pop(base + name, None)
        known.hidden = hidden
        for name in files - known.files.keys():
            known.files[name], known.stamps[name] = Known(FILE, b""), ()
            known.tree = None
        for name in folders - known.folders.keys():
            known.folders[name] = Folder()
            known.tree = None
        if known.bare != (count == 0):
            known.bare = count == 0
            known.tree = None
        (self.empty.add if known.bare and base else self.empty.discard)(base[:-1])
        known.stamp = stamp if stamp[2] < self._since else ()

    def _read(self, known: Folder, descriptor: int, base: bytes, name: bytes, status: os.stat_result | None) -> bool:
        """Reads a file or link anew. Is it to be kept?"""
        path = base + name
        self.skipped.pop(path, None)
        if status is None:
            return False
        if stat.S_ISLNK(status.st_mode):
            return self._take(known, base, name, LINK, status, os.readlink(name, dir_fd=descriptor))
        if not stat.S_ISREG(status.st_mode):
            return False
        for _ in range(TRIES):
            if status.st_size > self.limit:
                self.skipped[path] = "large"
                break
            try:
                data, status = _content(descriptor, name, self.limit)
            except PermissionError:
                self.skipped[path] = "unreadable"
                break
            except OSError:
                return False
            if data is not None:
                mode = PROGRAM if status.st_mode & stat.S_IXUSR else FILE
                return self._take(known, base, name, mode, status, data)
        else:
            self.skipped[path] = "changing"
        # Its name stays in the list, so that it is looked at again, without an entry in the tree.
        known.files[name].name = b""
        known.stamps[name] = _stamp(status) if self.skipped.get(path) == "large" else ()
        self.modes.pop(path, None)
        return True

    def _take(self, known: Folder, base: bytes, name: bytes, mode: int, status: os.stat_result, data: bytes) -> bool:
        path, stamp = base + name, _stamp(status)
        self.reads += 1
        known.files[name] = Known(mode, self._put(b"blob", data))
        known.stamps[name] = stamp if stamp[2] < self._since else ()
        bits = stat.S_IMODE(status.st_mode) & 0o777
        if mode == LINK or bits == self._plain[mode]:
            self.modes.pop(path, None)
        else:
            self.modes[path] = bits
        return True

    def _drop_file(self, known: Folder, base: bytes, name: bytes) -> None:
        del known.files[name], known.stamps[name]
        known.tree = None
        for notes in (self.modes, self.skipped):
            notes.pop(base + name, None)

    def _drop_folder(self, known: Folder, base: bytes, name: bytes) -> None:
        del known.folders[name]
        known.tree = None
        inside = base + name + b"/"
        for notes in (self.modes, self.skipped):
            for path in [path for path in notes if (path + b"/").startswith(inside)]:
                del notes[path]
        self.empty -= {path for path in self.empty if (path + b"/").startswith(inside)}

    def _tree(self, known: Folder) -> bytes:
        """The name of the folder's tree; b"" for one of which nothing is kept."""
        entries = [(name, file.mode, file.name) for name, file in known.files.items() if file.name]
        entries += [(name + b"/", TREE, folder.tree) for name, folder in known.folders.items() if folder.tree]
        if not entries:
            return b""
        entries.sort()
        return self._put(b"tree", b"".join(b"%o %b\0%b" % (mode, n.rstrip(b"/"), hash) for n, mode, hash in entries))


def entries(tree: bytes) -> Iterator[tuple[bytes, int, bytes]]:
    """Name, mode and object of each entry of a tree's content."""
    place = 0
    while place < len(tree):
        space, end = tree.index(b" ", place), tree.index(b"\0", place)
        yield tree[space + 1 : end], int(tree[place:space], 8), tree[end + 1 : end + 21]
        place = end + 21


def named(kind: bytes, data: bytes) -> bytes:
    """The name git gives to an object of that type and content, 20 bytes."""
    hash = hashlib.sha1(b"%b %d\0" % (kind, len(data)), usedforsecurity=False)
    hash.update(data)
    return hash.digest()


_stamp: Callable[[os.stat_result], Stamp] = attrgetter("st_ino", "st_mtime_ns", "st_ctime_ns", "st_size", "st_mode")


def _stale(stamps: Mapping[bytes, tuple[int, ...]], folder: int) -> list[bytes]:
    """The names of those that are other files than the stamps say. This is what a snapshot's time goes into, so no line
    of Python is run for a file."""
    look = partial(os.stat, dir_fd=folder, follow_symlinks=False)
    try:
        return list(compress(stamps, map(ne, map(_stamp, map(look, stamps)), stamps.values())))
    except OSError:  # one went since the folder was listed
        return list(stamps)


def _looked(folder: int, name: bytes) -> os.stat_result | None:
    with contextlib.suppress(OSError):
        return os.stat(name, dir_fd=folder, follow_symlinks=False)
    return None


def _content(folder: int, name: bytes, limit: int) -> tuple[bytes | None, os.stat_result]:
    """What is in a file, and how it was when that was read; None where it changed meanwhile, or is no file any more."""
    with open(os.open(name, _READ, dir_fd=folder), "rb", buffering=0) as file:
        before = os.fstat(file.fileno())
        if not stat.S_ISREG(before.st_mode) or before.st_size > limit:
            return None, before
        pieces, size = [], 0
        while size <= before.st_size and (piece := file.read(before.st_size + 1 - size)):
            pieces.append(piece)
            size += len(piece)
        after = os.fstat(file.fileno())
    whole = _stamp(before) == _stamp(after) and size == after.st_size
    return (b"".join(pieces) if whole else None), after
