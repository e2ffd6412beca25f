"""Tools that change the repository: git_stage, git_commit, git_stash, git_unstash."""

from __future__ import annotations

import hashlib
import time
from typing import Annotated

from msgspec import Meta, Struct

from pillion import Call, Conflict, Effect

from . import telling
from .asked import AskedCommit, AskedDiff, AskedShow, AskedStage, RelativePath
from .repository import Git
from .stashes import Stashes


class _Changing:
    """What all of them are."""

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


Named = Annotated[str, Meta(max_length=64, description="How its hash begins; by default the newest.")]


class _Stashing(_Changing):
    def __init__(self, git: Git, seconds: float) -> None:
        super().__init__(git, seconds)
        self._stashes = Stashes(git)


class StashArguments(Struct, frozen=True, forbid_unknown_fields=True):
    message: Annotated[str, Meta(max_length=500, description="What it is; in one line.")] = ""


class GitStash(_Stashing):
    """Keeps what is changed, and takes it out of the folder."""

    name = "git_stash"
    description = (
        "Put aside all changes of tracked files, staged or not: the files are as the last commit has them, until "
        "git_unstash. What is untracked stays."
    )
    Arguments = StashArguments

    async def preview(self, arguments: StashArguments, call: Call) -> str:
        """The files."""
        return "\n".join(["Stash the changes of:", *(f"  {path}" for path in await self._stashes.changed(call))])

    async def run(self, arguments: StashArguments, call: Call) -> str:
        done = await self._stashes.save(call, " ".join(arguments.message.split()))
        return f"{done.said}\nIts hash is {done.commit[:10]}."


class UnstashArguments(Struct, frozen=True, forbid_unknown_fields=True):
    stash: Named = ""
    keep: Annotated[bool, Meta(description="Keep it among the stashes, too.")] = False


class GitUnstash(_Stashing):
    """Puts a stash back."""

    name = "git_unstash"
    description = "Put back what git_stash put aside, all of it or, where a file has changed since, nothing."
    Arguments = UnstashArguments

    async def preview(self, arguments: UnstashArguments, call: Call) -> str:
        """Its diff."""
        known = await self._stashes.list(call)
        chosen = next((one.commit for one in known.data if one.commit.startswith(arguments.stash)), "")
        return telling.show(await self._git.show(call, AskedShow(chosen or arguments.stash)), call.max_output)

    async def run(self, arguments: UnstashArguments, call: Call) -> str:
        return (await self._stashes.put_back(call, arguments.stash, keep=arguments.keep)).said


WRITING = (GitStage, GitCommit, GitStash, GitUnstash)
