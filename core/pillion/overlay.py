"""Unsaved texts of an editor: they win over the disk, and a write to one of them goes back to the editor."""

from __future__ import annotations

import hashlib
import posixpath
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from .contracts.workspace import Content, Entry, Workspace
from .errors import Busy, Conflict, ToolError
from .events import FileEditWanted
from .positions import edits_between

MOST = 256
"""Texts of a session."""
LARGEST = 16 * 1024 * 1024
"""Bytes of all of them together."""


class Overlay(Struct, frozen=True):
    """One unsaved text. `version` is the editor's own number, `hash` SHA-256 (hex) of the text in UTF-8."""

    path: str
    text: str
    version: int | None
    hash: str
    changed: float

    @classmethod
    def of(cls, path: str, text: str, version: int | None) -> Overlay:
        return cls(path, text, version, hash_of(text.encode()), time.time())


class Overlays:
    """The unsaved texts of one session and its children, by the file's real place in the workspace."""

    def __init__(self) -> None:
        self._texts: dict[str, Overlay] = {}

    def all(self) -> list[Overlay]:
        """By path."""
        return [self._texts[path] for path in sorted(self._texts)]

    def get(self, place: str) -> Overlay | None:
        return self._texts.get(place)

    def put(self, overlay: Overlay) -> None:
        """Raises Busy when there are too many, or too much."""
        others = [known for place, known in self._texts.items() if place != overlay.path]
        if len(others) >= MOST:
            raise Busy(f"{MOST} texts are unsaved already; save or close some.", retry_after=1)
        if sum(len(known.text.encode()) for known in (*others, overlay)) > LARGEST:
            raise Busy(f"Unsaved texts may have {LARGEST // 1024**2} MiB together.", retry_after=1)
        self._texts[overlay.path] = overlay

    def drop(self, place: str) -> Overlay | None:
        """Forgets one: from now on the disk counts. None: there was none."""
        return self._texts.pop(place, None)


class OverlaidWorkspace:
    """`under` with the unsaved texts over it. `wanted` gets the edit that the editor has to apply."""

    def __init__(
        self, under: Workspace, overlays: Overlays, wanted: Callable[[FileEditWanted], Awaitable[object]]
    ) -> None:
        self._under, self._overlays, self._wanted = under, overlays, wanted

    @property
    def root(self) -> Path:
        return self._under.root

    @property
    def unsaved(self) -> Mapping[str, bytes]:
        """Texts that are not what the disk has, by path: for tools that look at the disk by themselves."""
        return {overlay.path: overlay.text.encode() for overlay in self._overlays.all()}

    async def read(self, path: str, limit: int = 16 * 1024 * 1024) -> Content:
        overlay = await self._find(path)
        if overlay is None:
            return await self._under.read(path, limit)
        data = overlay.text.encode()
        if len(data) > limit:
            raise ToolError(f"{path} has {len(data)} bytes, more than {limit}.")
        return Content(data, overlay.hash)

    async def write(self, path: str, data: bytes, expected: str | None = None) -> str:
        overlay = await self._find(path)
        if overlay is None:
            return await self._under.write(path, data, expected)
        if expected is not None and expected != overlay.hash:
            raise Conflict(f"{path} has been changed in the editor meanwhile. Read it again.")
        try:
            text = data.decode()
        except UnicodeDecodeError:
            raise ToolError(f"{path} is open in an editor; only text can be written to it.") from None
        new = Overlay.of(overlay.path, text, overlay.version)
        edits = edits_between(overlay.text, text)
        event = FileEditWanted(
            path=overlay.path, edits=edits, before=overlay.hash, after=new.hash, version=overlay.version
        )
        await self._wanted(event)
        if self._overlays.get(overlay.path) is not overlay:
            raise Conflict(f"{path} was changed in the editor at the same moment. Read it again.")
        self._overlays.put(new)
        return new.hash

    async def list(self, path: str = "") -> Sequence[Entry]:
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
        place = await place_of(self._under, path)
        overlay = self._overlays.get(place)
        if overlay is not None:
            return _entry(overlay)
        found = await self._under.stat(path)
        if found is None and any(known.path.startswith(f"{place}/") for known in self._overlays.all()):
            return Entry(place, "folder")
        return found

    async def _find(self, path: str) -> Overlay | None:
        return self._overlays.get(await place_of(self._under, path)) if self._overlays.all() else None


async def place_of(workspace: Workspace, path: str) -> str:
    """The real place of a file that may not be there yet, relative to the root. Raises OutsideWorkspace."""
    entry = await workspace.stat(path)
    if entry is not None:
        return entry.path
    head, _, name = posixpath.normpath(path).rpartition("/")
    return f"{await place_of(workspace, head)}/{name}".lstrip("/") if head else name


def hash_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _entry(overlay: Overlay) -> Entry:
    return Entry(overlay.path, "file", len(overlay.text.encode()), overlay.changed)
