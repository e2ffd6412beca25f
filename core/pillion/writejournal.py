"""Several files at once: all new, or all old, also after a kill in between.

A journal in the root names what will be written; the new contents are written beside the files; then the journal says
that they count; then each takes its name, which is quick and can't run out of space; then the journal goes. Who finds a
journal that nobody holds finishes what it says, if it counts, else takes away what was written.

A folder may come from a stranger, and a journal with it. So only one counts that is a file of this user and nobody else
can read, and whose names are those that are written here: no `..`, nothing of a protected folder, no others than ours.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import re
import stat
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import msgspec
from msgspec import Struct

from . import beneath
from .protection import GIT

JOURNAL = ".pillion-journal"
"""In the workspace's root, while several files are written."""
LARGEST = 16 * 1024 * 1024
"""Bytes of one of ours."""
AT_ONCE = 16
"""Threads that wait for the disk: it takes what many ask for at the same time in one go."""
_OURS = re.compile(r"\.pillion-[0-9a-f]{16}\.(tmp|old)")
_OPEN = os.O_NOFOLLOW | os.O_CLOEXEC


class Step(Struct, frozen=True):
    """One file: the names of the folders down to it, its own, and those of its new content and its old one, beside it.

    Without `new` it is to go. `old` is a second name of what was there, and `before` its hash (SHA-256, hex); both ""
    where nothing was.
    """

    folder: tuple[str, ...]
    name: str
    new: str = ""
    old: str = ""
    before: str = ""

    @property
    def sound(self) -> bool:
        """Does it stay inside, out of protected folders, and beside the file it speaks of?"""
        names = (*self.folder, self.name)
        plain = all(name not in ("", ".", "..") and "/" not in name and "\0" not in name for name in names)
        ours = all(not name or _OURS.fullmatch(name) for name in (self.new, self.old))
        return plain and ours and not any(name.casefold() in GIT for name in names)


@contextlib.contextmanager
def held(root: int, wait: float) -> Iterator[int]:
    """The journal, for one process of ours at a time; what one left that was killed is finished first.

    Raises BlockingIOError when another one holds it for longer than `wait` seconds, FileExistsError when something else
    has its name.
    """
    journal = _opened(root, time.monotonic() + wait)
    try:
        _finish(root, journal)
    except BaseException:
        os.close(journal)
        raise
    try:
        yield journal
    finally:
        os.unlink(JOURNAL, dir_fd=root)
        os.close(journal)


def recover(root: int) -> None:
    """Finishes what a process left that was killed. Does nothing where one is still at work, with what is no journal of
    ours, and where nothing can be written.
    """
    with contextlib.suppress(OSError):
        if _is_there(root, JOURNAL):
            with held(root, 0):
                pass


class Plan(Struct, frozen=True):
    """`counts`: all is written that the steps need."""

    steps: Sequence[Step]
    counts: bool = False


def announce(journal: int, steps: Sequence[Step]) -> None:
    """Says which names will be written, so that none is left behind."""
    _keep(journal, _encoded(Plan(steps)))


def carry_out(root: int, journal: int, steps: Sequence[Step]) -> None:
    """Writes the journal and does what it says. Takes all back, and raises OSError, if a step fails."""
    _keep(journal, _encoded(Plan(steps, counts=True)))
    os.fsync(root)
    try:
        for step in steps:
            _do(root, step)
        _last(root, steps)
    except OSError:
        for step in steps:
            _take_back(root, step)
        with contextlib.suppress(OSError):
            _last(root, steps)
        _keep(journal, b"")
        raise
    for step in steps:
        _drop_old(root, step)


def side_by_side(works: Iterable[Callable[[], None]]) -> None:
    """Does all of them, several at a time, and raises what one of them raised when none is at work any more."""
    works = list(works)
    if len(works) < 2:
        for work in works:
            work()
        return
    with ThreadPoolExecutor(min(AT_ONCE, len(works))) as pool:
        done = [pool.submit(work) for work in works]
    for one in done:
        one.result()


def _last(root: int, steps: Sequence[Step]) -> None:
    """The names in the folders of these are durable from now on."""

    def wait(names: tuple[str, ...]) -> None:
        with beneath.opened(root, names) as folder:
            os.fsync(folder)

    side_by_side(partial(wait, names) for names in dict.fromkeys(step.folder for step in steps))


def _encoded(plan: Plan) -> bytes:
    """Names may be bytes that are no text: the standard library writes them as surrogates, and reads them again."""
    return json.dumps(msgspec.to_builtins(plan)).encode()


def _opened(root: int, until: float) -> int:
    """The file of that name, locked; not one that another process has just taken away."""
    while True:
        journal = _file(root)
        try:
            fcntl.flock(journal, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_there(root, JOURNAL, journal):
                return journal
        except BlockingIOError:
            if time.monotonic() >= until:
                os.close(journal)
                raise
            time.sleep(0.002)
        os.close(journal)


def _file(root: int) -> int:
    """The journal's file, made if there is none. Raises FileExistsError for one that is not ours."""
    try:
        journal = os.open(JOURNAL, os.O_RDWR | os.O_CREAT | os.O_NONBLOCK | _OPEN, 0o600, dir_fd=root)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.EISDIR, errno.ENXIO):
            raise _foreign() from None
        raise
    status = os.fstat(journal)
    ours = stat.S_ISREG(status.st_mode) and status.st_uid == os.geteuid() and not status.st_mode & 0o077
    if not ours or status.st_size > LARGEST:
        os.close(journal)
        raise _foreign()
    return journal


def _foreign() -> FileExistsError:
    return FileExistsError(errno.EEXIST, f"{JOURNAL} is not Pillion's: take it away to change several files")


def _keep(journal: int, data: bytes) -> None:
    os.pwrite(journal, data, 0)  # over what was there, so that no moment has nothing
    os.ftruncate(journal, len(data))
    os.fsync(journal)


def _finish(root: int, journal: int) -> None:
    data = b"".join(iter(lambda: os.read(journal, 1 << 20), b""))
    try:
        plan = msgspec.convert(json.loads(data), Plan) if data else Plan(())
    except (ValueError, RecursionError, msgspec.ValidationError):
        return  # it was not whole yet: nothing was written, or all names stand in what was before it
    if not all(step.sound for step in plan.steps):
        raise _foreign()
    done = []
    for step in plan.steps:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            with beneath.opened(root, step.folder) as folder:
                mine = plan.counts and _hash(folder, step.name) == step.before  # else somebody has changed it since
                if not mine and step.new and _is_there(folder, step.new):
                    os.unlink(step.new, dir_fd=folder)
            if mine:
                _do(root, step)
            done.append(step)
    _last(root, done)
    for step in done:
        with contextlib.suppress(NotADirectoryError):
            _drop_old(root, step)


def _do(root: int, step: Step) -> None:
    with beneath.opened(root, step.folder) as folder:
        if step.new:
            with contextlib.suppress(FileNotFoundError):  # it has its name already
                os.rename(step.new, step.name, src_dir_fd=folder, dst_dir_fd=folder)
        else:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(step.name, dir_fd=folder)


def _take_back(root: int, step: Step) -> None:
    with contextlib.suppress(OSError), beneath.opened(root, step.folder) as folder:
        if step.old:
            os.rename(step.old, step.name, src_dir_fd=folder, dst_dir_fd=folder)
        elif step.new and not _is_there(folder, step.new):
            os.unlink(step.name, dir_fd=folder)


def _drop_old(root: int, step: Step) -> None:
    if step.old:
        with contextlib.suppress(FileNotFoundError), beneath.opened(root, step.folder) as folder:
            os.unlink(step.old, dir_fd=folder)


def second_name(folder: int, name: str, second: str) -> None:
    """Keeps what `name` is under `second`, too: a link, or a copy where the file system has none."""
    try:
        os.link(name, second, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.EMLINK):
            raise
        status = os.stat(name, dir_fd=folder, follow_symlinks=False)
        source = os.open(name, os.O_RDONLY | _OPEN, dir_fd=folder)
        mode = stat.S_IMODE(status.st_mode)
        target = os.open(second, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _OPEN, mode, dir_fd=folder)
        with open(source, "rb") as old, open(target, "wb") as copy:
            while chunk := old.read(1 << 20):
                copy.write(chunk)
            copy.flush()
            os.fsync(copy.fileno())


def _is_there(folder: int, name: str, descriptor: int | None = None) -> bool:
    """Is there that name, and is it what `descriptor` is of?"""
    try:
        found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return descriptor is None or os.path.samestat(found, os.fstat(descriptor))


def _hash(folder: int, name: str) -> str:
    if target := link_hash(folder, name):
        return target
    try:
        with open(os.open(name, os.O_RDONLY | os.O_NONBLOCK | _OPEN, dir_fd=folder), "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return ""


def link_hash(folder: int, name: str) -> str:
    """That of a link, of `link:` and its target; "" for what is none."""
    try:
        return hashlib.sha256(b"link:" + os.readlink(os.fsencode(name), dir_fd=folder)).hexdigest()
    except OSError:
        return ""
