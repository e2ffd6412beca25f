"""Where a folder's repository is. What lies about a place elsewhere is refused, not followed."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import suppress

from msgspec import Struct

from pillion import mountview

LONGEST = 4096
"""Bytes of a file that names a folder."""
LARGEST_CONFIG = 1024 * 1024
DEEPEST_LENT = 5
_OURS = ("HEAD", "index", "logs")
_COMMON = ("objects", "refs", "packed-refs", "info", "config", "shallow", "logs")
_READ = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


class GitFault(Exception):
    """Git can't do it; says why. Becomes a ToolError where a tool or route asked."""


class NoRepository(GitFault):
    """The folder is in none."""


class Place(Struct, frozen=True):
    """A repository seen from a folder in it. `top` is where its files begin; `prefix` is the folder there, "" or with a
    slash at its end. `folder` has HEAD and index; `common` has objects and branches: two only in a linked worktree."""

    top: str
    prefix: str
    folder: str
    common: str


def find(folder: str, lenders: Sequence[str] = ()) -> Place:
    """That of `folder`, or of the nearest folder above it; its objects may be borrowed from within itself and from
    `lenders`. Raises NoRepository, GitFault."""
    start = mountview.realpath(folder)
    try:
        start.encode()
    except UnicodeEncodeError:
        raise GitFault("The folder's path is no UTF-8.") from None
    mine = {os.geteuid(), os.stat(start).st_uid}
    for top in _upwards(start):
        git = os.path.join(top, ".git")
        try:
            status = os.lstat(git)
        except OSError:
            continue
        ours = _folder(git, status, top)
        if ours is None:
            continue
        if status.st_uid not in mine:
            raise GitFault(f"{git} belongs to another user: it is not looked into.")
        common = _common(ours)
        _check(ours, common)
        bound = (str(one.place) for one in mountview.mounted(top))
        _check_objects(os.path.join(common, "objects"), (common, top, *lenders, *bound))
        prefix = "" if start == top else os.path.relpath(start, top) + "/"
        return Place(top, prefix, ours, common)
    raise NoRepository(f"{folder} is in no git repository.")


def read(path: str, limit: int = LONGEST) -> str | None:
    """A regular file's text, None where there is none. Raises GitFault when it is longer."""
    try:
        with open(os.open(path, _READ), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return None
            data = file.read(limit + 1)
    except OSError:
        return None
    if len(data) > limit:
        raise GitFault(f"{path} has more than {limit} bytes.")
    return data.decode("utf-8", "replace")


def _upwards(folder: str) -> Iterator[str]:
    yield folder
    while folder != (folder := os.path.dirname(folder)):
        yield folder


def _folder(git: str, status: os.stat_result, top: str) -> str | None:
    """The real folder that `.git` is, or leads to; None: it is none of git's."""
    if stat.S_ISREG(status.st_mode):
        said = (read(git) or "").strip()
        if not said.startswith("gitdir:"):
            raise GitFault(f"{git} is a file that names no folder.")
        found = mountview.realpath(os.path.join(top, said.removeprefix("gitdir:").strip()))
    else:
        found = mountview.realpath(git)
    if not os.path.isfile(os.path.join(found, "HEAD")):
        if stat.S_ISREG(status.st_mode):
            raise GitFault(f"{git} leads to {found}, which is no repository.")
        return None
    if not (_in(found, top) or _agrees(found, git, top)):
        raise GitFault(f"{git} leads to {found}, which does not say that these files are its own: it is not followed.")
    return found


def _agrees(found: str, git: str, top: str) -> bool:
    """Whether the place names these files in its turn, as that of a worktree or a submodule does. Whoever can write
    here can't write there."""
    back = read(os.path.join(found, "gitdir"))
    if back:
        return mountview.realpath(os.path.join(found, back.strip())) == mountview.realpath(git)
    with suppress(GitFault):
        for line in (read(os.path.join(found, "config"), LARGEST_CONFIG) or "").splitlines():
            key, _, value = line.strip().partition("=")
            if key.strip().lower() == "worktree" and mountview.realpath(os.path.join(found, value.strip())) == top:
                return True
    return False


def _common(folder: str) -> str:
    said = read(os.path.join(folder, "commondir"))
    if said is None:
        return folder
    common = mountview.realpath(os.path.join(folder, said.strip()))
    if os.path.dirname(folder) != os.path.join(common, "worktrees"):
        raise GitFault(f"{folder} says that it belongs to {common}, where it does not lie: it is not followed.")
    return common


def _check(folder: str, common: str) -> None:
    """What is read and written must be where it seems to be. Raises GitFault."""
    for inside, names in ((folder, _OURS), (common, _COMMON)):
        for name in names:
            path = os.path.join(inside, name)
            if not _in(mountview.realpath(path), inside):
                raise GitFault(f"{path} is a link that leads out of the repository: it is not followed.")
    if not os.path.isdir(os.path.join(common, "objects")):
        raise GitFault(f"{common} has no objects: it is no repository.")


def _check_objects(objects: str, within: Sequence[str], depth: int = 0) -> None:
    """Whoever knows a commit's hash could read any repository of the user's, if its objects were lent or linked here.
    Raises GitFault."""
    for folder in (objects, os.path.join(objects, "pack")):
        with suppress(FileNotFoundError), os.scandir(folder) as found:
            for item in found:
                if item.is_symlink() and not any(_in(os.path.realpath(item.path), place) for place in within):
                    raise GitFault(f"{item.path} is a link that leads out of the repository: it is not followed.")
    for line in (read(os.path.join(objects, "info", "alternates")) or "").splitlines():
        if not line or line.startswith("#"):
            continue
        lent = os.path.realpath(os.path.join(objects, line))
        if line.startswith('"') or depth > DEEPEST_LENT or not any(_in(lent, place) for place in within):
            raise GitFault(
                f"Objects of {lent} are lent to it (objects/info/alternates), which is not followed: "
                "`git repack -a -d` makes them its own, and where the folder is trusted they are followed."
            )
        _check_objects(lent, within, depth + 1)


def _in(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")
