"""What a log tells of checkpoints."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from pillion import Event

What = Literal["files", "conversation", "both"]
By = Literal["undo", "redo", "restore"]


class CheckpointTaken(Event, frozen=True, tag="checkpoint.taken"):
    """The workspace as it is here is kept, by the name `checkpoint`. `why`: a `step` is about to change it, the turn's
    work is `done`, or a `restore` is about to change it.

    `runs`: what changes until the next checkpoint is the session's doing, since it runs a program; else it is what
    `file.changed` tells. `skipped` counts what is not kept: large, protected or unreadable.
    """

    checkpoint: str
    why: Literal["step", "done", "restore"] = "step"
    runs: bool = False
    skipped: int = 0


class CheckpointMissed(Event, frozen=True, tag="checkpoint.missed"):
    """None could be taken; the turn goes on, and what it changes from here on can't be undone as a whole."""

    message: str


class Unrestored(Struct, frozen=True):
    """A file that was left as it is. `why`: `changed` (since then, by somebody else than the session), `interrupted`
    (by a program that was cut off, or by somebody), `unsaved` (in an editor), `protected`, `blocked` (something that is
    not kept stands in its place). `diff` leads to what it would have become; secrets are masked."""

    path: str
    why: str
    diff: str = ""


class WorkspaceRestored(Event, frozen=True, tag="workspace.restored"):
    """The files, the conversation or both are again what they were at `checkpoint` ("" where the files are untouched).

    `undone` is the turn that was taken back, or done again. `before` is the checkpoint of what was there; `files`
    counts those that were written, `paths` names the first of them, `left` those that were not.
    """

    by: By
    what: What
    checkpoint: str = ""
    undone: str = ""
    before: str = ""
    files: int = 0
    paths: tuple[str, ...] = ()
    left: tuple[Unrestored, ...] = ()
