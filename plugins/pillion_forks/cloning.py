"""A file for another workspace: blocks that both share until one is written (reflink), where the file system has that,
else a copy. Never a hard link: what is written through one name would change under the other."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from pillion import TooLarge
from pillion.contracts.forks import Leaf

FICLONE = 0x40049409
"""The request by which Linux has a file share another one's blocks: _IOW(0x94, 9, int)."""
CHUNK = 1 << 20
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_NOT_HERE = frozenset({errno.EOPNOTSUPP, errno.ENOTTY, errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EPERM})


class Cloner:
    """Of one fork. `copied` counts the bytes that were not shared; more than `most` are refused."""

    def __init__(self, most: int, *, reflink: bool = True) -> None:
        self._most, self.reflinks = most, reflink
        self.cloned = self.copied = 0

    def file(self, source: int, name: str, target: int, wanted: str, bits: int) -> bool:
        """The file `name` of one open folder in another one, if git calls its content `wanted`, with its time and
        those permission bits. False: it is another one by now, or none. Raises OSError, TooLarge."""
        try:
            given = os.open(name, _READ, dir_fd=source)
        except OSError:
            return False
        try:
            status = os.fstat(given)
            if not stat.S_ISREG(status.st_mode):
                return False
            made = os.open(name, _NEW, 0o600, dir_fd=target)
            try:
                found = self._filled(given, made, status.st_size)
                if found != wanted:
                    os.unlink(name, dir_fd=target)
                    return False
                os.fchmod(made, bits)
                os.utime(made, ns=(status.st_mtime_ns, status.st_mtime_ns))
            finally:
                os.close(made)
        finally:
            os.close(given)
        return True

    def whole(self, source: int, name: str, target: int) -> None:
        """A file as it is now, whatever is in it. Raises OSError, TooLarge."""
        given = os.open(name, _READ, dir_fd=source)
        try:
            status = os.fstat(given)
            made = os.open(name, _NEW, 0o600, dir_fd=target)
            try:
                if not self._share(given, made):
                    for data in self._read(given):
                        _write(made, data)
                os.fchmod(made, stat.S_IMODE(status.st_mode) & 0o777)
                os.utime(made, ns=(status.st_mtime_ns, status.st_mtime_ns))
            finally:
                os.close(made)
        finally:
            os.close(given)

    def _filled(self, given: int, made: int, size: int) -> str:
        """What git calls the content that the new file has got."""
        shared = self._share(given, made)
        hash = hashlib.sha1(b"blob %d\0" % (os.fstat(made).st_size if shared else size), usedforsecurity=False)
        # of a clone, the clone is read: nobody changes it meanwhile
        for data in _pieces(made) if shared else self._read(given):
            hash.update(data)
            if not shared:
                _write(made, data)
        return hash.hexdigest()

    def _share(self, given: int, made: int) -> bool:
        if not self.reflinks:
            return False
        try:
            fcntl.ioctl(made, FICLONE, given)
        except OSError as error:
            if error.errno not in _NOT_HERE:
                raise
            self.reflinks = False
            return False
        self.cloned += 1
        return True

    def _read(self, given: int) -> Iterator[bytes]:
        for data in _pieces(given):
            self.copied += len(data)
            if self.copied > self._most:
                raise TooLarge(
                    f"The fork would copy more than {self._most} bytes: see the settings bytes and include of forks."
                )
            yield data


def can_share(origin: Path, folder: Path, leaves: Sequence[Leaf]) -> bool:
    """Can files in `folder` share blocks with those of the origin? Tried with the first one that is there."""
    probe = folder / "probe"
    for leaf in leaves:
        if leaf.kind != "file" or not (origin / leaf.path).is_file():
            continue
        try:
            with probe.open("wb") as made, (origin / leaf.path).open("rb") as given:
                fcntl.ioctl(made.fileno(), FICLONE, given.fileno())
        except OSError:
            return False
        else:
            return True
        finally:
            probe.unlink(missing_ok=True)
    return False


def write_new(folder: int, name: str, data: bytes, bits: int) -> None:
    """A new file with that content. Raises OSError."""
    made = os.open(name, _NEW, 0o600, dir_fd=folder)
    try:
        _write(made, data)
        os.fchmod(made, bits)
    finally:
        os.close(made)


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _pieces(descriptor: int) -> Iterator[bytes]:
    while data := os.read(descriptor, CHUNK):
        yield data
