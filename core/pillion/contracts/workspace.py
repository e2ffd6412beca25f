"""A workspace is the tree of files a session works on, and the one door that changes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

from msgspec import Struct


class Entry(Struct, frozen=True):
    """A file, folder or other thing. `path` is relative with `/`; `size` is bytes; `mtime` is seconds since 1970."""

    path: str
    kind: Literal["file", "folder", "link", "other"]
    size: int = 0
    mtime: float = 0.0


class Content(Struct, frozen=True):
    """A file's bytes and their hash (SHA-256, hex), which a later write may expect."""

    data: bytes
    hash: str


class Write(Struct, frozen=True):
    """What a file is to be: `data`, or gone (None). `expected` as for `Workspace.write`; `like`: the path of a file
    whose mode bits a new one takes.

    With a `kind` the path means the thing itself: no link is followed, and what may not be written otherwise, since it
    is a link or read-only, is replaced. `data` is a link's target, `expected` then the hash of `link:` and that target;
    a `folder` is made (`b""`) or, where it is empty, taken away (None). `mode`: the permission bits of a file.
    """

    path: str
    data: bytes | None
    expected: str | None = None
    like: str = ""
    kind: Literal["", "file", "link", "folder"] = ""
    mode: int | None = None


@runtime_checkable
class Workspace(Protocol):
    """Paths are relative to `root`; each is resolved inside it, or OutsideWorkspace is raised.

    `read` raises ToolError for what is missing, too large, or no regular file. `write` replaces the whole file at
    once (old or new, never half) and returns the new hash; with `expected` it raises Conflict when the file has
    another hash (`""`: must not exist yet). `write_all` does several, all or none, also when the process is killed
    meanwhile, and returns their hashes, "" of one that is gone. `list` gives the entries of one folder, sorted by path.
    """

    @property
    def root(self) -> Path: ...

    async def read(self, path: str, limit: int = 16 * 1024 * 1024) -> Content: ...

    async def write(self, path: str, data: bytes, expected: str | None = None) -> str: ...

    async def write_all(self, writes: Sequence[Write]) -> Sequence[str]: ...

    async def list(self, path: str = "") -> Sequence[Entry]: ...

    async def stat(self, path: str) -> Entry | None: ...


def unsaved_of(workspace: Workspace) -> Mapping[str, bytes]:
    """By path, the texts that an editor holds unsaved over it, which it has as `unsaved`; most have none."""
    found: Mapping[str, bytes] = getattr(workspace, "unsaved", {})
    return found


def lenders_of(workspace: Workspace) -> Sequence[str]:
    """Folders outside of it from which a repository in it may have borrowed its objects, which it has as `lenders`: a
    fork that of its origin, one that the user trusts all."""
    found = getattr(workspace, "lenders", ())
    return found if isinstance(found, tuple) else ()


def origin_of(workspace: Workspace) -> str:
    """The folder whose rules hold for it: of a fork, which has it as `origin`, that which it was made from; else its
    own."""
    origin = getattr(workspace, "origin", None)
    return origin if isinstance(origin, str) else str(workspace.root)
