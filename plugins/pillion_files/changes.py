"""What became of a session's files since it was opened, over HTTP: diffs of those that it changed, names of others."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Container, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import msgspec
import trio
from msgspec import Struct
from quart import Blueprint, Response

from pillion import Kernel, NotFound, SessionQuery, ToolError
from pillion.contracts.forks import Changed, Leaf
from pillion.filediff import file_changed
from pillion_http.routes import answer, read_query

from .before import Before, look_back
from .ground import SessionGround
from .ripgrep import Ripgrep

SECONDS = 30.0
MOST = 1000
"""Files of one answer."""
MOST_LOOKED_AT = 50_000
LONGEST = 4_000_000
"""Characters of all diffs together."""
MOST_CHILDREN = 200
UNKNOWN = "It was changed otherwise than by this session's edits, as its time says; what it was before is not known."
NOT_KEPT = "What it was before is not kept."
TOO_LONG = "The diffs before it are as long as one answer may be; ask for it alone, by path."
View = Callable[[str], Awaitable[Response]]


class DiffQuery(Struct, frozen=True):
    """GET …/diff. `path`: of this file alone, or of those in this folder."""

    path: str = ""


class FileDiff(Struct, frozen=True):
    """`diff` is unified; null where there is none, and `reason` says why. `unsaved`: an editor holds what is
    compared."""

    path: str
    kind: Literal["created", "changed", "deleted"]
    diff: str | None
    added: int = 0
    removed: int = 0
    unsaved: bool = False
    reason: str = ""


class Changes(Struct, frozen=True):
    """By path. `since` is when the session was opened, RFC 3339. Not `complete`: there are more than are told."""

    since: str
    data: Sequence[FileDiff]
    complete: bool


def blueprint(kernel: Kernel, ripgrep: Ripgrep) -> Blueprint:
    routes = Blueprint("workspace_diff", __name__, url_prefix="/api/sessions/<id>/diff")
    routes.get("")(_diff(kernel, ripgrep))
    return routes


def _diff(kernel: Kernel, ripgrep: Ripgrep) -> View:
    async def show_diff(id: str) -> Response:
        """What is another one now than when the session was opened: a unified diff of each file that it changed.

        Where checkpoints are kept, all is compared with the first of the session, which is taken before anything is
        written or run: also what commands or somebody else have changed since. What changed before that, or is not kept
        (ignored, large), is compared with what it was before the session's first change of it, or a child's; else it is
        named, as its time says, and its `diff` is null. Known secrets are masked.
        """
        query = read_query(DiffQuery)
        ground = SessionGround(kernel, await kernel.session(id))
        with trio.move_on_after(SECONDS):
            said = await Comparison(kernel, ripgrep, ground).changes(query.path)
            return answer(said)
        raise ToolError(f"Comparing the files took more than {SECONDS:g} s.")

    show_diff.openapi = {  # type: ignore[attr-defined]
        "query": DiffQuery,
        "answers": {200: Changes},
        "errors": (409,),
    }
    return show_diff


class Comparison:
    """One session's."""

    def __init__(self, kernel: Kernel, ripgrep: Ripgrep, ground: SessionGround) -> None:
        self._kernel, self._ripgrep, self._ground = kernel, ripgrep, ground
        self._session = ground.session

    async def changes(self, path: str) -> Changes:
        """Of what lies at `path`, or in it. Raises OutsideWorkspace."""
        place = await self._ground.place(path)
        kept = await look_back(self._kernel, self._session, self._ground.disk)
        firsts = {
            name: image
            for name, image in (await self._firsts()).items()
            if _is_in(name, place) and (kept is None or self._ground.is_unsaved(name) or not kept.knows(name))
        }
        seen = self._seen(kept, place)
        others, whole = await self._others(place, firsts.keys() | seen.keys(), kept)
        told, size = [], 0
        names = sorted({*firsts, *seen, *others})
        for name in names[:MOST]:
            if kept is not None and name in seen:
                diff = await self._since(name, seen[name], kept)
            elif name in firsts:
                diff = await self._compared(name, firsts[name])
            else:
                diff = FileDiff(name, "changed", None, reason=UNKNOWN)
            if diff is None:
                continue
            size += len(diff.diff or "")
            if diff.diff is not None and size > LONGEST:
                diff = msgspec.structs.replace(diff, diff=None, reason=TOO_LONG)
            told.append(diff)
        since = datetime.fromtimestamp(self._session.info.created / 1000, UTC).isoformat(timespec="milliseconds")
        return Changes(since.replace("+00:00", "Z"), told, whole and len(names) <= MOST)

    def _seen(self, kept: Before | None, place: str) -> Mapping[str, Changed]:
        """What differs from the first snapshot, as far as that is what it is to be held against."""
        if kept is None:
            return {}
        hides, unsaved = self._ground.workspace.guard.hides, self._ground.is_unsaved
        return {
            path: one
            for path, one in kept.changed.items()
            if kept.knows(path) and _is_in(path, place) and not hides(path) and not unsaved(path)
        }

    async def _since(self, path: str, one: Changed, kept: Before) -> FileDiff | None:
        """None: only its permission bits are others."""
        mask, shown = self._kernel.secrets.redact_bytes, os.fsencode(path).decode(errors="replace")
        try:
            images = await kept.contents([one.before, one.after])
        except NotFound:
            return FileDiff(shown, "changed", None, reason=NOT_KEPT)
        old, new = (
            None if image is None or _is_folder(leaf) else mask(image)
            for leaf, image in zip((one.before, one.after), images, strict=True)
        )
        if old == new:
            return None
        change = await trio.to_thread.run_sync(file_changed, shown, old, new)
        return FileDiff(shown, change.kind, change.diff, change.added, change.removed)

    async def _firsts(self) -> Mapping[str, bytes | str | None]:
        """What each file was, by its real place: the blob's name, "" for none, None: unknown, or, of one that only an
        editor has changed, the disk's bytes."""
        found: dict[str, bytes | str | None] = {}
        for changed in (self._session.changed, *[one.changed for one in await self._children()]):
            for path, before in changed.items():
                try:
                    found.setdefault(await self._ground.place(path), before)
                except ToolError:
                    continue  # by a link that leads out by now
        for overlay in self._session.overlays.all():
            if overlay.path not in found:
                there = await self._ground.disk.stat(overlay.path)
                found[overlay.path] = (await self._ground.disk.read(overlay.path)).data if there else ""
        return {path: before for path, before in found.items() if not self._ground.workspace.guard.hides(path)}

    async def _children(self) -> list:  # type: ignore[type-arg]
        page = await self._kernel.sessions(SessionQuery(parent=self._session.id, limit=MOST_CHILDREN))
        same = [info.id for info in page.data if info.workspace == self._session.info.workspace]
        return [await self._kernel.look(id) for id in reversed(same)]

    async def _compared(self, path: str, first: bytes | str | None) -> FileDiff | None:
        """None: it is what it was."""
        mask = self._kernel.secrets.redact_bytes
        there = await self._ground.workspace.stat(path)
        after = mask((await self._ground.workspace.read(path)).data) if there and there.kind == "file" else None
        unsaved = self._ground.is_unsaved(path)
        before: bytes | None = None
        try:
            if isinstance(first, bytes):
                before = mask(first)
            elif first:
                before = await self._session.kept(first)
        except NotFound:
            first = None
        if first is None:
            return FileDiff(path, "deleted" if after is None else "changed", None, unsaved=unsaved, reason=NOT_KEPT)
        if before == after:
            return None
        change = await trio.to_thread.run_sync(file_changed, path, before, after)
        return FileDiff(path, change.kind, change.diff, change.added, change.removed, unsaved)

    async def _others(self, place: str, known: Container[str], kept: Before | None) -> tuple[list[str], bool]:
        """Files whose time says that they were changed since, besides those of which more is known; and whether that is
        all. Those that are as in the first snapshot may have been changed before that alone."""
        names: list[str] = []

        def take(paths: Sequence[str]) -> bool:
            names.extend(paths)
            return len(names) < MOST_LOOKED_AT

        entry = await self._ground.disk.stat(place)
        if entry is None or entry.kind not in ("file", "folder"):
            return [], True
        self._ground.workspace.guard.check(entry.path, "read")
        whole = await self._ripgrep.files(self._ground, [], f"./{entry.path}", take)
        since = self._session.info.created
        found = await trio.to_thread.run_sync(_touched, self._ground.disk.root, names, since)
        if kept is not None:
            found = {name: time for name, time in found.items() if name not in kept.same or time <= kept.first.time}
        return [name for name in found if name not in known and not self._ground.is_unsaved(name)], whole


def _touched(root: Path, names: Sequence[str], since: int) -> dict[str, float]:
    """The files among them that were changed behind `since`, in ms since 1970, and when: their content or, as a rename,
    their place."""
    found = {}
    for name in names:
        try:
            status = os.lstat(f"{root}/{name}")
        except OSError:
            continue
        if (time := max(status.st_mtime, status.st_ctime) * 1000) > since:
            found[name] = time
    return found


def _is_folder(leaf: Leaf | None) -> bool:
    return leaf is not None and leaf.kind == "folder"


def _is_in(path: str, place: str) -> bool:
    return place in ("", path) or path.startswith(f"{place}/")
