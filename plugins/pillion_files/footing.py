"""Where ripgrep stands: it is given the very thing that was opened beneath the root, whatever leads to it by then.

A program takes names. A folder or file below the root gets one that nobody else can swap: in a folder of our own there
is a link, at the same place as in the workspace, that leads to the open descriptor. So what it prints, and the globs
that it gets, are what they are from the root.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import trio
from msgspec import Struct

from pillion import beneath
from pillion.errors import NoSuchFile, NotAFile, OutsideWorkspace, ToolError

_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_HELD = "/proc/self/fd/{fd}", "/.vol/{dev}/{inode}"
"""What names an open folder, or file, by itself: of Linux; of macOS, which has no /proc."""

_MEMORY = next((place for place in ("/dev/shm",) if os.access(place, os.W_OK | os.X_OK)), None)
"""Where the links are made: on a disk that is busy they take ten times as long."""


class Footing(Struct, frozen=True):
    """`folder` to start in; `passing`: the descriptors that the program has to get."""

    folder: Path
    passing: tuple[int, ...] = ()


@asynccontextmanager
async def footing(root: Path, place: str) -> AsyncIterator[Footing]:
    """For what is at `place` (`./`, or `./` and the real way from the root), as long as the block runs.

    Raises NoSuchFile, NotAFile; OutsideWorkspace where a link is on the way by now.
    """
    if place == "./":
        yield Footing(root)
        return
    with trio.CancelScope(shield=True):  # some opens, and a link: else nobody would close them
        found = await trio.to_thread.run_sync(_stepped, root, place)
    try:
        yield found
    finally:
        with trio.CancelScope(shield=True):
            await trio.to_thread.run_sync(_left, found)


def _stepped(root: Path, place: str) -> Footing:
    with contextlib.ExitStack() as stack:
        descriptor = _opened(root, place.removeprefix("./"))
        stack.callback(os.close, descriptor)
        folder = Path(tempfile.mkdtemp(prefix="pillion-", dir=_MEMORY))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        link = folder / place
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(_name(descriptor))
        stack.pop_all()
        return Footing(folder, (descriptor,))


def _left(footing: Footing) -> None:
    for descriptor in footing.passing:
        os.close(descriptor)
    shutil.rmtree(footing.folder, ignore_errors=True)


def _opened(root: Path, path: str) -> int:
    """The folder or regular file, reached from the root without following any link."""
    *names, last = path.split("/")
    top = os.open(root, beneath.FOLDER)
    try:
        with beneath.opened(top, names) as folder:
            # looked at before it is opened, since opening a device may already do something; and again after
            if not _fits(os.stat(last, dir_fd=folder, follow_symlinks=False)):
                raise NotAFile(f"{path} is neither a file nor a folder.")
            descriptor = os.open(last, _READ, dir_fd=folder)
    except (FileNotFoundError, NotADirectoryError):
        raise NoSuchFile(f"There is no {path}.") from None
    except OSError as error:
        raise OutsideWorkspace(f"{path} can't be opened in the workspace: {error.strerror}.") from None
    finally:
        os.close(top)
    if not _fits(os.fstat(descriptor)):
        os.close(descriptor)
        raise NotAFile(f"{path} is neither a file nor a folder.")
    return descriptor


def _fits(status: os.stat_result) -> bool:
    return stat.S_ISDIR(status.st_mode) or stat.S_ISREG(status.st_mode)


def _name(descriptor: int) -> str:
    status = os.fstat(descriptor)
    for form in _HELD:
        name = form.format(fd=descriptor, dev=status.st_dev, inode=status.st_ino)
        with contextlib.suppress(OSError):
            if os.path.samestat(os.stat(name), status):
                return name
    raise ToolError("Without /proc a part of a workspace can't be searched by itself: look in the whole of it.")
