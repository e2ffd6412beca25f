"""Folders opened beneath an open one: no link on the way is followed, so that one put there meanwhile leads nowhere.

Where the kernel has `openat2` (Linux 5.6 and later), it goes the whole way at once; else each folder is opened in the
one before it. Both refuse the same.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import functools
import os
import platform
import stat
import sys
from collections.abc import Callable, Iterator, Sequence

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
LONGEST = 4000
"""Bytes of a way that is gone at once; the kernel takes 4096."""

_NUMBERS = dict.fromkeys(
    ("x86_64", "i686", "aarch64", "armv7l", "armv8l", "riscv64", "ppc64le", "s390x", "loongarch64"), 437
)
"""Of the system call, by machine: one for all that came together, but not for those with an old count of their own."""
_NO_MAGIC_LINKS, _NO_LINKS, _BENEATH = 0x02, 0x04, 0x08


class _How(ctypes.Structure):
    """The kernel's `struct open_how`."""

    _fields_ = (("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64))


def folder(root: int, names: Sequence[str], *, create: bool = False) -> int:
    """A descriptor of the folder that `names` lead to from the open folder `root`; the caller closes it.

    `create` makes the folders that are missing. Raises OSError: ELOOP or ENOTDIR where a link is on the way.
    """
    if not names:
        return os.dup(root)
    if can_openat2():
        with contextlib.suppress(FileNotFoundError) if create else contextlib.nullcontext():
            way = os.fsencode("/".join(names))
            if len(way) < LONGEST:
                return _openat2(root, way)
    return _walked(root, names, create)


@contextlib.contextmanager
def opened(root: int, names: Sequence[str], *, create: bool = False) -> Iterator[int]:
    """As `folder`, for as long as the block runs."""
    descriptor = folder(root, names, create=create)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def is_plain(root: str, way: str) -> bool:
    """Leads `way` (names with `/` between them) from the folder `root` to something, and no link is on it? False also
    where that takes longer to find out."""
    if not can_openat2() or any(name in ("", ".", "..") for name in way.split("/")):
        return False
    found = -1
    descriptor = os.open(root, FOLDER)
    try:
        found = _openat2(descriptor, os.fsencode(way), os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
        return not stat.S_ISLNK(os.fstat(found).st_mode)
    except OSError:
        return False
    finally:
        os.close(descriptor)
        if found >= 0:
            os.close(found)


@functools.cache
def can_openat2() -> bool:
    """Asked once: has this kernel the call, and does nobody forbid it, as the filter of a container may?"""
    if not sys.platform.startswith("linux") or platform.machine() not in _NUMBERS:
        return False
    root = os.open("/", FOLDER)
    try:
        os.close(_openat2(root, b"."))
    except OSError:
        return False
    finally:
        os.close(root)
    return True


def _openat2(root: int, way: bytes, flags: int = FOLDER) -> int:
    how = _How(flags, 0, _BENEATH | _NO_LINKS | _NO_MAGIC_LINKS)
    while True:
        found = _syscall()(_NUMBERS[platform.machine()], root, way, ctypes.byref(how), ctypes.sizeof(how))
        if found >= 0:
            return found
        if (number := ctypes.get_errno()) != errno.EINTR:
            raise OSError(number, os.strerror(number), os.fsdecode(way))


@functools.cache
def _syscall() -> Callable[..., int]:
    call = ctypes.CDLL(None, use_errno=True).syscall
    call.restype = ctypes.c_long
    call.argtypes = (ctypes.c_long, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p, ctypes.c_size_t)
    return call


def _walked(root: int, names: Sequence[str], create: bool) -> int:
    descriptor = os.dup(root)
    try:
        for name in names:
            if create:
                with contextlib.suppress(FileExistsError):
                    os.mkdir(name, dir_fd=descriptor)
            below = os.open(name, FOLDER, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = below
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor
