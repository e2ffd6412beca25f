"""The git program, on a shadow of the repository: it is quicker than we are where there is much to read."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import trio

from pillion.processes import Processes

from . import porcelain
from .asked import AskedBlame, AskedChain, AskedCounts, AskedDiff, AskedLog, AskedShow, AskedStatus
from .place import GitFault, Place
from .values import Blame, Chain, Commit, Counts, Diff, Log, Shown, Status

LARGEST = 24 * 1024 * 1024
"""Bytes of an output that are read."""
EMPTY = {
    "sha1": "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
    "sha256": "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321",
}
"""Names of the tree without files."""
_DIFF = (
    "--raw", "--numstat", "-p", "-z", "--no-color", "--no-ext-diff", "--no-textconv", "--find-renames",
    "--full-index", "--src-prefix=a/", "--dst-prefix=b/", "--unified=3", "--submodule=short",
    "--ignore-submodules=dirty", "--diff-algorithm=myers", "--indent-heuristic",
)  # fmt: skip


class ProgramFailed(Exception):
    """It could not; dulwich may."""


class Program:
    """The one at `path`, on the shadow that `variables` name."""

    def __init__(self, path: str, processes: Processes, place: Place, variables: Mapping[str, str], form: str) -> None:
        self._path, self.processes, self.place, self._form = path, processes, place, form
        self._variables = dict(variables)

    async def status(self, asked: AskedStatus) -> Status:
        kind = "--untracked-files=" + ("all" if asked.each else "normal")
        arguments = ["status", "--porcelain=v2", "--branch", "-z", kind, "--ignore-submodules=dirty", "--find-renames"]
        data = await self._run([*arguments, *self._paths()])
        return await trio.to_thread.run_sync(porcelain.status, data, self.place.prefix)

    async def submodules(self) -> list[str]:
        """Paths of all that the index has, seen from the top."""
        if not await trio.Path(self.place.top, ".gitmodules").is_file():
            return []
        data = await self._run(["ls-files", "--stage", "-z", *self._paths()])
        found = [line.partition(b"\t")[2] for line in data.split(b"\0") if line.startswith(b"160000 ")]
        return [os.fsdecode(path) for path in found]

    async def diff(self, asked: AskedDiff) -> Diff:
        revisions = [*(["--cached"] if asked.staged else []), *filter(None, (asked.base, asked.to))]
        return await self._diff(revisions, asked.path)

    async def log(self, asked: AskedLog) -> Log:
        found = await self._log(asked.revision or "HEAD", asked.limit + 1, asked.path, asked.skip)
        return Log(found[: asked.limit], len(found) <= asked.limit)

    async def show(self, asked: AskedShow) -> Shown:
        found = await self._log(asked.revision, 1)
        if not found:
            raise ProgramFailed
        (commit,) = found
        before = commit.parents[0] if commit.parents else EMPTY[self._form]
        return Shown(commit, await self._diff([before, commit.id], asked.path))

    async def blame(self, asked: AskedBlame) -> Blame:
        lines = [f"-L{asked.start},{asked.end or ''}"] if asked.start > 1 or asked.end else []
        revision = [asked.revision] if asked.revision else []
        arguments = ["blame", "--porcelain", *lines, *revision]
        data = await self._run([*arguments, "--", self.place.prefix + asked.path])
        return Blame(asked.path, await trio.to_thread.run_sync(porcelain.blame, data))

    async def chain(self, asked: AskedChain) -> Chain:
        data = await self._run(["rev-list", "--first-parent", f"--max-count={asked.limit}", "HEAD"])
        return Chain(data.decode("ascii").split())

    async def counts(self, asked: AskedCounts) -> Counts:
        mark = secrets.token_hex(16)
        form = ["-z", "--numstat", "--find-renames", "--no-ext-diff", "--no-textconv", "--date=raw", "--encoding=UTF-8"]
        kind = ["--first-parent", "--diff-merges=first-parent", "--ignore-submodules=dirty", "--root"]
        counted = [f"--max-count={asked.limit}", f"--format={mark}{porcelain.FIELDS}", "--no-show-signature"]
        data = await self._run(["log", *form, *kind, *counted, asked.revision, "--"])
        return Counts(await trio.to_thread.run_sync(porcelain.counted, data, mark.encode()))

    async def _log(self, revision: str, limit: int, path: str = "", skip: int = 0) -> list[Commit]:
        counted = [f"--max-count={limit}", f"--skip={skip}", "--date=raw", "--encoding=UTF-8"]
        arguments = ["log", "-z", f"--format={porcelain.FIELDS}", *counted, "--no-show-signature"]
        data = await self._run([*arguments, revision, *self._paths(path)])
        return await trio.to_thread.run_sync(porcelain.commits, data)

    async def _diff(self, revisions: Sequence[str], path: str) -> Diff:
        data = await self._run(["diff", *_DIFF, *revisions, *self._paths(path)])
        found = await trio.to_thread.run_sync(porcelain.patches, data, self.place.prefix)
        return Diff(found)

    def _paths(self, path: str = "") -> list[str]:
        place = self.place.prefix + path
        return ["--", place] if place else ["--"]

    async def _run(self, arguments: Sequence[str]) -> bytes:
        """What it prints. Raises ProgramFailed; GitFault when that is too much."""
        argv = [self._path, "--no-pager", "-c", "core.quotepath=false", *arguments]
        found: list[bytes] = []
        size = 0
        starting: Any = self.processes.start(
            argv, cwd=Path(self.place.top), extra=self._variables, drop_errors=True, single=True
        )
        async with starting as process:
            async for piece in process:
                found.append(piece)
                size += len(piece)
                if size > LARGEST:
                    raise GitFault(f"That is more than {LARGEST} bytes: ask for less, e.g. one path.")
            code = await process.wait()
        if code:
            raise ProgramFailed
        return b"".join(found)
