"""What of git a sandboxed command gets: all to read, nothing to write that makes programs run later."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

LARGEST = 4096
"""Bytes of a file that names a folder."""


def visible_git(root: Path, at: Path, *, writable: bool) -> Iterator[str]:
    """Arguments for bubblewrap, for the workspace that we see as `root` and that is to be seen `at`.

    `.git` is read-only as a whole: beside hooks and settings, a file that is made there can lead git to other ones.
    `writable`: all but its hooks and settings is not.
    """
    git = root / ".git"
    if git.is_symlink():
        return  # it leads to where it leads; what is there is hidden or read-only like the rest
    shown = at / ".git"
    if git.is_dir():
        if not writable:
            yield from ("--ro-bind", str(shown), str(shown))
            return
        yield from ("--bind", str(shown), str(shown))  # a mount of its own can't be renamed
        for name in ("hooks", "config", "config.worktree", "commondir", "info"):
            yield from ("--ro-bind-try", str(shown / name), str(shown / name))
    elif git.is_file():
        yield from ("--ro-bind", str(shown), str(shown))
        for place in _led_to(git, root):
            yield from ("--ro-bind-try", str(place), str(place))


def _led_to(file: Path, root: Path) -> list[Path]:
    """The repository that a worktree or submodule names, if that one names it, too. A command can write such a file
    where there is none, but nothing outside the workspace that would agree."""
    said = _first_line(file)
    if not said.startswith("gitdir:"):
        return []
    folder = Path(os.path.realpath(root / said.removeprefix("gitdir:").strip()))
    if folder.is_relative_to(root) or not os.path.isfile(folder / "HEAD"):
        return []
    back = _first_line(folder / "gitdir")
    if back and Path(os.path.realpath(back)) == Path(os.path.realpath(file)):
        common = _first_line(folder / "commondir")
        shared = Path(os.path.realpath(folder / common)) if common else folder
        return [shared] if folder.is_relative_to(shared) and shared.name != "" else [folder]
    return [folder] if _works_on(folder, root) else []


def _works_on(folder: Path, root: Path) -> bool:
    """Whether a submodule's repository says that its files are these."""
    try:
        lines = (folder / "config").read_text(errors="replace")[: 64 * LARGEST].splitlines()
    except OSError:
        return False
    named = (line.partition("=")[2].strip() for line in lines if line.strip().startswith("worktree"))
    return any(Path(os.path.realpath(folder / place)) == root for place in named)


def _first_line(file: Path) -> str:
    try:
        with file.open(errors="replace") as opened:
            return opened.read(LARGEST).split("\n", 1)[0].strip()
    except OSError:
        return ""
