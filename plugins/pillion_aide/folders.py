"""What stands in the folders that a message points at: the beginnings of their files, within bounds."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import suppress

import trio
from msgspec import Struct

from pillion import ToolError
from pillion.contracts.workspace import Workspace
from pillion.pathpattern import fits
from pillion.textform import text_form

SKIPPED = frozenset(
    {
        "node_modules", "__pycache__", "env", "venv", "target", "build", "dist", "out", "bundle", "vendor", "tmp",
        "temp", "deps", "pkg",
    }
)  # fmt: skip
"""Folders of things that are made, as the sidecar has them. Hidden ones are left out, too."""
LINES = 50
WIDEST = 400
"""Characters of a line."""
FILES = 40
"""Files of all folders of a message, whose beginnings are told."""
NAMES = 250
"""Files of one folder that are found."""
DEEPEST = 8
READ = 1024 * 1024
"""Bytes of a file that is read; a larger one is named."""
CHARACTERS = 60_000
"""Of all files of a message."""
SECONDS = 5.0
IGNORES = ".gitignore"


class FolderFile(Struct, frozen=True):
    """`path` is relative to the workspace. `text`: its first lines; "" where it is only named, and then `why`."""

    path: str
    text: str = ""
    why: str = ""


class Folder(Struct, frozen=True):
    """`whole`: all its files are here. `wrong` says why nothing is."""

    path: str
    files: Sequence[FolderFile] = ()
    whole: bool = True
    wrong: str = ""


async def folders_of(workspace: Workspace, paths: Sequence[str]) -> list[str]:
    """Those of the paths that are folders."""
    found = []
    for path in dict.fromkeys(paths):
        with suppress(ToolError):
            entry = await workspace.stat(path)
            if entry is not None and entry.kind == "folder":
                found.append(path)
    return found


async def expanded(workspace: Workspace, paths: Sequence[str]) -> list[Folder]:
    """Each folder once. Paths are the editor's, absolute or relative to the root."""
    room = _Room()
    return [await _expanded(workspace, path, room) for path in dict.fromkeys(paths)]


class _Room:
    """What is left for files."""

    def __init__(self) -> None:
        self.files, self.characters = FILES, CHARACTERS
        self.until = trio.current_time() + SECONDS


async def _expanded(workspace: Workspace, path: str, room: _Room) -> Folder:
    try:
        entry = await workspace.stat(path)
    except ToolError as error:
        return Folder(path, wrong=str(error))
    if entry is None or entry.kind != "folder":
        return Folder(path, wrong="It is no folder.")
    files: list[FolderFile] = []
    whole = True
    async for found in _files(workspace, entry.path):
        if len(files) == NAMES or trio.current_time() > room.until:
            whole = False
            break
        files.append(await _beginning(workspace, found, room))
    return Folder(entry.path or ".", files, whole)


async def _files(workspace: Workspace, top: str) -> AsyncIterator[str]:
    """The paths of its files, those at the top first, without links, and what is hidden, ignored or made."""
    rules = [rule for above in _above(top) for rule in await _rules(workspace, above)]
    waiting = [(top, rules, 0)]
    while waiting:
        folder, rules, depth = waiting.pop(0)
        try:
            entries = await workspace.list(folder)
        except ToolError:
            continue
        rules = [*rules, *await _rules(workspace, folder)]
        for entry in entries:
            name = entry.path.rpartition("/")[2]
            if name.startswith(".") or _ignored(entry.path, entry.kind == "folder", rules):
                continue
            if entry.kind == "file":
                yield entry.path
            elif entry.kind == "folder" and name not in SKIPPED and depth < DEEPEST:
                waiting.append((entry.path, rules, depth + 1))


Rule = tuple[str, str]
"""The folder of a `.gitignore`, and one of its lines."""


def _above(folder: str) -> list[str]:
    """The folders that hold it, the workspace first."""
    names = folder.split("/") if folder else []
    return ["/".join(names[:count]) for count in range(len(names))]


async def _rules(workspace: Workspace, folder: str) -> list[Rule]:
    try:
        content = await workspace.read(f"{folder}/{IGNORES}" if folder else IGNORES, READ)
    except ToolError:
        return []
    lines = [line.strip() for line in content.data.decode(errors="replace").splitlines()]
    return [(folder, line) for line in lines if line and not line.startswith("#")]


def _ignored(path: str, folder: bool, rules: Sequence[Rule]) -> bool:
    """As the last rule that fits says."""
    for base, line in reversed(rules):
        pattern = line.removeprefix("!")
        inner = path[len(base) + 1 :] if base else path
        if (folder or not pattern.endswith("/")) and fits(inner, pattern):
            return not line.startswith("!")
    return False


async def _beginning(workspace: Workspace, path: str, room: _Room) -> FolderFile:
    if not room.files or room.characters <= 0:
        return FolderFile(path, why="left out")
    try:
        data = (await workspace.read(path, READ)).data
    except ToolError:
        return FolderFile(path, why="not to be read")
    form = text_form(data)
    if form is None:
        return FolderFile(path, why="binary")
    lines = form.decode(data).splitlines()
    text = "\n".join(line[:WIDEST] for line in lines[:LINES])[: room.characters]
    if len(lines) > LINES:
        text += f"\n[{len(lines) - LINES} more lines]"
    room.files -= 1
    room.characters -= len(text)
    return FolderFile(path, text, "" if text else "empty")
