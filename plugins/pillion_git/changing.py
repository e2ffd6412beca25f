"""Tools that change the repository: git_stage, git_commit."""

from __future__ import annotations

import hashlib
import time
from typing import Annotated

from msgspec import Meta, Struct

from pillion import Call, Conflict, Effect

from . import telling
from .asked import AskedCommit, AskedDiff, AskedStage, RelativePath
from .repository import Git


class _Changing:
    """What both are."""

    effect: Effect = "write"

    def __init__(self, git: Git, seconds: float) -> None:
        self._git, self._seconds = git, seconds

    def seconds(self, arguments: Struct) -> float:
        return self._seconds


class StageArguments(Struct, frozen=True, forbid_unknown_fields=True):
    paths: Annotated[
        tuple[RelativePath, ...], Meta(max_length=1000, description="Files and folders; left out: the whole workspace.")
    ] = ()
    undo: Annotated[bool, Meta(description="Take them out of what is staged; the files stay as they are.")] = False


class GitStage(_Changing):
    """Puts files as they are into the index."""

    name = "git_stage"
    description = "Stage files as they are now, for the next git_commit; with `undo` take them out of it."
    Arguments = StageArguments

    async def preview(self, arguments: StageArguments, call: Call) -> str:
        """The files."""
        verb = "Unstage" if arguments.undo else "Stage"
        files = await self._git.select(call, arguments.paths, undo=arguments.undo)
        return "\n".join([f"{verb}:", *(f"  {name}" for name in files)])

    async def run(self, arguments: StageArguments, call: Call) -> str:
        files = await self._git.select(call, arguments.paths, undo=arguments.undo)
        return (await self._git.stage(call, AskedStage(tuple(files), arguments.undo))).said


class CommitArguments(Struct, frozen=True, forbid_unknown_fields=True):
    message: Annotated[
        str,
        Meta(min_length=1, max_length=20_000, description="A title in one line; more behind a blank line."),
    ]


class GitCommit(_Changing):
    """Commits what is staged."""

    name = "git_commit"
    description = "Commit what is staged (git_stage). No hook of the repository is run, and nothing is signed."
    Arguments = CommitArguments

    def __init__(self, git: Git, seconds: float) -> None:
        super().__init__(git, seconds)
        self._shown: dict[str, str] = {}

    async def preview(self, arguments: CommitArguments, call: Call) -> str:
        """The message and the diff that a person decides on; what is committed later must still be this."""
        said, mark = await self._staged(call)
        self._shown[call.id] = mark
        return f"{arguments.message}\n\n{said}"

    async def run(self, arguments: CommitArguments, call: Call) -> str:
        shown = self._shown.pop(call.id, None)
        if shown is not None and (await self._staged(call))[1] != shown:
            raise Conflict("What is staged has changed since it was shown for approval.")
        now = time.time()
        zone = time.localtime(now).tm_gmtoff // 60
        return (await self._git.commit(call, AskedCommit(arguments.message, int(now), zone))).said

    async def _staged(self, call: Call) -> tuple[str, str]:
        found = await self._git.diff(call, AskedDiff(staged=True))
        mark = hashlib.sha256("".join(f"{p.path}\0{p.text}\0{p.added}" for p in found.files).encode("utf-8", "replace"))
        return telling.diff(found, call.max_output), mark.hexdigest()


WRITING = (GitStage, GitCommit)
