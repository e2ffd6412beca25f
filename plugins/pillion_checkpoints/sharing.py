"""Snapshots for other plugins: what a workspace was, by name."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Mapping, Sequence
from contextlib import suppress
from typing import TypeVar, cast

from pillion import LocalWorkspace, NotFound, Session, Workspace
from pillion.contracts.forks import Changed, First, Leaf

from .shelf import Book, Shelf
from .state import Snapshot, Thing
from .timeline import Timelines

T = TypeVar("T")
_NAME = re.compile("[0-9a-f]{40}")


class SharedSnapshots:
    """Those of all workspaces that are folders of this machine."""

    def __init__(self, shelf: Shelf, timelines: Timelines) -> None:
        self._shelf, self._timelines = shelf, timelines

    async def take(self, workspace: Workspace, mark: str) -> str:
        book = self._book(workspace)
        for _ in range(2):  # old ones may be given up in between
            try:
                return (await book.keep(await book.look(), _ref(mark), {"mark": mark})).commit
            except KeyError:
                continue
        raise NotFound("What was just kept is gone.")

    async def keep(self, workspace: Workspace, snapshot: str, mark: str) -> None:
        book = self._book(workspace)
        await book.point(_ref(mark), (await _of(book, snapshot)).commit)

    async def forget(self, workspace: Workspace, mark: str) -> None:
        await self._book(workspace).forget(_ref(mark))

    async def leaves(self, workspace: Workspace, snapshot: str) -> Sequence[Leaf]:
        book = self._book(workspace)
        found = await _there(book.all((await _of(book, snapshot)).state))
        return [cast(Leaf, _leaf(path, thing)) for path, thing in found]

    async def skipped(self, workspace: Workspace, snapshot: str) -> Mapping[str, str]:
        book = self._book(workspace)
        return await _there(book.skipped((await _of(book, snapshot)).state))

    async def changes(self, workspace: Workspace, before: str, after: str) -> Sequence[Changed]:
        book = self._book(workspace)
        states = (await _of(book, before)).state, (await _of(book, after)).state
        return [
            Changed(one.path, _leaf(one.path, one.before), _leaf(one.path, one.after))
            for one in await _there(book.differences(*states))
        ]

    async def contents(self, workspace: Workspace, leaves: Sequence[Leaf | None]) -> Sequence[bytes | None]:
        things = [None if leaf is None else Thing(leaf.kind, leaf.name, leaf.bits) for leaf in leaves]
        return await _there(self._book(workspace).contents(things))

    async def first(self, session: Session) -> First:
        timeline = await self._timelines.of(session)
        if not timeline.marks:
            raise NotFound("No snapshot of this session's workspace has been taken yet.")
        mark = timeline.marks[0]
        return First(mark.id, mark.time, frozenset(timeline.earlier))

    def share(self, fork: Workspace, origin: Workspace) -> None:
        self._shelf.share(fork.root, origin.root)

    def _book(self, workspace: Workspace) -> Book:
        if not isinstance(workspace, LocalWorkspace):
            raise NotFound("This workspace is no folder of this machine: its files are not kept.")
        return self._shelf.book(workspace)


def _ref(mark: str) -> str:
    return f"forks/{mark}"


async def _of(book: Book, snapshot: str) -> Snapshot:
    if _NAME.fullmatch(snapshot):
        with suppress(KeyError, ValueError):
            return await book.of(snapshot)
    raise NotFound("There is no such snapshot of this workspace, or it has been given up.")


async def _there(asking: Awaitable[T]) -> T:
    try:
        return await asking
    except KeyError:
        raise NotFound("What was kept then is gone: old snapshots are given up.") from None


def _leaf(path: str, thing: Thing | None) -> Leaf | None:
    return None if thing is None else Leaf(path, thing.kind, thing.name, thing.bits)  # type: ignore[arg-type]
