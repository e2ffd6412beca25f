"""What git would ignore: the patterns of `.gitignore` files, of `info/exclude` and of the user, folder by folder."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from dulwich.config import ConfigFile
from dulwich.ignore import IgnoreFilter, Pattern, read_ignore_patterns

FILE = b".gitignore"
LARGEST = 1024 * 1024
"""Bytes of a file of patterns that are read; one that is longer counts for nothing."""
_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


class Rules:
    """Those of one folder: its own patterns, then those of the folders above it. `base` is the folder's path from the
    root, with `/` at its end, or empty."""

    __slots__ = ("_above", "_base", "_patterns")

    def __init__(self, base: bytes, patterns: list[Pattern], above: Rules | None = None) -> None:
        self._base, self._patterns, self._above = len(base), patterns[::-1], above

    def ignore(self, path: bytes, folder: bool) -> bool:
        """Is what lies at `path`, from the root, left out? What is inside a folder that is, is never asked for."""
        rules: Rules | None = self
        while rules is not None:
            inside = path[rules._base :]
            for pattern in rules._patterns:
                if pattern.matches(inside, folder):
                    return bool(pattern.is_exclude)
            rules = rules._above
        return False


def below(rules: Rules, base: bytes, data: bytes | None) -> Rules:
    """The rules of a folder with that `.gitignore`; those above it, where it has none."""
    return Rules(base, _parsed(data), rules) if data else rules


def outermost(exclude: bytes | None, user: bytes) -> Rules:
    """Those that hold before any `.gitignore` of the workspace: the user's own, and the repository's `info/exclude`."""
    return Rules(b"", _parsed(exclude), Rules(b"", _parsed(user)))


def excluded(root: Path) -> bytes | None:
    """The `info/exclude` of the repository whose work tree begins at `root`."""
    return _read(_repository(root) / "info" / "exclude")


def users_own(home: Path, config: Path) -> bytes:
    """The patterns that the user has for all repositories: of the file that `core.excludesFile` names in the user's
    settings of git, else `config`/git/ignore."""
    named = None
    for place in (config / "git" / "config", home / ".gitconfig"):
        try:
            found = ConfigFile.from_path(str(place)) if place.is_file() else None
            named = (found.get((b"core",), b"excludesFile") if found else None) or named
        except (KeyError, OSError, ValueError):
            continue
    if named is None:
        return _read(config / "git" / "ignore") or b""
    text = os.fsdecode(named)
    return _read(home / text[2:] if text.startswith("~/") else Path(text)) or b""


def read_in(folder: int) -> bytes | None:
    """The `.gitignore` of an open folder; None: there is none that counts. Links are not followed, as git does."""
    try:
        descriptor = os.open(FILE, _OPEN, dir_fd=folder)
    except OSError:
        return None
    return _bounded(descriptor)


def _read(path: Path) -> bytes | None:
    try:
        return _bounded(os.open(path, _OPEN & ~os.O_NOFOLLOW))
    except OSError:
        return None


def _bounded(descriptor: int) -> bytes | None:
    with open(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_size > LARGEST:
            return None
        return file.read(LARGEST)


def _parsed(data: bytes | None) -> list[Pattern]:
    if not data:
        return []
    lines = [line + b"\n" for line in data.removeprefix(b"\xef\xbb\xbf").split(b"\n")]
    return list(IgnoreFilter(read_ignore_patterns(lines)).patterns)  # type: ignore[arg-type]  # it only iterates


def _repository(root: Path) -> Path:
    """Where the repository of `root` keeps what is common to its work trees; a path that is not there for none."""
    git = root / ".git"
    if git.is_dir():
        return git
    said = (_read(git) or b"").strip()
    if not said.startswith(b"gitdir:"):
        return git
    own = root / os.fsdecode(said[7:].strip())
    common = (_read(own / "commondir") or b"").strip()
    return own / os.fsdecode(common) if common else own
