"""A session's files as its editor holds them. What the editor can't do is done on the disk beneath.

Texts are the editor's, saved or not; names, folders, binary and long files are the disk's. A change is made in the
editor, which shows and saves it; only several clean files at once are written to the disk, where they change all or
none.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from posixpath import isabs
from typing import Any

import trio
from msgspec import Struct

from pillion import Conflict, Workspace
from pillion.contracts.workspace import Content, Entry, Write
from pillion.errors import FileTooLarge, NoSuchFile
from pillion.overlay import place_of
from pillion.protection import Guard, guard_of
from pillion.textform import TextForm, text_form

from .bridge import Bridge
from .callbacks import Created, OpenedFile
from .change import Change, change
from .editorfaults import EditorAway, EditorFailed, EditorLacks

LONGEST = 2 * 1024 * 1024
"""Bytes of a file beyond which the disk counts."""
PIECES = 8
"""In which a change is streamed, at most."""
SETTLING = 1.0
"""Seconds in which an editor has to show a change that it was streamed."""
LOOK = 0.02
EMPTY = hashlib.sha256(b"").hexdigest()
FENCE = "```"


class Both(Struct, frozen=True):
    """One file: what the disk has, and what the editor holds otherwise."""

    disk: Content
    held: Content | None
    form: TextForm | None
    """None: it is no text, or none that the editor is asked for."""

    @property
    def now(self) -> Content:
        return self.held or self.disk

    @property
    def text(self) -> str:
        return _text(self.form or TextForm(), self.now.data)


class EditorWorkspace:
    """`under` is the disk. `to_disk`: changes are made there, and the editor is not asked."""

    def __init__(self, under: Workspace, bridge: Bridge, *, to_disk: bool = False) -> None:
        self._under, self._bridge, self._to_disk = under, bridge, to_disk
        self.guard: Guard = guard_of(under)

    @property
    def root(self) -> Path:
        return self._under.root

    @property
    def unsaved(self) -> Mapping[str, bytes]:
        """Texts that are not what the disk has, by path: for tools that look at the disk by themselves."""
        return self._bridge.unsaved

    async def read(self, path: str, limit: int = 16 * 1024 * 1024) -> Content:
        now = (await self._both(path, limit)).now
        if len(now.data) > limit:
            raise FileTooLarge(f"{path} has {len(now.data)} bytes; at most {limit} can be read.")
        return now

    async def write(self, path: str, data: bytes, expected: str | None = None) -> str:
        if self._to_disk or not self._bridge.there:
            return await self._under.write(path, data, expected)
        place = await self._place(path)
        self.guard.check(place, "write")
        if not isabs(path):
            self.guard.check(path, "write")  # as it is named, too
        try:
            both = await self._both(path, place=place)
        except NoSuchFile:
            return await self._create(place, data, expected)
        if expected is not None and expected != both.now.hash:
            raise Conflict(f"{path} has been changed meanwhile. Read it again.")
        return await self._replace(place, both, data, expected)

    async def write_all(self, writes: Sequence[Write]) -> Sequence[str]:
        """Clean files on the disk, all or none; then what the editor holds otherwise, one after the other."""
        if len(writes) == 1 and _is_plain(writes[0]):
            return [await self.write(writes[0].path, writes[0].data or b"", writes[0].expected)]
        dirty: set[str] = set()
        for write in writes:
            if _is_plain(write) and await self._is_dirty(write):
                dirty.add(write.path)
        disk = [write for write in writes if write.path not in dirty]
        hashes = iter(await self._under.write_all(disk) if disk else ())
        return [
            await self.write(write.path, write.data or b"", write.expected) if write.path in dirty else next(hashes)
            for write in writes
        ]

    async def list(self, path: str = "") -> Sequence[Entry]:
        return await self._under.list(path)

    async def stat(self, path: str) -> Entry | None:
        return await self._under.stat(path)

    async def _is_dirty(self, write: Write) -> bool:
        """Does the editor hold another text? Raises Conflict where that is not the one which is expected."""
        if not self._bridge.there or self._to_disk:
            return False
        try:
            both = await self._both(write.path)
        except NoSuchFile:
            return False
        if both.held is not None and write.expected not in (None, both.held.hash):
            raise Conflict(f"{write.path} has been changed in the editor meanwhile. Read it again.")
        return both.held is not None

    async def _place(self, path: str) -> str:
        """The file's real place below the root."""
        return await place_of(self._under, path)

    def _named(self, place: str) -> dict[str, Any]:
        """As the editor knows it."""
        return {"fs_file_path": str(self.root / place)}

    async def _both(self, path: str, limit: int = 16 * 1024 * 1024, place: str | None = None) -> Both:
        disk = await self._under.read(path, limit)
        form = text_form(disk.data) if len(disk.data) <= LONGEST else None
        if form is None or not form.valid or not self._bridge.there:
            return Both(disk, None, None)
        place = await self._place(path) if place is None else place
        try:
            text = await self._held(place)
        except EditorFailed:
            return Both(disk, None, None)
        if text is None or text == _text(form, disk.data):
            self._bridge.unsaved.pop(place, None)
            return Both(disk, None, form)
        data = form.encode(text)
        self._bridge.unsaved[place] = data
        return Both(disk, Content(data, hashlib.sha256(data).hexdigest()), form)

    async def _held(self, place: str) -> str | None:
        """What the editor shows, with line feeds; None: it knows no such file."""
        found = await self._bridge.ask("/file_open", OpenedFile, self._named(place))
        return found.file_contents.replace("\r\n", "\n").removeprefix("\ufeff") if found.exists else None

    async def _create(self, place: str, data: bytes, expected: str | None) -> str:
        """A file that is not there. The editor makes it empty, and then changes it."""
        if expected:
            raise Conflict(f"{place} is gone.")
        form = text_form(data)
        if form is None or not form.valid or len(data) > LONGEST:
            return await self._under.write(place, data, expected)
        try:
            made = await self._bridge.ask("/create_file", Created, self._named(place), once=True)
            if (made.done or made.success) and not (await self._under.read(place)).data:
                await self._change(place, "", _text(form, data))
        except (EditorFailed, NoSuchFile):
            pass  # it is written here
        return await self._settled(place, data, EMPTY, "")

    async def _replace(self, place: str, both: Both, data: bytes, expected: str | None) -> str:
        form, expects = text_form(data), expected and both.disk.hash
        if both.form is None or form is None or not form.valid or len(data) > LONGEST:
            return await self._under.write(place, data, expects)
        try:
            await self._change(place, both.text, _text(form, data))
        except EditorAway:
            expects = expected  # what it held is gone with it: the disk counts
        except EditorLacks:
            pass
        return await self._settled(place, data, both.disk.hash, expects)

    async def _settled(self, place: str, data: bytes, before: str, expects: str | None) -> str:
        """The hash of `data`. What the editor has not saved, or not done, is written here. It may have formatted a file
        as it saved it: whoever reads it next sees that."""
        self._bridge.unsaved.pop(place, None)
        wanted = hashlib.sha256(data).hexdigest()
        try:
            disk = (await self._under.read(place)).hash
        except NoSuchFile:
            return await self._under.write(place, data, expects)
        if disk == before != wanted:
            return await self._under.write(place, data, before if expects in ("", before) else expects)
        return wanted

    async def _change(self, place: str, before: str, after: str) -> None:
        """Has the editor make it. Raises EditorLacks where it does not, EditorAway."""
        if before == after:
            return
        made = change(before, after)
        if self._bridge.streams and await self._streamed(place, made, before, after):
            made = made.again()  # for it to be saved
        body = {
            **self._named(place), "edited_content": made.text, "selected_range": made.place, "apply_directly": True,
        }  # fmt: skip
        await self._bridge.do("/apply_edits", body)

    async def _streamed(self, place: str, made: Change, before: str, after: str) -> bool:
        """Shows the change as it comes. False: the editor does not take it so. Raises Conflict where it then shows
        something else."""
        bridge = self._bridge
        fixed = {
            **self._named(place),
            "edit_request_id": secrets.token_hex(8),
            "session_id": bridge.session,
            "exchange_id": bridge.reply,
            "range": made.place,
            "updated_code": None,
            "apply_directly": False,
            "plan_step_id": None,
        }
        try:
            for event in _events(made.text):
                await bridge.do("/apply_edits_streamed", {**fixed, "event": event})
        except EditorLacks:
            bridge.streams = False
        shown: str | None = before
        with trio.move_on_after(SETTLING):
            while (shown := await self._held(place)) != after:
                if shown == before and not bridge.streams:
                    return False
                await trio.sleep(LOOK)
            return True
        bridge.streams = False
        if shown != before:
            raise Conflict(f"{place} has been changed in the editor at the same moment. Read it again.")
        return False


def _is_plain(write: Write) -> bool:
    return write.data is not None and not (write.like or write.kind)


def _text(form: TextForm, data: bytes) -> str:
    return form.decode(data).replace("\r\n", "\n")


def _events(text: str) -> list[Any]:
    """The pieces of a streamed change, fenced."""
    lines = text.splitlines(keepends=True)
    size = max(1, -(-len(lines) // PIECES))
    pieces = ["".join(lines[n : n + size]) for n in range(0, len(lines), size)]
    return ["Start", *({"Delta": piece} for piece in (f"{FENCE}\n", *pieces, f"\n{FENCE}")), "End"]
