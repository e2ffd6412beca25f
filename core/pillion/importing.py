"""Sessions in: a file is checked line by line, and what it holds is seen when it is whole, or never."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Awaitable
from typing import TYPE_CHECKING, TypeVar, assert_never

import msgspec
import trio

from .arrival import TAKEN, Arrival, Wrong
from .contracts.store import SessionInfo
from .errors import Conflict, PillionError, StoreFailed
from .portable import End, Entry, Kept, Lines, More, Piece, Start

if TYPE_CHECKING:
    from .kernel import Kernel

T = TypeVar("T")
_log = logging.getLogger(__name__)


class Import:
    """One file. With `new_ids` its sessions get other ids, and events that name them name the new ones."""

    def __init__(self, kernel: Kernel, more: More, *, new_ids: bool) -> None:
        self._kernel, self._store = kernel, kernel.store
        self._lines = Lines(more)
        self._new_ids = new_ids
        self._ids: dict[str, str] = {}
        """The new id of each session that the file names, where it has one."""
        self._told: set[str] = set()
        """The sessions of the file, by their ids there."""
        self._arrivals: list[Arrival] = []

    async def run(self) -> str:
        """The first session's id. Raises BadExport, Conflict, TooLarge, StoreFailed; then nothing of it is left."""
        try:
            while not isinstance(line := await self._lines.next(), End):
                await self._take(line)
            await self._end(line)
        except BaseException:  # also when cancelled
            await self._undo()
            raise
        finally:
            self._kernel.arriving.difference_update(arrival.info.id for arrival in self._arrivals)
        return self._arrivals[0].info.id

    async def _take(self, line: Start | Piece | Entry) -> None:
        try:
            match line:
                case Start():
                    self._close()
                    await self._begin(line.session)
                case Piece():
                    self._latest.blob(line)
                case Entry():
                    await self._bounded(self._latest.record(line))
                case _:
                    assert_never(line)
            if self._latest.is_full():
                await self._bounded(self._latest.commit())
        except Wrong as error:
            raise self._lines.wrong(str(error)) from None

    @property
    def _latest(self) -> Arrival:
        if not self._arrivals:
            raise Wrong("A file begins with a session.")
        return self._arrivals[-1]

    async def _begin(self, told: Kept) -> None:
        kernel = self._kernel
        if told.parent if not self._told else told.parent not in self._told:
            raise Wrong("The first session has no parent, and the parent of each other one comes before it.")
        if told.id in self._told:
            raise Wrong("This session was there before.")
        self._told.add(told.id)
        info = self._here(told)
        if info.id in kernel.arriving or info.id in kernel.ephemeral:
            raise Conflict(TAKEN.format(info.id))
        arrival = Arrival(info, self._store, kernel.secrets, self._id)
        kernel.arriving.add(info.id)
        try:
            await self._bounded(arrival.begin())
        except BaseException:  # also when cancelled
            kernel.arriving.discard(info.id)
            raise
        self._arrivals.append(arrival)

    def _here(self, told: Kept) -> SessionInfo:
        """What the session is on this server."""
        redact = self._kernel.secrets.redact
        info = told.info(trusted=self._kernel.settings.trust.includes(told.workspace))
        return msgspec.structs.replace(
            info,
            id=self._id(told.id),
            parent=self._id(told.parent) if told.parent else "",
            title=redact(told.title),
            labels={key: redact(value) for key, value in told.labels.items()},
        )

    def _id(self, told: str) -> str:
        return self._ids.setdefault(told, secrets.token_hex(16)) if self._new_ids else told

    def _close(self) -> None:
        if self._arrivals and not self._arrivals[-1].last:
            raise Wrong("The session before has no event.")

    async def _end(self, line: End) -> None:
        """All is there. The first session, which lists show, comes last."""
        try:
            self._close()
        except Wrong as error:
            raise self._lines.wrong(str(error)) from None
        before = self._lines.number - 1
        if line.lines != before:
            raise self._lines.wrong(f"The file should have {line.lines} lines before this one, and has {before}.")
        await self._lines.end()
        for arrival in reversed(self._arrivals):
            await self._bounded(arrival.finish())

    async def _undo(self) -> None:
        for arrival in reversed(self._arrivals):
            with trio.CancelScope(shield=True):
                try:
                    await self._bounded(self._store.delete(arrival.info.id))
                except PillionError as error:
                    _log.warning("Session %s of an import that failed is left, archived: %s", arrival.info.id, error)

    async def _bounded(self, work: Awaitable[T]) -> T:
        seconds = self._kernel.settings.deadlines.store
        try:
            with trio.fail_after(seconds):
                return await work
        except trio.TooSlowError:
            raise StoreFailed(f"The store did not answer within {seconds:g} s.") from None
