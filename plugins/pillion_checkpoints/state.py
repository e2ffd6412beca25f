"""What a workspace is at one moment, and what differs between two."""

from __future__ import annotations

from msgspec import Struct


class State(Struct, frozen=True):
    """What a workspace is: the names (hex) of a tree, "" where nothing is in it, and of what git has no words for."""

    tree: str
    notes: str
    skipped: int = 0


class Snapshot(Struct, frozen=True):
    """One that is kept: `commit` is its name in the store (hex)."""

    commit: str
    state: State


class Thing(Struct, frozen=True):
    """A file, link or folder as a snapshot has it: `name` is that of its content, or its target, `bits` are a file's
    permission bits."""

    kind: str
    name: str = ""
    bits: int = 0


FOLDER = Thing("folder")


class Difference(Struct, frozen=True):
    """`path` as the system's functions take it; None: it is not there."""

    path: str
    before: Thing | None
    after: Thing | None
