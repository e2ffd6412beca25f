"""A folder as another mount namespace has it: `/proc/PID/root/…`. Here it is opened by that path, and programs that are
to work in it are started in that namespace, where it has its plain one."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

_VIEW = re.compile(r"(/proc/[0-9]+/root)(/.*)")
_SPELT = re.compile(r"\\([0-7]{3})")
"""A blank, tab, line end or backslash in the kernel's list of mounts."""
_LINKS = 40
"""Links that are followed on one way, as the kernel does."""
_ENTER = ("nsenter", "--user", "--mount", "--preserve-credentials", "--target")
_KEEP_MOUNTS = ("setpriv", "--bounding-set", "-sys_admin", "--")
"""For root, who is root in there, too: what is mounted stays."""
_GO = ("/bin/sh", "-c", 'cd "$0" && exec "$@"')


def split(path: str | Path) -> tuple[str, str]:
    """The way into the namespace, "" for our own, and the path that it has there."""
    found = _VIEW.fullmatch(str(path))
    return (found[1], found[2]) if found else ("", str(path))


def inside(path: str | Path) -> Path:
    """The path that it has in its namespace."""
    return Path(split(path)[1])


class Mounted(Struct, frozen=True):
    """A folder `place` that a namespace has and ours has not; `same`: it is the one that was asked about."""

    place: Path
    same: bool


def mounted(path: str | Path) -> list[Mounted]:
    """What is mounted in the namespace of `path` and not in ours; `path` is a mount itself. Programs that are started
    in there can mount nothing, so it is what whoever made the namespace wanted. Raises OSError."""
    way, named = split(path)
    if not way:
        return []
    theirs = _mounts(f"{way.removesuffix('/root')}/mountinfo")
    own = set(_mounts("/proc/self/mountinfo"))
    device = next((device for device, place in theirs if place == named), "")
    found = [Mounted(Path(place), of == device) for of, place in theirs if (of, place) not in own and place != named]
    return sorted(found, key=lambda one: one.place)


def _mounts(file: str) -> list[tuple[str, str]]:
    """Of each mount its device and what is mounted of it, and where."""
    found = []
    with open(file, "rb") as lines:
        for line in lines:
            _, _, device, root, place = line.split(b" ")[:5]
            found.append(
                (os.fsdecode(device + b" " + root), _SPELT.sub(lambda c: chr(int(c[1], 8)), os.fsdecode(place)))
            )
    return found


def realpath(path: str | Path) -> str:
    """As os.path.realpath, which would take a link that is found in there for one of our own namespace."""
    way, named = split(path)
    return way + _followed(way, named) if way else os.path.realpath(path)


def entering(argv: Sequence[str], cwd: Path) -> tuple[Sequence[str], Path]:
    """What to start, and where, so that `argv` runs in the folder `cwd`, in the namespace that has it."""
    way, named = split(cwd)
    if not way:
        return argv, cwd
    kept = _KEEP_MOUNTS if os.geteuid() == 0 else ()
    return [*_ENTER, way.split("/")[2], "--", *kept, *_GO, named, *argv], Path("/")


def _followed(way: str, path: str) -> str:
    names, done, links = path.split("/")[::-1], "", 0
    while names:
        name = names.pop()
        if name in ("", "."):
            continue
        if name == "..":
            done = done.rpartition("/")[0]
            continue
        try:
            target = os.readlink(f"{way}{done}/{name}") if links < _LINKS else ""
        except OSError:
            target = ""
        if not target:
            done = f"{done}/{name}"
            continue
        links += 1
        if target.startswith("/"):
            done = ""
        names += target.split("/")[::-1]
    return done or "/"
