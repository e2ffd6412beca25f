"""An edit from plan to file: shown before it is allowed, written all or none, told in events, and kept to be undone."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Sequence

import trio

from pillion.contracts.tool import Call
from pillion.contracts.workspace import Write
from pillion.errors import Conflict, ToolError
from pillion.filediff import file_changed, unified_diff

from .hunk import FileEdit
from .planning import Change, planned

SHOWN = 256
"""Previews that are remembered until their calls run."""
KEPT = 50
"""Edits of a session that can be undone."""
KEPT_BYTES = 16 * 1024 * 1024
"""Of all that is kept to be undone, the oldest goes first."""


class Maker:
    """One for all tools of the plugin."""

    def __init__(self) -> None:
        self._shown: OrderedDict[str, dict[str, str]] = OrderedDict()
        self._made: deque[tuple[str, list[Change], list[str]]] = deque()
        self._size = 0

    async def preview(self, edits: Sequence[FileEdit], call: Call) -> str:
        """The diff that a person decides on; what is changed later must still be what it speaks of."""
        changes = await planned(edits, call.workspace)
        self._shown[call.id] = {change.path: change.hash for change in changes}
        if len(self._shown) > SHOWN:
            self._shown.popitem(last=False)
        diffs = [await trio.to_thread.run_sync(unified_diff, one.path, one.before, one.after) for one in changes]
        return "".join(diffs)

    async def make(self, edits: Sequence[FileEdit], call: Call) -> str:
        """Writes them, all or none, and says what has changed. Raises ToolError, Conflict."""
        changes = await planned(edits, call.workspace)
        shown = self._shown.pop(call.id, None)
        for change in changes:
            if shown is not None and shown.get(change.path) != change.hash:
                raise Conflict(f"{change.path} has been changed since the change was shown for approval.")
        hashes = await call.workspace.write_all([change.write for change in changes])
        self._keep(call.session, changes, list(hashes))
        return await _told(changes, hashes, call)

    async def undo(self, path: str, call: Call) -> str:
        """Takes back the session's last edit that changed `path`, in all its files. Raises ToolError, Conflict."""
        made = next((one for one in reversed(self._made) if one[0] == call.session and _has(one[1], path)), None)
        if made is None:
            raise ToolError(f"No edit of {path} in this session can be undone.")
        _, changes, hashes = made
        back = [Change(one.path, one.after, hash, one.before) for one, hash in zip(changes, hashes, strict=True)]
        writes = [Write(one.path, one.after, one.hash, like=_origin(one.path, changes)) for one in back]
        written = await call.workspace.write_all(writes)
        self._made.remove(made)
        self._size -= _size(changes)
        return await _told(back, written, call)

    def _keep(self, session: str, changes: list[Change], hashes: list[str]) -> None:
        self._made.append((session, changes, hashes))
        self._size += _size(changes)
        mine = [one for one in self._made if one[0] == session]
        while len(mine) > KEPT or (self._size > KEPT_BYTES and len(self._made) > 1):
            gone = mine.pop(0) if len(mine) > KEPT else self._made[0]
            self._made.remove(gone)
            self._size -= _size(gone[1])


async def _told(changes: Sequence[Change], hashes: Sequence[str], call: Call) -> str:
    said = []
    for change, hash in zip(changes, hashes, strict=True):
        event = await trio.to_thread.run_sync(file_changed, change.path, change.before, change.after, hash, call.id)
        await call.emit(event)
        verb = {"created": "Created", "changed": "Changed", "deleted": "Deleted"}[event.kind]
        said.append(f"{verb} {change.path}: {event.added} lines added, {event.removed} removed.")
        said += change.notes
    return "\n".join(said)


def _has(changes: Sequence[Change], path: str) -> bool:
    return any(change.path == path for change in changes)


def _origin(path: str, changes: Sequence[Change]) -> str:
    """Where a file that was moved away went: it takes its mode back from there."""
    return next((change.path for change in changes if change.origin == path), "")


def _size(changes: Sequence[Change]) -> int:
    return sum(len(change.before or b"") for change in changes)
