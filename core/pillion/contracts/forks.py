"""Snapshots of workspaces, and forks: workspaces of their own that begin as a snapshot of another one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

from msgspec import Struct

from .workspace import Workspace

if TYPE_CHECKING:
    from ..session import Session
    from ..turn import Turn

Preference = Literal["", "fork", "mark"]
"""What becomes of a file that a fork and its origin changed at the same place: it stays as it is in the origin, becomes
the fork's, or gets both with marks as git writes them."""


class Leaf(Struct, frozen=True):
    """A file, link or folder in a snapshot: `name` is what git calls its content, or its target, hex; `bits` are a
    file's permission bits."""

    path: str
    kind: Literal["file", "link", "folder"]
    name: str = ""
    bits: int = 0


class Changed(Struct, frozen=True):
    """What differs between two snapshots at a path; None: nothing is there."""

    path: str
    before: Leaf | None
    after: Leaf | None


class First(Struct, frozen=True):
    """The first `snapshot` of a session's workspace that its log names, taken at `time`, ms since 1970; the session had
    changed the files `earlier` before."""

    snapshot: str
    time: int
    earlier: frozenset[str] = frozenset()


@runtime_checkable
class Snapshots(Protocol):
    """Keeps what workspaces were, by name. All raise NotFound where that is gone, or where the workspace is no folder
    of this machine, and OSError.

    `take` keeps what is there now, for as long as `mark` is not forgotten and the bounds of what is kept allow; `keep`
    gives a snapshot that is there another mark. `leaves` are files, links and empty folders; `skipped` names what is
    not kept, and why. `changes` are by path. `share`: what is taken of `fork` from now on lies where that of `origin`
    does, and by the same rules. `first` raises NotFound also where a session's log names none.
    """

    async def take(self, workspace: Workspace, mark: str) -> str: ...

    async def keep(self, workspace: Workspace, snapshot: str, mark: str) -> None: ...

    async def forget(self, workspace: Workspace, mark: str) -> None: ...

    async def leaves(self, workspace: Workspace, snapshot: str) -> Sequence[Leaf]: ...

    async def skipped(self, workspace: Workspace, snapshot: str) -> Mapping[str, str]: ...

    async def changes(self, workspace: Workspace, before: str, after: str) -> Sequence[Changed]: ...

    async def contents(self, workspace: Workspace, leaves: Sequence[Leaf | None]) -> Sequence[bytes | None]: ...

    async def first(self, session: Session) -> First: ...

    def share(self, fork: Workspace, origin: Workspace) -> None: ...


class Fork(Struct, frozen=True):
    """A session is opened on its `address`. `origin` is the address of the workspace that it was made from, as it was
    in the snapshot `base`, or, when it was merged, since then. `way`: how it was made; `created` is ms since 1970."""

    id: str
    address: str
    origin: str
    base: str
    way: str
    created: int


class Unmerged(Struct, frozen=True):
    """A file that was left as it is. `why`: `both` (changed in the fork and in the workspace, at the same place),
    `gone` (one of the two took it away), `unsaved` (in an editor), `protected`, `blocked` (something that is not kept
    stands in its place). `diff` is what the fork did; of `both`, the file with git's marks where they differ."""

    path: str
    why: str
    diff: str = ""


class Merged(Struct, frozen=True):
    """The paths that were written, and what was left."""

    written: tuple[str, ...] = ()
    left: tuple[Unmerged, ...] = ()


@runtime_checkable
class Forks(Protocol):
    """`fork` is there for as long as the block runs, `make` makes one that stays until it is dropped. Both fork what
    the workspace is now, or a snapshot of it. Raises NotFound, Busy where there are too many, TooLarge, ToolError.

    `merge` is an edit in a turn on the origin: what the fork changed since it was made, or merged, is changed there,
    too. `drop` raises Conflict while a session works in the fork.
    """

    def fork(self, workspace: str, snapshot: str = "") -> AbstractAsyncContextManager[Fork]: ...

    async def make(self, workspace: str, snapshot: str = "") -> Fork: ...

    def all(self) -> Sequence[Fork]: ...

    async def changes(self, id: str) -> Sequence[Changed]: ...

    async def merge(self, turn: Turn, id: str, prefer: Preference = "") -> Merged: ...

    async def drop(self, id: str) -> None: ...
