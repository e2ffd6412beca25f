"""The ripgrep program: where it is, and its output line by line."""

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

import trio

from pillion.contracts.tool import Call
from pillion.errors import MissingLibrary, ToolError

_ALWAYS = ("--no-config", "--no-require-git", "--color=never", "--no-messages")
_IGNORES = (".gitignore", ".ignore", ".rgignore")
LONGEST_IGNORE = 1024 * 1024
LONGEST_LINE = 8_192
"""Bytes of a line that are kept."""


def find_ripgrep(configured: str = "") -> str:
    """The program's path. Raises MissingLibrary."""
    beside = [Path(sys.executable).parent, Path(sysconfig.get_path("scripts"))]
    candidates = [configured] if configured else [*(str(folder / "rg") for folder in beside), "rg"]
    for candidate in candidates:
        if found := shutil.which(candidate):
            return found
    raise MissingLibrary("The ripgrep program is not installed.", hint="pip install ripgrep")


async def place_of(call: Call, path: str) -> str:
    """`path` as an argument for ripgrep: the real place, relative, so that no link is followed out of the workspace."""
    entry = await call.workspace.stat(path)
    if entry is None:
        raise ToolError(f"There is no {path}.")
    if entry.kind not in ("file", "folder"):
        raise ToolError(f"{path} is neither a file nor a folder.")
    return f"./{entry.path}" if entry.path else "./"


async def each_line(
    ripgrep: str, call: Call, arguments: Sequence[str], place: str, take: Callable[[str], bool]
) -> bool:
    """Gives each line that ripgrep prints to `take`, which answers whether it wants more. False: it had enough.

    What is unsaved in an editor comes first, from its text there; the disk's text of it is left out. Raises ToolError
    with ripgrep's own words when it refuses, e.g. a pattern.
    """
    root = call.workspace.root
    unsaved: Mapping[str, bytes] = getattr(call.workspace, "unsaved", {})
    wanted = {path: data for path, data in unsaved.items() if _is_within(f"./{path}", place)}
    if wanted:
        async with _written(wanted, root) as copies:
            if not await _lines(ripgrep, call, arguments, place, copies, take):
                return False
    if place.removeprefix("./") in wanted or not await trio.Path(root / place).exists():
        return True
    aside = [f"--glob=!/{_literal(path)}" for path in wanted]
    return await _lines(ripgrep, call, [*arguments, *aside], place, root, take)


async def _lines(
    ripgrep: str, call: Call, arguments: Sequence[str], place: str, root: Path, take: Callable[[str], bool]
) -> bool:
    argv = [ripgrep, *_ALWAYS, *arguments, "--", place]
    refused: list[str] = []
    async with call.processes.start(argv, cwd=root) as process:
        rest = b""
        async for data in process:
            *whole, rest = (rest + data).split(b"\n")
            rest = rest[:LONGEST_LINE]
            for line in whole:
                text = line[:LONGEST_LINE].decode(errors="replace")
                if refused or text.startswith("rg: "):  # a hit begins with ./
                    refused.append(text.removeprefix("rg: "))
                elif not take(text.removeprefix("./")):
                    return False
    if refused:
        raise ToolError("\n".join(refused[:20]))
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
