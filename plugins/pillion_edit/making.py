"""An edit from plan to file: shown before it is allowed, written all or none, told in events, and kept to be undone."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TypeVar

import trio
from msgspec import Struct

from pillion.contracts.tool import Call
from pillion.errors import Conflict
from pillion.filediff import file_changed, images, said, unified_diff

from .checking import Checking
from .conflicts import conflict
from .hunk import FileEdit
from .planning import SMALL, Change, Draft, drafted
from .undoing import Edits, Made

SHOWN = 256
"""Previews that are remembered until their calls run."""
DRAFTS = 32
LARGEST = 4_000_000
"""Edits, and bytes of each, that are kept worked out until then; of others it is done again."""
T = TypeVar("T")
Key = tuple[str, str]
"""Session and call."""


class Told(Struct, frozen=True):
    """What was made: `said` as the model reads it, and the diffs."""

    said: str
    diff: str


class Maker:
    """One for all tools of the plugin."""

    def __init__(self, checking: Checking | None = None) -> None:
        self._checking = checking or Checking()
        self._shown: OrderedDict[Key, Mapping[str, bytes | None] | Made] = OrderedDict()
        self._drafts: OrderedDict[Key, Draft] = OrderedDict()
        self._edits = Edits()

    def keep(self, draft: Draft, session: str, call: str) -> None:
        """Edits that are worked out before the call runs."""
        if draft.size <= LARGEST:
            _put(self._drafts, (session, call), draft, DRAFTS)

    async def preview(self, edits: Sequence[FileEdit], call: Call) -> str:
        """The diff that a person decides on; what is changed later must still be what it speaks of."""
        draft = await drafted(edits, call.workspace, self._drafts.get(_key(call)))
        draft.check(call.known, call.workspace.root)
        changes = draft.changes()
        self.keep(draft, *_key(call))
        _put(self._shown, _key(call), draft.before, SHOWN)
        return await _diffs(changes)

    async def make(self, edits: Sequence[FileEdit], call: Call, seen: Mapping[str, bytes | None] = {}) -> Told:
        """Writes them, all or none. `seen` is what whoever wrote them had read. Raises ToolError, Conflict."""
        draft = await drafted(edits, call.workspace, self._drafts.pop(_key(call), None))
        shown = self._shown.pop(_key(call), {})
        for known, since in ((shown, "the change was shown for approval"), (seen, "it was read for this edit")):
            others = {} if isinstance(known, Made) else {p: b for p, b in known.items() if draft.before.get(p, b) != b}
            if others:
                why = f"{', '.join(others)} has been changed since {since}."
                raise await conflict(why, others, call.workspace)
        draft.check(call.known, call.workspace.root)
        changes = draft.changes()
        hashes = await _written(changes, call)
        self._edits.keep(Made(call.session, changes, hashes))
        return await self._told(changes, hashes, call)

    async def preview_undo(self, path: str, call: Call) -> str:
        """The diff of what `undo` would do."""
        made = self._edits.last(call.session, path)
        _put(self._shown, _key(call), made, SHOWN)
        return await _diffs(made.back())

    async def undo(self, path: str, call: Call) -> Told:
        """Takes back the session's last edit that changed `path`, in all its files. Raises ToolError, Conflict."""
        made = self._edits.last(call.session, path)
        if self._shown.pop(_key(call), made) is not made:
            raise Conflict(f"{path} has been edited again since the change was shown for approval.")
        changes = made.back()
        hashes = await _written(changes, call)
        self._edits.forget(made)
        return await self._told(changes, hashes, call)

    async def _told(self, changes: Sequence[Change], hashes: Sequence[str], call: Call) -> Told:
        lines, diffs = [], []
        for change, hash in zip(changes, hashes, strict=True):
            told = partial(file_changed, change.path, change.before, change.after, hash, call.id, change.hash)
            small = max(len(change.before or b""), len(change.after or b"")) < SMALL
            event = told() if small else await trio.to_thread.run_sync(told)
            await call.emit(event, blobs=images(event, change.before))
            lines += [said(event), *change.notes]
            diffs.append(event.diff)
        found = await self._checking.told(changes, call.workspace)
        return Told("\n".join([*lines, *found]), "".join(diffs))


async def _written(changes: Sequence[Change], call: Call) -> Sequence[str]:
    """Writes them. The model knows them as they are now, but for those that somebody has changed since it read them."""
    try:
        hashes = await call.workspace.write_all([change.write for change in changes])
    except Conflict as error:
        raise await conflict(str(error), {one.path: one.before for one in changes}, call.workspace) from None
    root = call.workspace.root
    for change, hash in zip(changes, hashes, strict=True):
        if change.whole or call.known.hash(root, change.path) in (None, change.hash):
            call.known.note(root, change.path, hash)
    return hashes


async def _diffs(changes: Sequence[Change]) -> str:
    return "".join([await trio.to_thread.run_sync(unified_diff, one.path, one.before, one.after) for one in changes])


def _key(call: Call) -> Key:
    return call.session, call.id


def _put(kept: OrderedDict[Key, T], key: Key, value: T, most: int) -> None:
    kept[key] = value
    kept.move_to_end(key)
    if len(kept) > most:
        kept.popitem(last=False)
