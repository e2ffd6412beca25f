"""What of git a sandboxed command gets: all to read, nothing to write that makes programs run later."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

LARGEST = 4096
"""Bytes of a file that names a folder."""
DEEPEST_LENT = 5


def visible_git(root: Path, at: Path, *, writable: bool, lenders: Sequence[str] = ()) -> Iterator[str]:
    """Arguments for bubblewrap, for the workspace that we see as `root` and that is to be seen `at`.

    `.git` is read-only as a whole: beside hooks and settings, a file that is made there can lead git to other ones.
    `writable`: all but its hooks and settings is not. What it borrows from within `lenders` can be read.
    """
    git = root / ".git"
    if git.is_symlink():
        return  # it leads to where it leads; what is there is hidden or read-only like the rest
    shown, objects = at / ".git", [git / "objects"]
    if git.is_dir():
        if writable:
            yield from ("--bind", str(shown), str(shown))  # a mount of its own can't be renamed
            for name in ("hooks", "config", "config.worktree", "commondir", "info", "objects/info"):
                yield from ("--ro-bind-try", str(shown / name), str(shown / name))
        else:
            yield from ("--ro-bind", str(shown), str(shown))
    elif git.is_file():
        yield from ("--ro-bind", str(shown), str(shown))
        led = _led_to(git, root)
        yield from (part for place in led for part in ("--ro-bind-try", str(place), str(place)))
        objects = [place / "objects" for place in led]
    lent = [place for one in objects for place in _lent(one, lenders)]
    yield from (part for place in lent for part in ("--ro-bind-try", place, place))


def _lent(objects: Path, lenders: Sequence[str], depth: int = 0) -> Iterator[str]:
    """The folders of objects that are borrowed there, and by those, as far as they may be lent."""
    try:
        lines = (objects / "info" / "alternates").read_text(errors="replace")[: 64 * LARGEST].splitlines()
    except OSError:
        return
    for line in lines:
        place = Path(os.path.realpath(objects / line))
        if depth < DEEPEST_LENT and place.name == "objects" and any(place.is_relative_to(one) for one in lenders):
            yield str(place)
            yield from _lent(place, lenders, depth + 1)


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
