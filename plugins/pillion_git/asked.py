"""What can be asked of a repository, each a value that goes to the process that works it out. Paths are relative to the
folder that asks; a `revision` names a commit as git's do."""

from __future__ import annotations

import re
from typing import Annotated

from msgspec import Meta, Struct

from .place import GitFault

Revision = Annotated[str, Meta(max_length=300)]
"""A branch, a tag, a hash, with `~2` or `^2` behind it; no range, no path, no option."""
RelativePath = Annotated[str, Meta(max_length=4096)]


_NO_REVISION = re.compile(r"[-^]|.*(\.\.|[\x00-\x20\x7f:?*\[\\])", re.DOTALL)


def checked(revision: str) -> str:
    """Raises GitFault for what names no commit, whatever there is."""
    if _NO_REVISION.match(revision):
        raise GitFault(f"{revision!r} names no commit.")
    return revision


class AskedStatus(Struct, frozen=True, tag="status"):
    """`each`: every untracked file, also where a whole folder is."""

    each: bool = False


class AskedDiff(Struct, frozen=True, tag="diff"):
    """The folder and the index; `staged`: the index and `base`, by default the last commit; else the folder and `base`,
    or `base` and `to`."""

    staged: bool = False
    base: Revision = ""
    to: Revision = ""
    path: RelativePath = ""


class AskedLog(Struct, frozen=True, tag="log"):
    revision: Revision = ""
    path: RelativePath = ""
    limit: int = 20
    skip: int = 0


class AskedShow(Struct, frozen=True, tag="show"):
    revision: Revision = "HEAD"
    path: RelativePath = ""


class AskedBlame(Struct, frozen=True, tag="blame"):
    """The file as it is in the folder, or in `revision`; lines from 1, `end` 0: the last."""

    path: RelativePath
    revision: Revision = ""
    start: int = 1
    end: int = 0


class AskedBranches(Struct, frozen=True, tag="branches"):
    remote: bool = False


class AskedStage(Struct, frozen=True, tag="stage"):
    """`paths` are files. `undo`: they are taken out of what is staged."""

    paths: tuple[RelativePath, ...]
    undo: bool = False


class AskedCommit(Struct, frozen=True, tag="commit"):
    """`time` is seconds since 1970, `zone` minutes east of UTC."""

    message: str
    time: int
    zone: int


class AskedStashes(Struct, frozen=True, tag="stashes"):
    """All of them."""


class AskedStash(Struct, frozen=True, tag="stash"):
    """`message` "": that of git. `time` is seconds since 1970, `zone` minutes east of UTC."""

    message: str
    time: int
    zone: int


class AskedUnstash(Struct, frozen=True, tag="unstash"):
    """`stash` is how its commit's name begins; "": the newest."""

    stash: str = ""


class AskedDrop(Struct, frozen=True, tag="drop"):
    stash: str


class AskedChain(Struct, frozen=True, tag="chain"):
    """The last commit, its first parent, that one's first parent, and so on."""

    limit: int


class AskedCounts(Struct, frozen=True, tag="counts"):
    """Of so many commits of that row, from `revision` on."""

    revision: Revision
    limit: int


class AskedWorktree(Struct, frozen=True, tag="worktree"):
    """In `folder`, absolute, which is not there yet; `name` is that of the worktree, and the end of its branch's."""

    folder: str
    name: str


_Looks = AskedStatus | AskedDiff | AskedLog | AskedShow | AskedBlame | AskedBranches | AskedChain | AskedCounts
_Stashes = AskedStashes | AskedStash | AskedUnstash | AskedDrop
Asked = _Looks | _Stashes | AskedStage | AskedCommit | AskedWorktree
