"""A repository for those who ask: by the git program where it is installed and can, else by dulwich in a process."""

from __future__ import annotations

import posixpath
import secrets
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol, TypeVar

import msgspec
import trio
from msgspec import structs

from pillion import Kernel, ToolError, Workspace
from pillion.contracts.workspace import lenders_of
from pillion.errors import OutsideWorkspace
from pillion.processes import Processes
from pillion.protection import guard_of

from .asked import (
    Asked,
    AskedBlame,
    AskedBranches,
    AskedChain,
    AskedCommit,
    AskedCounts,
    AskedDiff,
    AskedLog,
    AskedShow,
    AskedStage,
    AskedStatus,
    AskedWorktree,
    checked,
)
from .choices import Choices, choices
from .place import GitFault, Place, find
from .program import Program, ProgramFailed
from .shadow import shadow
from .values import Blame, Branches, Chain, Change, Counts, Diff, Done, Log, Patch, Shown, Status

T = TypeVar("T")
LARGEST = 64 * 1024 * 1024
"""Bytes of an answer."""
LONGEST = 4_000_000
"""Characters of all patches of one answer."""
MOST_FILES = 2_000
MOST_CHANGES = 20_000
DEEPEST = 8
PROTECTED = "It is protected, since it may hold keys: see the setting protected.read."
TOO_LONG = "The diffs before it are as long as one answer may be; ask for it alone, by path."


class Ground(Protocol):
    """Where it works; a tool's call is one."""

    @property
    def workspace(self) -> Workspace: ...
    @property
    def processes(self) -> Processes: ...


class FolderGround:
    """A folder that no session has to be on. Raises NotFound where it is gone."""

    def __init__(self, kernel: Kernel, workspace: str) -> None:
        self.workspace: Workspace = kernel.catalog.workspace(workspace)
        self.processes: Processes = kernel.processes


class Git:
    """`program` is the path of the git program, "" for none.

    All methods raise ToolError: the folder is in no repository, or what was asked for is not there.
    """

    def __init__(self, program: str, home: Mapping[str, str] = {}) -> None:
        self._program = program
        self.home = home
        """The user's HOME and XDG_CONFIG_HOME: their settings of git are there."""

    async def status(self, ground: Ground, asked: AskedStatus = AskedStatus()) -> Status:  # noqa: B008 - frozen
        found = await self._answer(ground, asked, Status, lambda program: self._status(program, asked))
        return structs.replace(found, changes=found.changes[:MOST_CHANGES], complete=len(found.changes) <= MOST_CHANGES)

    async def diff(self, ground: Ground, asked: AskedDiff) -> Diff:
        if asked.to and not asked.base:
            raise ToolError("`to` needs a `base`.")
        asked = _checked(ground, asked)
        return _shown(ground, await self._answer(ground, asked, Diff, lambda program: self._diff(program, asked)))

    async def log(self, ground: Ground, asked: AskedLog) -> Log:
        asked = _checked(ground, asked)
        return await self._answer(ground, asked, Log, lambda program: program.log(asked))

    async def show(self, ground: Ground, asked: AskedShow) -> Shown:
        asked = _checked(ground, asked)
        found = await self._answer(ground, asked, Shown, lambda program: program.show(asked))
        return structs.replace(found, diff=_shown(ground, found.diff))

    async def blame(self, ground: Ground, asked: AskedBlame) -> Blame:
        asked = _checked(ground, asked)
        guard_of(ground.workspace).check(asked.path, "read")
        return await self._answer(ground, asked, Blame, lambda program: program.blame(asked))

    async def branches(self, ground: Ground, asked: AskedBranches) -> Branches:
        return await self.ask(ground, asked, Branches)

    async def select(self, ground: Ground, paths: Sequence[str], *, undo: bool = False) -> list[str]:
        """The files that differ at these paths, and may be staged; `undo`: that are staged. Raises ToolError where at
        one of them is none, ProtectedPath for one that is named itself."""
        found = await self.status(ground, AskedStatus(each=True))
        guard = guard_of(ground.workspace)
        chosen: dict[str, None] = {}
        for path in paths or [""]:
            place = _place(ground, path)
            fit = [change for change in found.changes if (change.staged if undo else change.unstaged)]
            mine = [
                change for change in fit if not place or change.path == place or change.path.startswith(f"{place}/")
            ]
            if place in [change.path for change in mine]:
                guard.check(place, "read")
            names = [name for change in mine for name in (change.path, change.origin if undo else "") if name]
            open_ = [name for name in names if not guard.hides(name) and not name.endswith("/")]
            if not open_:
                raise ToolError(
                    f"{place or 'The folder'} has nothing to {'take out of what is staged' if undo else 'stage'}."
                )
            chosen.update(dict.fromkeys(open_))
        return list(chosen)

    async def chain(self, ground: Ground, asked: AskedChain) -> Chain:
        return await self._answer(ground, asked, Chain, lambda program: program.chain(asked))

    async def counts(self, ground: Ground, asked: AskedCounts) -> Counts:
        return await self._answer(ground, asked, Counts, lambda program: program.counts(asked))

    async def place(self, ground: Ground) -> Place:
        """Where the repository is."""
        try:
            return (await trio.to_thread.run_sync(self._look, ground.workspace))[0]
        except GitFault as error:
            raise ToolError(str(error)) from None

    async def worktree(self, ground: Ground, parent: str) -> str:
        """Makes one of the last commit, on a branch of its own; the folder in it that answers to the workspace. It lies
        in `parent`; "": beside the repository, in a folder named `….worktrees`."""
        place = await self.place(ground)
        name = secrets.token_hex(4)
        above = parent or f"{place.top}.worktrees"
        folder = posixpath.join(above, f"{posixpath.basename(place.top)}-{name}")
        await self.ask(ground, AskedWorktree(folder, name), Done)
        return posixpath.join(folder, place.prefix).rstrip("/")

    async def stage(self, ground: Ground, asked: AskedStage) -> Done:
        return await self.ask(ground, asked, Done)

    async def commit(self, ground: Ground, asked: AskedCommit) -> Done:
        return await self.ask(ground, asked, Done)

    async def ask(self, ground: Ground, asked: Asked, kind: type[T]) -> T:
        """What dulwich alone does."""
        return await self._answer(ground, asked, kind, None)

    async def _answer(
        self, ground: Ground, asked: Asked, kind: type[T], quick: Callable[[Program], Awaitable[T]] | None
    ) -> T:
        try:
            place, chosen = await trio.to_thread.run_sync(self._look, ground.workspace)
            if self._program and quick is not None:
                try:
                    async with self._at(ground.processes, place, chosen) as program:
                        return await quick(program)
                except ProgramFailed:
                    pass  # dulwich says why, or can
            return await work(ground.processes, place, chosen, asked, kind)
        except GitFault as error:
            raise ToolError(str(error)) from None

    def _look(self, workspace: Workspace) -> tuple[Place, Choices]:
        place = find(str(workspace.root), lenders_of(workspace))
        return place, choices(place, self.home)

    @asynccontextmanager
    async def _at(self, processes: Processes, place: Place, chosen: Choices) -> AsyncIterator[Program]:
        async with shadow(place, chosen) as variables:
            yield Program(self._program, processes, place, variables, chosen.objectformat)

    async def _diff(self, program: Program, asked: AskedDiff) -> Diff:
        """Raises ProgramFailed where a submodule has changes, which the program is not sent to look for."""
        if not (asked.staged or asked.to):
            for path in await program.submodules():
                if await self._is_dirty(program, path, 1, untracked=False):
                    raise ProgramFailed
        return await program.diff(asked)

    async def _status(self, program: Program, asked: AskedStatus, depth: int = 0, *, untracked: bool = True) -> Status:
        """With the submodules in which something differs: the program is not sent into them, since it would obey what
        it finds there."""
        found = await program.status(asked)
        changes = list(found.changes)
        known = {change.path: at for at, change in enumerate(changes) if change.unstaged != "untracked"}
        for path in await program.submodules():
            name = path.removeprefix(program.place.prefix)
            at = known.get(name)
            if at is not None and changes[at].unstaged:
                continue
            if await self._is_dirty(program, path, depth + 1, untracked=untracked):
                if at is None:
                    changes.append(Change(name, unstaged="changed"))
                else:
                    changes[at] = structs.replace(changes[at], unstaged="changed")
        return structs.replace(found, changes=sorted(changes, key=lambda change: change.path))

    async def _is_dirty(self, outer: Program, path: str, depth: int, *, untracked: bool) -> bool:
        folder = Path(outer.place.top) / path
        if depth > DEEPEST or not await trio.Path(folder / ".git").exists():
            return False
        try:
            place = await trio.to_thread.run_sync(find, str(folder))
            chosen = await trio.to_thread.run_sync(choices, place, self.home)
            async with self._at(outer.processes, place, chosen) as program:
                found = await self._status(program, AskedStatus(), depth, untracked=untracked)
                return any(untracked or change.unstaged != "untracked" for change in found.changes)
        except GitFault:
            return False


async def work(processes: Processes, place: Place, chosen: Choices, asked: Asked, kind: type[T]) -> T:
    """What dulwich answers, in a process of its own. Raises GitFault."""
    order = msgspec.json.encode({"place": place, "choices": chosen, "asked": asked})
    argv = [sys.executable, "-I", "-m", "pillion_git.worker"]
    data = bytearray()
    starting = processes.start(argv, cwd=Path("/"), stdin=order, drop_errors=True, single=True)
    async with starting as process:
        async for piece in process:
            data += piece
            if len(data) > LARGEST:
                raise GitFault("That is more than is told at once: ask for less, e.g. one path.")
        code = await process.wait()
    try:
        return await trio.to_thread.run_sync(_decoded, bytes(data), kind)
    except msgspec.DecodeError:
        raise GitFault(f"Reading the repository ended without an answer ({code}): it may be too large.") from None


class _Answer(msgspec.Struct, frozen=True):
    said: msgspec.Raw = msgspec.Raw(b"null")
    fault: str = ""


def _decoded(data: bytes, kind: type[T]) -> T:
    answer = msgspec.json.decode(data, type=_Answer)
    if answer.fault:
        raise GitFault(answer.fault)
    return msgspec.json.decode(answer.said, type=kind)


def _checked(ground: Ground, asked: T) -> T:
    """With a path that stays within the workspace, and revisions that are no options. Raises ToolError."""
    try:
        for name in ("revision", "base", "to"):
            checked(getattr(asked, name, ""))
    except GitFault as error:
        raise ToolError(str(error)) from None
    return structs.replace(asked, path=_place(ground, asked.path))  # type: ignore[type-var,attr-defined]


def _place(ground: Ground, path: str) -> str:
    """Relative to the workspace, "" for itself. Nothing has to be there now. Raises OutsideWorkspace."""
    root = str(ground.workspace.root)
    place = posixpath.normpath(posixpath.relpath(path, root) if posixpath.isabs(path) else path) if path else "."
    if "\0" in path or place == ".." or place.startswith("../"):
        raise OutsideWorkspace(f"{path!r} is outside the workspace.")
    return "" if place == "." else place


def _shown(ground: Ground, diff: Diff) -> Diff:
    """Without the content of what is protected, and no more than fits."""
    guard = guard_of(ground.workspace)
    told: list[Patch] = []
    size = 0
    for patch in diff.files[:MOST_FILES]:
        if any(path and guard.hides(path) for path in (patch.path, patch.origin)):
            patch = structs.replace(patch, text=None, reason=PROTECTED)
        size += len(patch.text or "")
        if size > LONGEST and patch.text is not None:
            patch = structs.replace(patch, text=None, reason=TOO_LONG)
        told.append(patch)
    return Diff(told, diff.complete and len(diff.files) <= MOST_FILES)
