"""Tools that look into the repository: git_status, git_diff, git_log, git_show, git_blame, git_branches,
git_stashes."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from pillion import Call, Effect
from pillion.overlay import unseen

from . import telling
from .asked import AskedBlame, AskedBranches, AskedDiff, AskedLog, AskedShow, AskedStatus, RelativePath, Revision
from .repository import Git
from .stashes import Stashes

COMMIT = "A branch, a tag or a hash, `HEAD~2` too."


class _Looking:
    """What all of them are."""

    effect: Effect = "read"

    def __init__(self, git: Git, seconds: float) -> None:
        self._git, self._seconds = git, seconds

    def seconds(self, arguments: Struct) -> float:
        return self._seconds


class StatusArguments(Struct, frozen=True, forbid_unknown_fields=True):
    each: Annotated[bool, Meta(description="Name every untracked file, also in folders that are untracked whole.")] = (
        False
    )


class GitStatus(_Looking):
    """What differs between the last commit, the index and the folder."""

    name = "git_status"
    description = "Show the git branch, and which files are staged, changed, in conflict or untracked."
    Arguments = StatusArguments

    async def run(self, arguments: StatusArguments, call: Call) -> str:
        found = await self._git.status(call, AskedStatus(arguments.each))
        return telling.status(found, call.max_output) + unseen(call.workspace, "git saw")


class DiffArguments(Struct, frozen=True, forbid_unknown_fields=True):
    path: Annotated[RelativePath, Meta(description="Only this file or folder.")] = ""
    staged: Annotated[bool, Meta(description="What is staged, seen from the last commit or `base`.")] = False
    base: Annotated[Revision, Meta(description=f"Compare the folder with this commit. {COMMIT}")] = ""
    to: Annotated[Revision, Meta(description="Compare `base` with this commit instead.")] = ""


class GitDiff(_Looking):
    """A unified diff."""

    name = "git_diff"
    description = (
        "Show a diff of the folder and what is staged; with `staged` of that and the last commit; with `base` of a "
        "commit and the folder, or, with `to`, another commit."
    )
    Arguments = DiffArguments

    async def run(self, arguments: DiffArguments, call: Call) -> str:
        asked = AskedDiff(arguments.staged, arguments.base, arguments.to, arguments.path)
        found = await self._git.diff(call, asked)
        note = "" if arguments.staged or arguments.to else unseen(call.workspace, "git saw")
        return telling.diff(found, call.max_output) + note


class LogArguments(Struct, frozen=True, forbid_unknown_fields=True):
    path: Annotated[RelativePath, Meta(description="Only commits that changed this file or folder.")] = ""
    revision: Annotated[Revision, Meta(description=f"Begin there. {COMMIT}")] = ""
    limit: Annotated[int, Meta(ge=1, le=500)] = 20
    skip: Annotated[int, Meta(ge=0, le=1_000_000, description="Leave out so many.")] = 0


class GitLog(_Looking):
    """Commits, the newest first."""

    name = "git_log"
    description = "List commits, the newest first: hash, day, author, title."
    Arguments = LogArguments

    async def run(self, arguments: LogArguments, call: Call) -> str:
        asked = AskedLog(arguments.revision, arguments.path, arguments.limit, arguments.skip)
        return telling.log(await self._git.log(call, asked), call.max_output)


class ShowArguments(Struct, frozen=True, forbid_unknown_fields=True):
    revision: Annotated[Revision, Meta(description=COMMIT)] = "HEAD"
    path: Annotated[RelativePath, Meta(description="Only this file or folder of its diff.")] = ""


class GitShow(_Looking):
    """A commit with its diff."""

    name = "git_show"
    description = "Show a commit: author, message, and its diff from the first parent."
    Arguments = ShowArguments

    async def run(self, arguments: ShowArguments, call: Call) -> str:
        found = await self._git.show(call, AskedShow(arguments.revision or "HEAD", arguments.path))
        return telling.show(found, call.max_output)


class BlameArguments(Struct, frozen=True, forbid_unknown_fields=True):
    path: Annotated[RelativePath, Meta(min_length=1)]
    revision: Annotated[Revision, Meta(description=f"As the file is there; by default in the folder. {COMMIT}")] = ""
    start: Annotated[int, Meta(ge=1, description="First line.")] = 1
    end: Annotated[int, Meta(ge=0, description="Last line; 0: to the end.")] = 0


class GitBlame(_Looking):
    """Who wrote which line."""

    name = "git_blame"
    description = "Show for the lines of a file which commit they come from."
    Arguments = BlameArguments

    async def run(self, arguments: BlameArguments, call: Call) -> str:
        asked = AskedBlame(arguments.path, arguments.revision, arguments.start, arguments.end)
        return telling.blame(await self._git.blame(call, asked), call.max_output)


class BranchesArguments(Struct, frozen=True, forbid_unknown_fields=True):
    remote: Annotated[bool, Meta(description="Those of remotes, too, as they were last fetched.")] = False


class GitBranches(_Looking):
    """Branches, the one that is checked out with a star."""

    name = "git_branches"
    description = "List the git branches with their last commits."
    Arguments = BranchesArguments

    async def run(self, arguments: BranchesArguments, call: Call) -> str:
        found = await self._git.branches(call, AskedBranches(arguments.remote))
        return telling.branches(found, call.max_output)


class StashesArguments(Struct, frozen=True, forbid_unknown_fields=True):
    pass


class GitStashes(_Looking):
    """What has been put aside."""

    name = "git_stashes"
    description = "List what git_stash has put aside, the newest first."
    Arguments = StashesArguments

    async def run(self, arguments: StashesArguments, call: Call) -> str:
        return telling.stashes(await Stashes(self._git).list(call), call.max_output)


READING = (GitStatus, GitDiff, GitLog, GitShow, GitBlame, GitBranches, GitStashes)
