"""The last edits of each session, kept to be taken back."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from msgspec import Struct

from pillion.errors import ToolError

from .planning import Change

KEPT = 50
"""Edits of a session."""
KEPT_BYTES = 16 * 1024 * 1024
"""Of all that is kept; the oldest goes first."""


class Made(Struct, frozen=True, eq=False):
    """An edit that was made: its changes, and the hash of each file since."""

    session: str
    changes: Sequence[Change]
    hashes: Sequence[str]

    @property
    def size(self) -> int:
        return sum(len(change.before or b"") for change in self.changes)

    def back(self) -> list[Change]:
        """The changes that take it back."""
        pairs = zip(self.changes, self.hashes, strict=True)
        return [Change(one.path, one.after, hash, one.before, self._origin(one.path)) for one, hash in pairs]

    def _origin(self, path: str) -> str:
        """Where a file that was moved away went: it takes its mode back from there."""
        return next((change.path for change in self.changes if change.origin == path), "")


class Edits:
    """Of all sessions."""

    def __init__(self) -> None:
        self._made: deque[Made] = deque()
        self._size = 0

    def keep(self, made: Made) -> None:
        self._made.append(made)
        self._size += made.size
        mine = [one for one in self._made if one.session == made.session]
        while len(mine) > KEPT or (self._size > KEPT_BYTES and len(self._made) > 1):
            self.forget(mine.pop(0) if len(mine) > KEPT else self._made[0])

    def forget(self, made: Made) -> None:
        self._made.remove(made)
        self._size -= made.size

    def last(self, session: str, path: str) -> Made:
        """The session's last edit that changed `path`. Raises ToolError."""
        for made in reversed(self._made):
            if made.session == session and any(change.path == path for change in made.changes):
                return made
        raise ToolError(f"No edit of {path} in this session can be undone.")
