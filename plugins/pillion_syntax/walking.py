"""The files of a folder in known languages, without ignored, hidden and protected ones."""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path

import trio

from pillion import ToolError, Workspace
from pillion.processes import Processes
from pillion.protection import Guard, guard_of

from .grammars import Languages

MOST = 50_000
"""Files."""
Stat = tuple[int, int]
"""Size in bytes, and time of change in nanoseconds since 1970."""


def find_ripgrep() -> str:
    """The installed wheel's, else the one on PATH; "" for none."""
    beside = [Path(sys.executable).parent, Path(sysconfig.get_path("scripts"))]
    found = (shutil.which(candidate) for candidate in [*(str(folder / "rg") for folder in beside), "rg"])
    return next((one for one in found if one), "")


async def walk(workspace: Workspace, processes: Processes, known: Languages) -> dict[str, str]:
    """Paths, each with the name of its language; the first MOST that are found. Raises ToolError."""
    program = find_ripgrep()
    if not program:
        raise ToolError("The ripgrep program is not installed: pip install ripgrep.")
    argv = [program, "--no-config", "--no-require-git", "--no-messages", "--null", "--files", "--", "./"]
    guard = guard_of(workspace)
    found: dict[str, str] = {}
    rest = b""
    async with processes.start(argv, cwd=workspace.root, drop_errors=True, single=True) as process:
        async for data in process:
            *whole, rest = (rest + data).split(b"\0")
            found |= await trio.to_thread.run_sync(_sorted_out, whole, known, guard)
            if len(found) >= MOST:
                break
    return found


def _sorted_out(paths: Sequence[bytes], known: Languages, guard: Guard) -> dict[str, str]:
    found = {}
    for raw in paths:
        path = os.fsdecode(raw).removeprefix("./")
        language = known.of(path)
        if language is not None and language.name in known.readable and path.isprintable() and not guard.hides(path):
            found[path] = language.name
    return found


def stats(root: Path, paths: list[str]) -> dict[str, Stat]:
    """Of those that are regular files. For a thread."""
    found = {}
    for path in paths:
        try:
            told = os.lstat(f"{root}/{path}")
        except OSError:
            continue
        found[path] = told.st_size, told.st_mtime_ns
    return found


def folders(root: Path, paths: list[str]) -> dict[str, Stat]:
    """The folders of these files, and those above them: where one has changed, files came or went. For a thread."""
    names = {""}
    for path in paths:
        above = path.rpartition("/")[0]
        while above and above not in names:
            names.add(above)
            above = above.rpartition("/")[0]
    return {name: (0, stat[1]) for name, stat in stats(root, sorted(names)).items()}
