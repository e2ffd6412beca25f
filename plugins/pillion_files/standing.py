"""What ripgrep said, held against what stands beneath the root: a folder may have been swapped while it was walked.

Each name is asked for, and each line read where it is said to stand, by ways on which no link is followed. So of what
lies outside nothing is shown that is not inside, too.
"""

from __future__ import annotations

import codecs
import contextlib
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path, PurePosixPath

import trio
from msgspec import Struct

from pillion import beneath
from pillion.contracts.workspace import unsaved_of

from .ripgrep import Ground

LARGEST_MARKED = 20 * 1024 * 1024
"""Bytes of a file with a byte-order mark that are looked through: ripgrep counts in another text there."""
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_WIDEST = 4
"""Bytes of a character in UTF-8, at most."""
_CUT = re.compile(r" \[\.\.\. (omitted end of long line|\d+ more match(es)?)\]$")
UNKNOWN = "\ufffd"
_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}

Read = Callable[[int, int], bytes]
"""From a text so many bytes, from there on."""


class Line(Struct, frozen=True):
    """`shown` to who asked; `text` at byte `offset` of its file. None: what stands between hits, and in no file."""

    shown: str
    text: str = ""
    offset: int | None = None


async def names_there(ground: Ground, paths: Sequence[str]) -> list[str]:
    """Of `paths`, in their order, those that lead to something, or that an editor holds. A folder's end with `/`."""
    held = unsaved_of(ground.workspace)
    folders = {f"{above}/" for path in held for above in PurePosixPath(path).parents}
    found = await trio.to_thread.run_sync(lambda: set(_names(ground.workspace.root, paths)))
    return [path for path in paths if path in found or path in held or path in folders]


async def lines_there(ground: Ground, files: Mapping[str, Sequence[Line]]) -> list[str]:
    """What is shown of lines, by path, that stand there: in the text that an editor holds of a file, or in the file."""
    root, held = ground.workspace.root, unsaved_of(ground.workspace)
    return await trio.to_thread.run_sync(_lines, root, held, files)


def _names(root: Path, paths: Iterable[str]) -> Iterator[str]:
    for folder, inner in groupby(_real(root, paths), key=_folder):
        with contextlib.suppress(OSError), _opened(root, folder) as descriptor:
            names = {*os.listdir(descriptor)}
            yield from (path for path, real in inner if _name(real) in names)


def _lines(root: Path, held: Mapping[str, bytes], files: Mapping[str, Sequence[Line]]) -> list[str]:
    there = {path: _said(files[path], _from_text(held[path])) for path in files if path in held}
    for folder, inner in groupby(_real(root, (path for path in files if path not in held)), key=_folder):
        with contextlib.suppress(OSError), _opened(root, folder) as descriptor:
            for path, real in inner:
                with contextlib.suppress(OSError), _file(descriptor, _name(real)) as read:
                    there[path] = _said(files[path], read)
    return [line for path in files for line in there.get(path, ())]


def _real(root: Path, paths: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Each with what the file system calls it: what ripgrep says has a sign in place of bytes that are no text."""
    for path in paths:
        real = path
        if UNKNOWN in path:
            real = ""
            for name in path.split("/"):
                with contextlib.suppress(OSError), _opened(root, real) as descriptor:
                    known = {os.fsencode(one).decode(errors="replace"): one for one in os.listdir(descriptor)}
                    name = known.get(name, name)
                real = f"{real}/{name}" if real else name
        yield path, real


def _folder(path: tuple[str, str]) -> str:
    return path[1].rstrip("/").rpartition("/")[0]


def _from_text(text: bytes) -> Read:
    return lambda size, at: text[at : at + size]


@contextlib.contextmanager
def _file(folder: int, name: str) -> Iterator[Read]:
    """What reads it. Raises OSError where it is no regular file."""
    if not stat.S_ISREG(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
        raise FileNotFoundError(name)
    file = os.open(name, _FILE, dir_fd=folder)
    try:
        yield lambda size, at: os.pread(file, size, at)
    finally:
        os.close(file)


def _said(lines: Sequence[Line], read: Read) -> list[str]:
    """What is shown of those that are there; what stands between goes with the one behind it."""
    said: list[str] = []
    between: list[str] = []
    whole: str | None = None
    for line in lines:
        if line.offset is None:
            between = [line.shown]
            continue
        text = _CUT.sub("", line.text)
        if not read(_WIDEST * len(text), line.offset).decode(errors="replace").startswith(text):
            whole = _marked(read) if whole is None else whole
            if text not in whole:
                continue
        said += [*between, line.shown]
        between = []
    return said


def _marked(read: Read) -> str:
    """The text of a file that begins with a byte-order mark; of others nothing."""
    begin = read(3, 0)
    encoding = next((one for mark, one in _MARKS.items() if begin.startswith(mark)), None)
    return read(LARGEST_MARKED, 0).decode(encoding, errors="replace") if encoding else ""


@contextlib.contextmanager
def _opened(root: Path, folder: str) -> Iterator[int]:
    top = os.open(root, beneath.FOLDER)
    try:
        with beneath.opened(top, folder.split("/") if folder else []) as descriptor:
            yield descriptor
    finally:
        os.close(top)


def _name(path: str) -> str:
    return path.rstrip("/").rpartition("/")[2]
