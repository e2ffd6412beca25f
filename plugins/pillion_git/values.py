"""What git tells, as values: the same from both engines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

What = Literal["", "added", "changed", "deleted", "renamed", "type", "untracked", "conflict"]


class Change(Struct, frozen=True):
    """A file that is not as the last commit has it. `staged` is how the index differs from the commit, `unstaged` how
    the folder differs from the index, "" where it does not. `origin` is what a renamed file was called. A folder ends
    with `/`: all in it is untracked."""

    path: str
    staged: What = ""
    unstaged: What = ""
    origin: str = ""


class Status(Struct, frozen=True):
    """`branch` is "" where HEAD names a commit, `head` "" where nothing has been committed yet. `changes` by path.
    Not `complete`: there are more than are told."""

    branch: str
    head: str
    changes: Sequence[Change]
    complete: bool = True


class Patch(Struct, frozen=True):
    """How a file differs. `text` is a unified diff as git writes it, with its headers; None where there is none to
    show, and `reason` says why. `added` and `removed` are lines, 0 of a binary file. Modes are octal, "" for none."""

    path: str
    kind: What
    text: str | None
    added: int = 0
    removed: int = 0
    binary: bool = False
    origin: str = ""
    old_mode: str = ""
    new_mode: str = ""
    reason: str = ""


class Diff(Struct, frozen=True):
    """By path. Not `complete`: there are more files than are told."""

    files: Sequence[Patch]
    complete: bool = True


class Commit(Struct, frozen=True):
    """`time` and `committed` are seconds since 1970; `zone` is the author's, minutes east of UTC. `title` is the
    message's first paragraph in one line, `body` the rest."""

    id: str
    parents: Sequence[str]
    author: str
    email: str
    time: int
    zone: int
    committer: str
    committer_email: str
    committed: int
    title: str
    body: str


class Log(Struct, frozen=True):
    """The newest first. Not `complete`: there are older ones."""

    commits: Sequence[Commit]
    complete: bool


class Shown(Struct, frozen=True):
    """A commit and what it changed, seen from its first parent."""

    commit: Commit
    diff: Diff


class Blamed(Struct, frozen=True):
    """Lines that stand together and come from the same commit. `start` is the first one's number, from 1. `commit` is
    "" of what is not committed."""

    start: int
    lines: Sequence[str]
    commit: str
    author: str
    time: int
    title: str


class Blame(Struct, frozen=True):
    path: str
    parts: Sequence[Blamed]


class Branch(Struct, frozen=True):
    """`head`: it is checked out here."""

    name: str
    commit: str
    title: str
    time: int
    head: bool = False
    remote: bool = False


class Branches(Struct, frozen=True):
    """Local ones first, each by name."""

    data: Sequence[Branch]
    complete: bool = True


class Chain(Struct, frozen=True):
    """Names of commits, the newest first."""

    commits: Sequence[str]


class Count(Struct, frozen=True):
    """Lines that a commit added to a file and took out of it, seen from its first parent; 0 of a binary one."""

    path: str
    added: int
    removed: int


class Counted(Struct, frozen=True):
    commit: Commit
    files: Sequence[Count]


class Counts(Struct, frozen=True):
    """The newest first."""

    data: Sequence[Counted]


class Stash(Struct, frozen=True):
    """`commit` is its name, `time` seconds since 1970."""

    commit: str
    title: str
    time: int


class Stashes(Struct, frozen=True):
    """The newest first."""

    data: Sequence[Stash]


class Laid(Struct, frozen=True):
    """What is to lie at `path`: a file or a link with that content; None: nothing. `mode` are permission bits, None:
    those that it has. `expected` is the hash (SHA-256, hex) of what lies there now, "" of nothing."""

    path: str
    data: bytes | None
    kind: Literal["file", "link"]
    mode: int | None
    expected: str


class Laying(Struct, frozen=True):
    """What the folder is to be, and `paths` whose index is to follow."""

    said: str
    commit: str
    files: Sequence[Laid]
    paths: Sequence[str]


class Done(Struct, frozen=True):
    """What a change of the repository did, in a sentence; `commit` is the one that it made."""

    said: str
    commit: str = ""
