"""What became of a session's files since it was opened, over HTTP: diffs of those that it changed, names of others."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import msgspec
import trio
from msgspec import Struct
from quart import Blueprint, Response

from pillion import Kernel, NotFound, SessionQuery, ToolError
from pillion.filediff import file_changed
from pillion_http.routes import answer, read_query

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

        A file is compared with what it was before the session's first change of it, or a child's. What else has changed
        since, by a command or by somebody, is named as far as ignore rules let it be seen; its `diff` is null. What a
        command has deleted is not known. Known secrets are masked.
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
        firsts = {name: before for name, before in (await self._firsts()).items() if _is_in(name, place)}
        others, whole = await self._others(place, firsts)
        told, size = [], 0
        for name in sorted({*firsts, *others})[:MOST]:
            diff = await self._compared(name, firsts[name]) if name in firsts else FileDiff(name, "changed", None)
            if diff is None:
                continue
            size += len(diff.diff or "")
            if diff.diff is None:
                diff = msgspec.structs.replace(diff, reason=NOT_KEPT if name in firsts else UNKNOWN)
            elif size > LONGEST:
                diff = msgspec.structs.replace(diff, diff=None, reason=TOO_LONG)
            told.append(diff)
        since = datetime.fromtimestamp(self._session.info.created / 1000, UTC).isoformat(timespec="milliseconds")
        return Changes(since.replace("+00:00", "Z"), told, whole and len(firsts) + len(others) <= MOST)

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
            return FileDiff(path, "deleted" if after is None else "changed", None, unsaved=unsaved)
        if before == after:
            return None
        change = await trio.to_thread.run_sync(file_changed, path, before, after)
        return FileDiff(path, change.kind, change.diff, change.added, change.removed, unsaved)

    async def _others(self, place: str, known: Mapping[str, object]) -> tuple[list[str], bool]:
        """Files whose time says that they were changed since, besides those that are known; and whether that is all."""
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
        return [name for name in found if name not in known and not self._ground.is_unsaved(name)], whole


def _touched(root: Path, names: Sequence[str], since: int) -> list[str]:
    """The files among them that were changed behind `since`, in ms since 1970: their content or, as a rename, their
    place."""
    found = []
    for name in names:
        try:
            status = os.lstat(f"{root}/{name}")
        except OSError:
            continue
        if max(status.st_mtime, status.st_ctime) * 1000 > since:
            found.append(name)
    return found


def _is_in(path: str, place: str) -> bool:
    return place in ("", path) or path.startswith(f"{place}/")
