"""A repository of its own for a fork: what is committed and staged is there, by reference, and what is done in the fork
touches nothing of the origin's."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

from dulwich.config import ConfigFile

from pillion import LocalWorkspace
from pillion.contracts.workspace import origin_of
from pillion_git.place import GitFault, find

TAKEN = {
    b"core": (b"autocrlf", b"eol", b"filemode", b"ignorecase", b"precomposeunicode", b"quotepath", b"symlinks"),
    b"extensions": (b"objectformat",),
    b"user": (b"name", b"email"),
}
"""Of the repository's settings, those that run nothing and lead nowhere."""
EVERYWHERE = "/"
"""From where a repository that the user trusts may borrow."""
MOST = 20_000
"""Loose refs that are taken over."""


def objects(origin: LocalWorkspace) -> Path | None:
    """Where the repository keeps what is committed, if the work tree of one begins at `origin`."""
    found = _repository(origin)
    return found[1] / "objects" if found else None


def lenders(origin: LocalWorkspace) -> tuple[str, ...]:
    """From where the repository of a fork of it borrows its objects."""
    if is_fork(origin):  # which may go before this one does: what is its own is copied
        return tuple(place for place in origin.lenders if place != EVERYWHERE)
    found = objects(origin)
    return (str(found),) if found else ()


def is_fork(origin: LocalWorkspace) -> bool:
    return origin_of(origin) != str(origin.root)


def copy(origin: LocalWorkspace, fork: Path, also: Path | None = None) -> None:
    """Into the folder `fork`, if the work tree of a repository begins at `origin`. Nothing of it is run. What has no
    sound repository gets none. Programs that have something else at the origin's path find its objects `also` there."""
    found = _repository(origin)
    if found is None:
        return
    own, common = found
    target = fork / ".git"
    for folder in ("objects/info", "objects/pack", "refs/heads", "info"):
        (target / folder).mkdir(parents=True)
    if is_fork(origin):
        kept = shutil.ignore_patterns("info")
        shutil.copytree(common / "objects", target / "objects", symlinks=True, ignore=kept, dirs_exist_ok=True)
    lines = [os.fsencode(place) + b"\n" for place in (*lenders(origin), also) if place]
    (target / "objects" / "info" / "alternates").write_bytes(b"".join(lines))
    for place, names in ((own, ("HEAD", "index")), (common, ("packed-refs", "shallow", "info/exclude"))):
        for name in names:
            _copy(place / name, target / name)
    _refs(common / "refs", target / "refs")
    _settings(common / "config", target / "config")


def _repository(origin: LocalWorkspace) -> tuple[Path, Path] | None:
    """Where its own HEAD and index are, and what is common to all its work trees. None also for one that leads to a
    place which does not say that these files are its own: it would be read in the fork, by whoever made that up."""
    try:
        place = find(str(origin.root), origin.lenders)
    except GitFault:
        return None
    return (Path(place.folder), Path(place.common)) if place.top == str(origin.root) else None


def _copy(source: Path, target: Path) -> None:
    if source.is_file() and not source.is_symlink():
        shutil.copyfile(source, target)


def _refs(source: Path, target: Path) -> None:
    count = 0
    for folder, _, names in os.walk(source):
        for name in names:
            count += 1
            if count > MOST:
                return
            place = target / os.path.relpath(folder, source)
            place.mkdir(parents=True, exist_ok=True)
            _copy(Path(folder, name), place / name)


def _settings(source: Path, target: Path) -> None:
    given, own = ConfigFile(), ConfigFile()
    with contextlib.suppress(OSError, ValueError):
        given = ConfigFile.from_path(str(source))
    own.set((b"core",), b"repositoryformatversion", b"1" if _has(given, b"extensions", b"objectformat") else b"0")
    own.set((b"core",), b"bare", b"false")
    for section, names in TAKEN.items():
        for name in names:
            if _has(given, section, name):
                own.set((section,), name, given.get((section,), name))
    own.write_to_path(str(target))


def _has(settings: ConfigFile, section: bytes, name: bytes) -> bool:
    try:
        settings.get((section,), name)
    except KeyError:
        return False
    return True
