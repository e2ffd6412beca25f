"""A folder as another mount namespace has it: `/proc/PID/root/…`. Here it is opened by that path, and programs that are
to work in it are started in that namespace, where it has its plain one."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

_VIEW = re.compile(r"(/proc/[0-9]+/root)(/.*)")
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
