"""A folder of this machine as a workspace. No path leads out of it, and a file is old or new, never half.

Symbolic links inside the folder are followed as far as they stay inside. What that leads to is then opened beneath the
root without following links, so that a link put there in between leads nowhere; and only what is not protected.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import secrets
import stat
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import trio

from . import beneath, mountview, writejournal
from .contracts.workspace import Content, Entry, Write
from .errors import Conflict, FileTooLarge, NoSuchFile, NotAFile, NotFound, OutsideWorkspace, ToolError
from .protection import PLAIN, Guard, Protection

LOCK_WAIT = 5.0
"""Seconds that a write waits for another one in the same folder."""

_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC

Parts = tuple[str, ...]


class LocalWorkspace:
    """The folder `root`, which must exist: else NotFound. `lenders`: folders outside of it from which a repository in
    it may have borrowed its objects."""

    def __init__(self, root: str | Path, protection: Protection = PLAIN, lenders: Sequence[str] = ()) -> None:
        self._given = os.path.abspath(root)
        self._root = Path(mountview.realpath(self._given))
        self._inner = str(mountview.inside(self._root))
        """What programs in it are told."""
        if not self._root.is_dir():
            raise NotFound(f"There is no folder {root}.")
        self.guard = Guard(protection, self._root)
        self.lenders = tuple(lenders)
        if os.path.lexists(self._root / writejournal.JOURNAL):
            with self._folder(()) as folder:
                writejournal.recover(folder)

    @property
    def root(self) -> Path:
        return self._root

    async def read(self, path: str, limit: int = 16 * 1024 * 1024) -> Content:
        """The regular file at `path`, at most `limit` bytes long."""
        return await trio.to_thread.run_sync(self._read, path, limit)

    async def write(self, path: str, data: bytes, expected: str | None = None) -> str:
        """Replaces the file at once, or makes it and its folders; keeps its permissions. Returns its new hash."""
        return await trio.to_thread.run_sync(self._write, path, data, expected)

    async def write_all(self, writes: Sequence[Write]) -> Sequence[str]:
        """Replaces, makes or takes away several files, all or none."""
        return await trio.to_thread.run_sync(self._write_all, writes)

    async def list(self, path: str = "") -> Sequence[Entry]:
        """What stands in the folder `path`, sorted by path. Links are entries of their own kind."""
        return await trio.to_thread.run_sync(self._list, path)

    async def stat(self, path: str) -> Entry | None:
        """What `path` names, links followed; its `path` is the real one. None: nothing."""
        return await trio.to_thread.run_sync(self._stat, path)

    def _resolve(self, path: str, effect: Literal["", "read", "write"] = "") -> Parts:
        """The names from the root down to what `path` means. Touches nothing but links.

        `effect`: what is to be done there. Raises ProtectedPath, also for what is protected by the name it is given.
        """
        try:
            os.fsencode(path)
        except UnicodeEncodeError:
            raise OutsideWorkspace(f"{path!r} is no path.") from None
        if "\0" in path:
            raise OutsideWorkspace(f"{path!r} is no path.")
        if beneath.is_plain(str(self._root), path):
            if effect:
                self.guard.check(path, effect)
            return tuple(path.split("/"))
        if os.path.isabs(path) and _inside(path, self._inner):
            path = str(self._root) + path[len(self._inner) :]
        if os.path.isabs(path) and not (_inside(path, self._given) or _inside(path, str(self._root))):
            raise OutsideWorkspace(f"{path} is outside the workspace {self._inner}.")
        real = mountview.realpath(os.path.join(self._root, path))
        if not _inside(real, str(self._root)):
            raise OutsideWorkspace(f"{path} leads out of the workspace {self._inner}.")
        parts = Path(real).relative_to(self._root).parts
        if effect:
            for named in {self._named(path), "/".join(parts)}:
                self.guard.check(named, effect)
        return parts

    def _named(self, path: str) -> str:
        """The path as it was written, from the root; "" where it is written as one outside, and leads in by a link."""
        whole = os.path.normpath(os.path.join(self._root, path))
        for root in (str(self._root), self._given):
            if _inside(whole, root):
                return whole[len(root) :].lstrip("/")
        return ""

    @contextlib.contextmanager
    def _folder(self, parts: Parts, create: bool = False) -> Iterator[int]:
        """A descriptor of the folder, reached without following any link."""
        root = os.open(self._root, beneath.FOLDER)
        try:
            with beneath.opened(root, parts, create=create) as folder:
                yield folder
        finally:
            os.close(root)

    def _read(self, path: str, limit: int) -> Content:
        with _telling(path):
            parts = self._resolve(path, "read")
            if not parts:
                raise NotAFile("The workspace itself is a folder, not a file.")
            with self._folder(parts[:-1]) as folder:
                data = _read_file(folder, parts[-1], path, limit)
        return Content(data, hashlib.sha256(data).hexdigest())

    def _writable(self, path: str) -> Parts:
        parts = self._resolve(path, "write")
        if not parts:
            raise NotAFile("The workspace itself is a folder, not a file.")
        return parts

    def _write(self, path: str, data: bytes, expected: str | None) -> str:
        with _telling(path):
            parts = self._writable(path)
            with self._folder(parts[:-1], create=expected in (None, "")) as folder:
                _replace(folder, parts[-1], path, data, expected)
        return hashlib.sha256(data).hexdigest()

    def _write_all(self, writes: Sequence[Write]) -> Sequence[str]:
        plain = len(writes) == 1 and not (writes[0].like or writes[0].kind or writes[0].mode is not None)
        if plain and writes[0].data is not None:
            return [self._write(writes[0].path, writes[0].data, writes[0].expected)]  # it is whole without a journal
        prepared: list[_Prepared] = []
        with contextlib.ExitStack() as stack, _telling("."):
            root = stack.enter_context(self._folder(()))
            folders: dict[Parts, int] = {}
            try:
                for write in writes:
                    with _telling(write.path):
                        if write.kind != "folder":
                            prepared.append(self._prepared(write, stack, folders))
                        elif write.data is not None:
                            stack.enter_context(self._folder(self._exactly(write.path), create=True))
                if len({step.place for step in prepared}) < len(prepared):
                    raise ToolError("A file is named twice.")
                journal = stack.enter_context(writejournal.held(root, LOCK_WAIT))
                writejournal.announce(journal, [step.step() for step in prepared])
                writejournal.side_by_side(step.fill for step in prepared)
                first = {step.place[:-1]: step for step in prepared}
                for place in sorted(first):  # always in this order, so that nobody waits in a circle
                    stack.enter_context(_locked(first[place].folder, first[place].write.path))
                for step in prepared:
                    with _telling(step.write.path):
                        step.check()
                writejournal.carry_out(root, journal, [step.step() for step in prepared])
            except BlockingIOError:
                raise Conflict("Somebody else is writing several files here.") from None
            finally:
                for step in prepared:
                    step.clean()
        self._remove_empty([write.path for write in writes if write.kind == "folder" and write.data is None])
        return ["" if write.data is None else hashlib.sha256(write.data).hexdigest() for write in writes]

    def _exactly(self, path: str) -> Parts:
        """The names of the path as it is written; nothing may stand for another place."""
        parts = tuple(path.split("/"))
        try:
            unsound = b"\0" in os.fsencode(path) or any(part in ("", ".", "..") for part in parts)
        except UnicodeEncodeError:
            unsound = True
        if unsound:
            raise OutsideWorkspace(f"{path!r} is no path.")
        self.guard.check(path, "write")
        return parts

    def _remove_empty(self, paths: Sequence[str]) -> None:
        """The deepest first; those that are not empty, or no folders by now, stay."""
        for parts in sorted(map(self._exactly, paths), key=len, reverse=True):
            with contextlib.suppress(OSError), self._folder(parts[:-1]) as folder:
                os.rmdir(parts[-1], dir_fd=folder)

    def _prepared(self, write: Write, stack: contextlib.ExitStack, folders: dict[Parts, int]) -> _Prepared:
        parts = self._exactly(write.path) if write.kind else self._writable(write.path)
        folder = folders.get(parts[:-1])
        if folder is None:
            folder = stack.enter_context(self._folder(parts[:-1], create=write.data is not None))
            folders[parts[:-1]] = folder
        like = None
        if write.like:
            origin = self._resolve(write.like)
            with self._folder(origin[:-1]) as beside:
                like = os.stat(origin[-1], dir_fd=beside, follow_symlinks=False)
        return _Prepared(write, parts, folder, like)

    def _list(self, path: str) -> Sequence[Entry]:
        with _telling(path):
            parts = self._resolve(path, "read")
            with self._folder(parts) as folder, os.scandir(folder) as found:
                entries = [_entry(_joined(*parts, item.name), item.stat(follow_symlinks=False)) for item in found]
        return sorted(entries, key=lambda entry: entry.path)

    def _stat(self, path: str) -> Entry | None:
        with _telling(path):
            parts = self._resolve(path)
            try:
                with self._folder(parts[:-1]) as folder:
                    status = os.stat(parts[-1] if parts else ".", dir_fd=folder, follow_symlinks=False)
            except (FileNotFoundError, NotADirectoryError):
                return None
        return _entry(_joined(*parts), status)


def _inside(path: str, root: str) -> bool:
    return path == root or path.startswith(root.rstrip("/") + "/")


@contextlib.contextmanager
def _telling(path: str) -> Iterator[None]:
    """Errors of the system as sentences for a model."""
    shown = path or "."
    try:
        yield
    except FileNotFoundError:
        raise NoSuchFile(f"There is no {shown}.") from None
    except NotADirectoryError:
        raise NotAFile(f"{shown} is not a folder, or a part of it is none.") from None
    except OSError as error:
        if error.errno == errno.ELOOP:  # a link where none was a moment ago, or links in a circle
            raise OutsideWorkspace(f"{shown} goes through a link that can't be followed.") from None
        raise ToolError(f"{shown}: {error.strerror}.") from None


def _read_file(folder: int, name: str, path: str, limit: int) -> bytes:
    # Looked at before it is opened, since opening a device may already do something; and again after.
    _regular(os.stat(name, dir_fd=folder, follow_symlinks=False), path)
    descriptor = os.open(name, _READ, dir_fd=folder)
    with open(descriptor, "rb", buffering=0) as file:
        status = os.fstat(descriptor)
        _regular(status, path)
        if status.st_size > limit:
            raise FileTooLarge(f"{path} has {status.st_size} bytes; at most {limit} can be read.")
        data = bytearray()
        while chunk := file.read(min(1 << 20, limit + 1 - len(data))):
            data += chunk
            if len(data) > limit:
                raise FileTooLarge(f"{path} has more than {limit} bytes, the most that can be read.")
    return bytes(data)


def _regular(status: os.stat_result, path: str) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise NotAFile(f"{path} is {_KINDS.get(stat.S_IFMT(status.st_mode), 'something else')}, not a regular file.")


class _Prepared:
    """One of several files: its new content stands beside it, under a name of its own."""

    def __init__(self, write: Write, parts: Parts, folder: int, like: os.stat_result | None) -> None:
        self.write, self.place, self.folder = write, parts, folder
        self._look = _there if write.kind else _replaceable
        old = self._look(folder, parts[-1], write.path)
        if old is None and write.data is None:
            raise NoSuchFile(f"There is no {write.path}.")
        mark = secrets.token_hex(8)
        self._old = f".pillion-{mark}.old" if old else ""
        self._new = f".pillion-{mark}.tmp" if write.data is not None else ""
        self._before = ""
        self._like = old or like

    def fill(self) -> None:
        with _telling(self.write.path):
            if self.write.data is not None and self.write.kind == "link":
                os.symlink(self.write.data, os.fsencode(self._new), dir_fd=self.folder)
            elif self.write.data is not None:
                _write_file(self.folder, self._new, self.write.data, self._like, self.write.mode)

    def check(self) -> None:
        """Under the folder's lock: is it what was expected? Keeps what is there. Raises Conflict."""
        name, path, expected = self.place[-1], self.write.path, self.write.expected
        there = self._look(self.folder, name, path) is not None
        if (expected == "" and there) or (not there and self._old):
            raise Conflict(f"{path} exists already." if there else f"{path} is gone.")
        if there and not self._old:
            raise Conflict(f"{path} was made meanwhile.")
        if self._old:
            self._before = _check(self.folder, name, path, expected, any_kind=bool(self.write.kind))
            writejournal.second_name(self.folder, name, self._old)

    def step(self) -> writejournal.Step:
        return writejournal.Step(self.place[:-1], self.place[-1], self._new, self._old, self._before)

    def clean(self) -> None:
        for name in (self._new, self._old):
            if name:
                with contextlib.suppress(OSError):
                    os.unlink(name, dir_fd=self.folder)


def _replaceable(folder: int, name: str, path: str) -> os.stat_result | None:
    """What is there and may be written, None: nothing. Raises ToolError."""
    try:
        old = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None
    _regular(old, path)
    if not old.st_mode & stat.S_IWUSR:
        raise ToolError(f"{path} is read-only.")
    return old


def _there(folder: int, name: str, path: str) -> os.stat_result | None:
    """The file or link that is there, itself; None: nothing. Raises NotAFile."""
    try:
        old = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None
    if not stat.S_ISLNK(old.st_mode):
        _regular(old, path)
    return old


def _replace(folder: int, name: str, path: str, data: bytes, expected: str | None) -> None:
    old = _replaceable(folder, name, path)
    temporary = f".pillion-{secrets.token_hex(8)}.tmp"
    try:
        _write_file(folder, temporary, data, old)
        with _locked(folder, path):
            if expected:
                _check(folder, name, path, expected)
            if expected == "":
                _link_new(folder, temporary, name, path)
            else:
                os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
        os.fsync(folder)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary, dir_fd=folder)


def _write_file(folder: int, name: str, data: bytes, like: os.stat_result | None, mode: int | None = None) -> None:
    descriptor = os.open(name, _CREATE, 0o600 if like else 0o666, dir_fd=folder)
    with open(descriptor, "wb", buffering=0) as file:
        view = memoryview(data)
        while view:
            view = view[file.write(view) :]
        if like is not None:
            with contextlib.suppress(PermissionError):
                os.fchown(descriptor, like.st_uid, like.st_gid)
            os.fchmod(descriptor, stat.S_IMODE(like.st_mode) & 0o777)
        if mode is not None:
            os.fchmod(descriptor, mode & 0o777)
        os.fsync(descriptor)


def _check(folder: int, name: str, path: str, expected: str | None, *, any_kind: bool = False) -> str:
    """Its hash. Raises Conflict when it is not the one that is expected."""
    target = writejournal.link_hash(folder, name) if any_kind else ""
    if target and expected in (None, target):
        return target
    if target:
        raise Conflict(f"{path} has become another link meanwhile.")
    try:
        descriptor = os.open(name, _READ, dir_fd=folder)
    except FileNotFoundError:
        raise Conflict(f"{path} is gone.") from None
    with open(descriptor, "rb") as file:
        _regular(os.fstat(descriptor), path)
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if expected is not None and found != expected:
        raise Conflict(f"{path} has been changed meanwhile: its hash is {found}.")
    return found


def _link_new(folder: int, temporary: str, name: str, path: str) -> None:
    """Gives the file its name, only if that is free."""
    try:
        os.link(temporary, name, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
    except FileExistsError:
        raise Conflict(f"{path} exists already.") from None
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.EMLINK):
            raise
        # A file system without hard links.
        with contextlib.suppress(FileNotFoundError):
            os.stat(name, dir_fd=folder, follow_symlinks=False)
            raise Conflict(f"{path} exists already.") from None
        os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)


@contextlib.contextmanager
def _locked(folder: int, path: str) -> Iterator[None]:
    """Between look and rename no other write of ours, of any session or process, comes in. Freed with `folder`."""
    until = time.monotonic() + LOCK_WAIT
    while True:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                raise Conflict(f"{path} is being written by somebody else.") from None
            time.sleep(0.002)
        except OSError:  # a file system without locks
            break
        else:
            break
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            fcntl.flock(folder, fcntl.LOCK_UN)


def _entry(path: str, status: os.stat_result) -> Entry:
    kinds: dict[int, Literal["file", "folder", "link"]] = {
        stat.S_IFREG: "file",
        stat.S_IFDIR: "folder",
        stat.S_IFLNK: "link",
    }
    return Entry(path, kinds.get(stat.S_IFMT(status.st_mode), "other"), status.st_size, status.st_mtime)


def _joined(*names: str) -> str:
    """A path as text that any codec takes; bytes that are no UTF-8 are replaced."""
    return os.fsencode("/".join(names)).decode(errors="replace")


_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFLNK: "a link",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
