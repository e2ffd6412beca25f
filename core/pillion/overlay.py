"""Unsaved texts of an editor: they win over the disk, and a write to one of them goes back to the editor."""

from __future__ import annotations

import hashlib
import posixpath
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

import trio
from msgspec import Struct

from .contracts.workspace import Content, Entry, Workspace, Write, lenders_of, origin_of, unsaved_of
from .errors import Busy, Conflict, FileTooLarge, NotAFile, OutsideWorkspace, ProtectedPath, ToolError
from .events import Event, FileEditWanted, FileUnsaved
from .positions import edits_between
from .protection import GIT, Guard, guard_of

MOST = 256
"""Texts of a session."""
NAMED = 20
"""Of them, those that a model is told of by name."""
LARGEST = 16 * 1024 * 1024
"""Bytes of all of them together."""

LONGEST_PATH = 1024


class Overlay(Struct, frozen=True):
    """One unsaved text. `version` is the editor's own number; `hash` (SHA-256, hex) and `size` are of it in UTF-8.

    `edited`: a tool changed it, and the editor has not said since that it knows.
    """

    path: str
    text: str
    version: int | None
    hash: str
    size: int
    changed: float
    edited: bool = False

    @classmethod
    def of(cls, path: str, text: str, version: int | None, *, edited: bool = False) -> Overlay:
        data = text.encode()
        return cls(path, text, version, hashlib.sha256(data).hexdigest(), len(data), time.time(), edited)


class Overlays:
    """The unsaved texts of one session and its children on the same workspace, by the file's real place in it.

    `note` writes a fact to the log of the session that holds them.
    """

    def __init__(self, note: Callable[[Event], Awaitable[object]]) -> None:
        self.through: Callable[[Workspace], Workspace] = lambda under: under
        """How files below are read and written: set by a plugin that speaks with an editor which holds them."""
        self._texts: dict[str, Overlay] = {}
        self._note = note

    def all(self) -> list[Overlay]:
        """By path."""
        return [self._texts[path] for path in sorted(self._texts)]

    def get(self, place: str) -> Overlay | None:
        return self._texts.get(place)

    async def put(self, overlay: Overlay) -> None:
        """From now on it wins over the disk. Raises Busy when there are too many, or too much; StoreFailed, Gone."""
        self.check(overlay)
        if overlay.path not in self._texts:
            await self._note(FileUnsaved(path=overlay.path, hash=overlay.hash, version=overlay.version))
        self.replace(overlay)

    def replace(self, overlay: Overlay) -> None:
        """Like put, where there is one already."""
        self.check(overlay)
        self._texts[overlay.path] = overlay

    async def drop(self, place: str) -> Overlay | None:
        """Forgets one: from now on the disk counts. None: there was none."""
        known = self._texts.pop(place, None)
        if known is not None:
            await self._note(FileUnsaved(path=place))
        return known

    def check(self, overlay: Overlay) -> None:
        """Raises Busy when there is no room for it, ToolError when it would be in a file, or have files in it."""
        for place in self._texts:
            if place.startswith(f"{overlay.path}/") or overlay.path.startswith(f"{place}/"):
                raise ToolError(f"{overlay.path} and {place} can't both be files.")
        others = [known.size for place, known in self._texts.items() if place != overlay.path]
        if len(others) >= MOST:
            raise Busy(f"{MOST} texts are unsaved already; save or close some.", retry_after=1)
        if sum(others) + overlay.size > LARGEST:
            raise Busy(f"Unsaved texts may have {LARGEST // 1024**2} MiB together.", retry_after=1)


class OverlaidWorkspace:
    """`under` with the unsaved texts over it. `wanted` gets the edit that the editor has to apply."""

    def __init__(
        self, under: Workspace, overlays: Overlays, wanted: Callable[[FileEditWanted], Awaitable[object]]
    ) -> None:
        self._under, self._overlays, self._wanted = overlays.through(under), overlays, wanted
        self.guard: Guard = guard_of(under)
        self.origin = origin_of(under)
        self.lenders = lenders_of(under)

    @property
    def root(self) -> Path:
        return self._under.root

    @property
    def unsaved(self) -> Mapping[str, bytes]:
        """Texts that are not what the disk has, by path: for tools that look at the disk by themselves."""
        return {**unsaved_of(self._under), **{overlay.path: overlay.text.encode() for overlay in self._overlays.all()}}

    async def read(self, path: str, limit: int = 16 * 1024 * 1024) -> Content:
        overlay = await self._find(path)
        if overlay is None:
            return await self._under.read(path, limit)
        self.guard.check(overlay.path, "read")
        if overlay.size > limit:
            raise FileTooLarge(f"{path} has {overlay.size} bytes; at most {limit} can be read.")
        return Content(overlay.text.encode(), overlay.hash)

    async def write(self, path: str, data: bytes, expected: str | None = None) -> str:
        overlay = await self._find(path)
        if overlay is None:
            return await self._under.write(path, data, expected)
        self.guard.check(overlay.path, "write")
        if expected is not None and expected != overlay.hash:
            raise Conflict(f"{path} has been changed in the editor meanwhile. Read it again.")
        try:
            text = data.decode()
        except UnicodeDecodeError:
            raise ToolError(f"{path} is open in an editor; only text can be written to it.") from None
        new = Overlay.of(overlay.path, text, overlay.version, edited=True)
        if new.hash == overlay.hash:
            return new.hash
        self._overlays.check(new)
        edits = await trio.to_thread.run_sync(edits_between, overlay.text, text)
        self._expect(overlay)
        await self._wanted(
            FileEditWanted(path=overlay.path, edits=edits, before=overlay.hash, after=new.hash, version=overlay.version)
        )
        self._expect(overlay)  # else the editor sees by `before` that the edits are not for the text it has by now
        self._overlays.replace(new)
        return new.hash

    async def write_all(self, writes: Sequence[Write]) -> Sequence[str]:
        """On disk all or none; then what is open in the editor, which applies its edits itself."""
        unsaved = [self._overlays.get(write.path) if write.kind else await self._find(write.path) for write in writes]
        for write, overlay in zip(writes, unsaved, strict=True):
            if overlay is not None and (write.data is None or write.expected not in (None, overlay.hash)):
                said = "is open in an editor" if write.data is None else "has been changed in the editor meanwhile"
                raise Conflict(f"{write.path} {said}.")
        disk = [write for write, overlay in zip(writes, unsaved, strict=True) if overlay is None]
        hashes = iter(await self._under.write_all(disk) if disk else ())
        return [
            next(hashes) if overlay is None else await self.write(write.path, write.data or b"", write.expected)
            for write, overlay in zip(writes, unsaved, strict=True)
        ]

    async def list(self, path: str = "") -> Sequence[Entry]:
        if not self._overlays.all():
            return await self._under.list(path)
        place = await place_of(self._under, path)
        below = f"{place}/" if place else ""
        over: dict[str, Entry] = {}
        for overlay in self._overlays.all():
            if overlay.path.startswith(below):
                name, _, deeper = overlay.path[len(below) :].partition("/")
                over[below + name] = Entry(below + name, "folder") if deeper else _entry(overlay)
        if over and await self._under.stat(path) is None:
            return [over[name] for name in sorted(over)]
        entries = {entry.path: entry for entry in await self._under.list(path)}
        folders = {name for name, entry in over.items() if entry.kind == "folder"} & entries.keys()
        merged = entries | {name: entry for name, entry in over.items() if name not in folders}
        return [merged[name] for name in sorted(merged)]

    async def stat(self, path: str) -> Entry | None:
        if not self._overlays.all():
            return await self._under.stat(path)
        place = await place_of(self._under, path)
        overlay = self._overlays.get(place)
        if overlay is not None:
            return _entry(overlay)
        found = await self._under.stat(path)
        if found is None and any(known.path.startswith(f"{place}/") for known in self._overlays.all()):
            return Entry(place, "folder")
        return found

    def _expect(self, overlay: Overlay) -> None:
        if self._overlays.get(overlay.path) is not overlay:
            raise Conflict(f"{overlay.path} was changed in the editor at the same moment. Read it again.")

    async def _find(self, path: str) -> Overlay | None:
        return self._overlays.get(await place_of(self._under, path)) if self._overlays.all() else None


def seen(under: Workspace, overlays: Overlays) -> Workspace:
    """`under` with the unsaved texts over it, for who only looks."""

    async def wanted(event: FileEditWanted) -> None:
        """Nothing is written."""

    return OverlaidWorkspace(under, overlays, wanted)


async def place_of(workspace: Workspace, path: str) -> str:
    """The real place of a file that may not be there yet, relative to the root. Raises OutsideWorkspace."""
    entry, missing = await _found(workspace, path)
    return "/".join([entry.path, *missing]).lstrip("/")


def unseen(workspace: Workspace, who: str) -> str:
    """What a program does not see: texts that are unsaved in an editor. `who` sees, or saw, the disk's; "" for none."""
    unsaved = list(unsaved_of(workspace))
    if not unsaved:
        return ""
    more = f" and {len(unsaved) - NAMED} more" if len(unsaved) > NAMED else ""
    return f"\n[Unsaved in the editor, so {who} the disk's text: {', '.join(unsaved[:NAMED])}{more}]"


async def text_place(workspace: Workspace, path: str) -> str:
    """The real place for an unsaved text. Raises OutsideWorkspace; ToolError where no file can be, or be written."""
    if len(path) > LONGEST_PATH:
        raise ToolError(f"A path has at most {LONGEST_PATH} characters.")
    entry, missing = await _found(workspace, path)
    if entry.kind != ("folder" if missing else "file"):
        raise NotAFile(f"{path} is no file." if not missing else f"{entry.path} is no folder: nothing can be in it.")
    place = "/".join([entry.path, *missing]).lstrip("/")
    if inside := [part for part in place.split("/") if part.casefold() in GIT]:
        raise ProtectedPath(f"{path} belongs to {inside[0]}, which is not written through the workspace.")
    return place


async def _found(workspace: Workspace, path: str) -> tuple[Entry, list[str]]:
    """The last thing on the way to `path` that is there, and the names that are missing. Raises OutsideWorkspace."""
    entry = await workspace.stat(path)
    if entry is not None:
        return entry, []
    parts = posixpath.normpath(path).split("/")
    there, known, gone = Entry("", "folder"), 0, len(parts)
    while gone - known > 1:  # each step halves a way that may be long
        middle = (known + gone) // 2
        try:
            entry = await workspace.stat("/".join(parts[:middle]))
        except OutsideWorkspace:  # of an absolute path, what is above the workspace
            known = middle
            continue
        if entry is None:
            gone = middle
        else:
            there, known = entry, middle
    return there, parts[known:]


def _entry(overlay: Overlay) -> Entry:
    return Entry(overlay.path, "file", overlay.size, overlay.changed)
