"""The patterns of what git ignores that lie in no folder of the workspace: the repository's, and the user's own."""

from __future__ import annotations

import os
from pathlib import Path

from dulwich.config import ConfigFile

from pillion_git.ignorerules import read


def excluded(root: Path) -> bytes | None:
    """The `info/exclude` of the repository whose work tree begins at `root`."""
    return read(_repository(root) / "info" / "exclude", links=True)


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
        return read(config / "git" / "ignore", links=True) or b""
    text = os.fsdecode(named)
    return read(home / text[2:] if text.startswith("~/") else Path(text), links=True) or b""


def _repository(root: Path) -> Path:
    """Where the repository of `root` keeps what is common to its work trees; a path that is not there for none."""
    git = root / ".git"
    if git.is_dir():
        return git
    said = (read(git, links=True) or b"").strip()
    if not said.startswith(b"gitdir:"):
        return git
    own = root / os.fsdecode(said[7:].strip())
    common = (read(own / "commondir", links=True) or b"").strip()
    return own / os.fsdecode(common) if common else own
