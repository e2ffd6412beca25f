"""Somebody's place in a log, from which they read on at their own pace."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import trio

from .contracts.store import Record
from .frames import Cursor, Frame, Resync, notice

if TYPE_CHECKING:
    from .eventlog import EventLog

PAGE = 256
"""About how many frames one page holds at most."""


class Reader:
    """A cursor on a log. It holds nothing but its place, and `holder`: what must not go while it is read."""

    def __init__(self, log: EventLog, cursor: Cursor) -> None:
        self._log = log
        self.holder: object = None
        self._lost = cursor.seq > log.head
        now = log.now()
        self.cursor = Cursor(0) if self._lost else min(cursor, now)
        self._since = now
        """Facts from before this reader came are not for it."""

    async def page(self) -> list[Frame]:
        """The next frames, at least one; waits for them. Empty: the log is closed and there will be no more."""
        if self.cursor != self._log.now():
            await trio.lowlevel.checkpoint()  # one that has much to catch up with lets others go between its pages
        while True:
            frames = await self.collect()
            if frames or self._log.closed:
                return frames
            await self._log.changed.park()

    async def collect(self) -> list[Frame]:
        """The next frames, without waiting for more; none: there are no more now."""
        log, frames = self._log, self._resync()
        records: Sequence[Record] = ()
        if self.cursor.seq < log.head:
            records = await log.records(self.cursor.seq, PAGE)  # the last wait: a cancel here loses nothing
        self._lost = False
        for record in records:
            self._grow(frames, record.seq)
            if len(frames) >= PAGE:
                return frames
            frames.append(log.frame(record))
            self.cursor = Cursor(record.seq)
        if self.cursor.seq == log.head:
            self._grow(frames, log.head + 1)
        return frames

    async def events(self) -> list[Frame]:
        """As page, but whole events alone: what grows is not even put together."""
        while True:
            frames = await self.whole(PAGE)
            if frames or self._log.closed:
                return frames
            await self._log.changed.park()

    async def whole(self, limit: int) -> list[Frame]:
        """The next whole events, about `limit`, without what grows and passes; none: there are no more now."""
        log, frames = self._log, self._resync()
        records = await log.records(self.cursor.seq, limit) if self.cursor.seq < log.head else ()
        self._lost = False
        if records:
            self.cursor = Cursor(records[-1].seq)
        return [*frames, *(log.frame(record) for record in records)]

    @property
    def over(self) -> bool:
        """Will nothing more be written, as far as one knows? What the log has can still be collected."""
        return self._log.closed or self._log.resting

    def _resync(self) -> list[Frame]:
        return [notice(self._log.session, Resync(head=self._log.head))] if self._lost else []

    def _grow(self, frames: list[Frame], before: int) -> None:
        for place, frame in self._log.growth(self.cursor, before, self._since):
            self.cursor = place
            frames.append(frame)
            if len(frames) >= PAGE:
                return
