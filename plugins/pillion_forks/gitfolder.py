"""A repository of its own for a fork: what is committed and staged is there, by reference, and what is done in the fork
touches nothing of the origin's."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

from dulwich.config import ConfigFile

from pillion_git.ignorerules import read

TAKEN = {
    b"core": (b"autocrlf", b"eol", b"filemode", b"ignorecase", b"precomposeunicode", b"quotepath", b"symlinks"),
    b"extensions": (b"objectformat",),
    b"user": (b"name", b"email"),
}
"""Of the repository's settings, those that run nothing and lead nowhere."""
MOST = 20_000
"""Loose refs that are taken over."""


def objects(origin: Path) -> Path | None:
    """Where the repository keeps what is committed, if the work tree of one begins at `origin`."""
    found = _repository(origin / ".git")
    return found[1] / "objects" if found else None


def copy(origin: Path, fork: Path, also: Path | None = None) -> None:
    """Into the folder `fork`, if the work tree of a repository begins at `origin`. Nothing of it is run. What has no
    sound repository gets none. Programs that have something else at the origin's path find its objects `also` there."""
    found = _repository(origin / ".git")
    if found is None:
        return
    own, common = found
    target = fork / ".git"
    for folder in ("objects/info", "objects/pack", "refs/heads", "info"):
        (target / folder).mkdir(parents=True)
    lines = [os.fsencode(place) + b"\n" for place in (common / "objects", also) if place is not None]
    (target / "objects" / "info" / "alternates").write_bytes(b"".join(lines))
    for place, names in ((own, ("HEAD", "index")), (common, ("packed-refs", "shallow", "info/exclude"))):
        for name in names:
            _copy(place / name, target / name)
    _refs(common / "refs", target / "refs")
    _settings(common / "config", target / "config")


def _repository(git: Path) -> tuple[Path, Path] | None:
    """Where its own HEAD and index are, and what is common to all its work trees."""
    own = git
    if git.is_file() and not git.is_symlink():
        said = (read(git) or b"").strip()
        if not said.startswith(b"gitdir:"):
            return None
        own = git.parent / os.fsdecode(said[7:].strip())
    elif git.is_symlink():
        return None
    named = (read(own / "commondir") or b"").strip()
    common = own / os.fsdecode(named) if named else own
    sound = (own / "HEAD").is_file() and (common / "objects").is_dir()
    return (Path(os.path.realpath(own)), Path(os.path.realpath(common))) if sound else None


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
