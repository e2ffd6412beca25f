"""The ripgrep program: where it is, and what it prints, in pieces as they come."""

from __future__ import annotations

import contextlib
import re
import shutil
import sys
import sysconfig
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path, PurePosixPath
from typing import Protocol

import trio

from pillion.contracts.workspace import Entry, Workspace, unsaved_of
from pillion.errors import MissingLibrary, NoSuchFile, NotAFile, ToolError
from pillion.processes import Processes
from pillion.protection import guard_of

from .footing import Footing, footing

_ALWAYS = ("--no-config", "--no-require-git", "--color=never", "--no-messages", "--null")
_IGNORES = (".gitignore", ".ignore", ".rgignore")
LONGEST_IGNORE = 1024 * 1024
LONGEST_LINE = 32_768
"""Bytes of a line that are kept; most have fewer, since it is told to cut them."""
MOST_REFUSALS = 20
"""Lines of what it says when it refuses."""

Take = Callable[[Sequence[str]], bool]
"""Gets lines or paths as they come; answers whether it wants more."""


class Ground(Protocol):
    """Where it works; a tool's call is one."""

    @property
    def workspace(self) -> Workspace: ...
    @property
    def processes(self) -> Processes: ...


def find_ripgrep(configured: str = "") -> str:
    """The program's path. Raises MissingLibrary."""
    beside = [Path(sys.executable).parent, Path(sysconfig.get_path("scripts"))]
    candidates = [configured] if configured else [*(str(folder / "rg") for folder in beside), "rg"]
    for candidate in candidates:
        if found := shutil.which(candidate):
            return found
    raise MissingLibrary("The ripgrep program is not installed.", hint="pip install ripgrep")


def place_of(ground: Ground, path: str, entry: Entry | None) -> str:
    """`path`, which is `entry`, as an argument for ripgrep: the real place, relative, so that no link is followed out
    of the workspace. Raises NoSuchFile, NotAFile, ProtectedPath."""
    if entry is None:
        raise NoSuchFile(f"There is no {path}.")
    if entry.kind not in ("file", "folder"):
        raise NotAFile(f"{path} is neither a file nor a folder.")
    guard_of(ground.workspace).check(entry.path, "read")
    return f"./{entry.path}" if entry.path else "./"


class Ripgrep:
    """The program at `path`.

    What is unsaved in an editor comes first, from its text there; the disk's text of it is left out. False: who takes
    had enough. Raises ToolError with ripgrep's own words when it refuses, e.g. a pattern.
    """

    def __init__(self, path: str) -> None:
        self._path = path

    async def files(self, ground: Ground, arguments: Sequence[str], place: str, take: Take) -> bool:
        """The paths of files in `place`."""
        return await self._both(ground, ["--files", *arguments], place, take, b"\0")

    async def lines(self, ground: Ground, arguments: Sequence[str], place: str, take: Take) -> bool:
        """Its lines about files in `place`: the path, a zero character, and the rest."""
        return await self._both(ground, arguments, place, take, b"\n")

    async def _both(self, ground: Ground, arguments: Sequence[str], place: str, take: Take, end: bytes) -> bool:
        root = ground.workspace.root
        wanted = {path: data for path, data in unsaved_of(ground.workspace).items() if _is_within(f"./{path}", place)}
        if wanted:
            async with _written(wanted, root) as copies:
                if not await self._run(ground, arguments, place, Footing(copies), take, end):
                    return False
            if place.removeprefix("./") in wanted:
                return True
        aside = [f"--glob=!/{_literal(path)}" for path in wanted]
        with contextlib.suppress(NoSuchFile) if wanted else contextlib.nullcontext():
            async with footing(root, place) as stand:
                return await self._run(ground, [*arguments, *aside], place, stand, take, end)
        return True  # of that folder there are texts in an editor alone

    async def _run(
        self, ground: Ground, arguments: Sequence[str], place: str, stand: Footing, take: Take, end: bytes
    ) -> bool:
        argv = [self._path, *_ALWAYS, *arguments, "--", place]
        refused: list[str] = []
        sign = end.decode()
        starting = ground.processes.start(argv, cwd=stand.folder, passing=stand.passing, single=True)
        async with starting as process:
            rest = b""
            async for data in process:
                whole, cut, rest = (rest + data).rpartition(end)
                if not cut:
                    rest = rest[:LONGEST_LINE]
                    continue
                text = f"{sign}{whole.decode(errors='replace')}"
                if refused or f"{sign}rg: " in text:  # else each path begins with ./, or a line is --
                    refused += text.split(sign)[1 : MOST_REFUSALS + 1]
                    continue
                # as a whole, since there may be many; no path has the sign that ends one in it
                found = text.split("\0./") if sign == "\0" else text.replace("\n./", "\n").split("\n")
                if not take(found[1:]):
                    return False
        if refused or rest.startswith(b"rg: "):
            said = [*refused, rest.decode(errors="replace").strip()]
            raise ToolError("\n".join(line.removeprefix("rg: ") for line in said[:MOST_REFUSALS]).strip())
        return True


@asynccontextmanager
async def _written(texts: Mapping[str, bytes], root: Path) -> AsyncIterator[Path]:
    """A folder that holds these files, for as long as the block runs."""
    folder = Path(await trio.to_thread.run_sync(lambda: tempfile.mkdtemp(prefix="pillion-")))
    try:
        await trio.to_thread.run_sync(_write, texts, root, folder)
        yield folder
    finally:
        with trio.CancelScope(shield=True):  # deleting a few small files
            await trio.to_thread.run_sync(lambda: shutil.rmtree(folder, ignore_errors=True))


def _write(texts: Mapping[str, bytes], root: Path, folder: Path) -> None:
    """The texts, and what says in their folders that files are ignored: the rules are those of the workspace."""
    folders = {above for path in texts for above in PurePosixPath(path).parents}
    for name in (str(above / name) for above in folders for name in _IGNORES):
        with contextlib.suppress(OSError):
            data = (root / name).read_bytes() if (root / name).stat().st_size <= LONGEST_IGNORE else b""
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)
    for path, data in texts.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)


def _is_within(path: str, place: str) -> bool:
    return place in ("./", path) or path.startswith(f"{place}/")


def _literal(path: str) -> str:
    """A path as a glob that fits it alone."""
    return re.sub(r"([*?\[\]{}!\\])", r"\\\1", path)
