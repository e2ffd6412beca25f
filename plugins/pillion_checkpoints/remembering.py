"""What a scan knows of files, kept beside the store: the next process does not read again what has not changed.

It is never more than a shortcut: each file is held against its stamp as within one process, each object has to be in
the store still, and what is damaged, of another root or made for other settings counts for nothing.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Container, Iterator
from pathlib import Path

import msgspec
from msgspec import Struct

from .scanning import Folder, Known, Scan, Stamp

NAME = "known"
VERSION = 1


class _File(Struct, frozen=True, array_like=True, gc=False):
    """`bits` are noted permission bits, -1 where none are."""

    name: bytes
    stamp: Stamp
    mode: int
    object: bytes
    bits: int = -1


class _Folder(Struct, frozen=True, array_like=True, gc=False):
    path: bytes
    files: list[_File]


class _Whole(Struct, frozen=True, array_like=True):
    """`device` is the file system's, since an inode means nothing on another one."""

    version: int
    root: bytes
    device: int
    limit: int
    plain: tuple[int, int]
    folders: list[_Folder]


def remember(scan: Scan, store: Path) -> None:
    """Writes it down. Raises OSError."""
    folders = [_Folder(path, files) for path, folder in _all(scan.top, b"") if (files := _files(scan, path, folder))]
    whole = _Whole(VERSION, scan.root, os.stat(scan.root).st_dev, scan.limit, scan.plain, folders)
    temporary = store / f"known-{secrets.token_hex(8)}.tmp"
    temporary.write_bytes(msgspec.msgpack.encode(whole))
    os.replace(temporary, store / NAME)


def recall(scan: Scan, store: Path, there: Callable[[], Container[bytes]]) -> int:
    """Gives a scan that knows nothing what was written down, of objects that are `there`. Returns of how many files."""
    try:
        whole = msgspec.msgpack.decode((store / NAME).read_bytes(), type=_Whole)
        if (whole.version, whole.root, whole.limit, whole.plain) != (VERSION, scan.root, scan.limit, scan.plain):
            return 0
        if whole.device != os.stat(scan.root).st_dev:
            return 0
    except (OSError, msgspec.DecodeError):
        return 0
    count, objects = 0, there()
    for one in whole.folders:
        folder = _at(scan.top, one.path)
        for file in one.files:
            if file.object in objects:
                folder.files[file.name] = Known(file.mode, file.object)
                folder.stamps[file.name] = file.stamp
                count += 1
                if file.bits >= 0:
                    scan.modes[one.path + file.name] = file.bits
    return count


def _all(folder: Folder, base: bytes) -> Iterator[tuple[bytes, Folder]]:
    """With their paths, which are empty or end with `/`."""
    yield base, folder
    for name, inner in folder.folders.items():
        yield from _all(inner, base + name + b"/")


def _files(scan: Scan, base: bytes, folder: Folder) -> list[_File]:
    """Those that need not be read again."""
    return [
        _File(name, stamp, known.mode, known.name, scan.modes.get(base + name, -1))  # type: ignore[arg-type]
        for name, known in folder.files.items()
        if known.name and (stamp := folder.stamps[name])
    ]


def _at(folder: Folder, path: bytes) -> Folder:
    for name in path.split(b"/")[:-1]:
        folder = folder.folders.setdefault(name, Folder())
    return folder
