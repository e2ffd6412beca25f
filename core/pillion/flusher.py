"""Makes text that grows durable: one task for all sessions."""

from __future__ import annotations

import logging

import trio

from .errors import PillionError
from .roster import Roster
from .session import Session

FLUSH_SECONDS = 0.25
"""Growth is durable after this long at most."""
_log = logging.getLogger("pillion")


class Flusher:
    """That of one kernel."""

    def __init__(self, roster: Roster) -> None:
        self._roster = roster
        self._growth = trio.Event()
        self._grown: set[str] = set()
        """Sessions whose text has grown since the last flush."""

    def grew(self, session: str) -> None:
        """There is text that does not last yet."""
        self._grown.add(session)
        self._growth.set()

    async def run(self) -> None:
        while True:
            await self._growth.wait()
            await trio.sleep(FLUSH_SECONDS)
            self._growth = trio.Event()
            await self._flush_all()

    async def _flush_all(self) -> None:
        grown, self._grown = self._grown, set()
        async with trio.open_nursery() as nursery:
            for session in filter(None, map(self._roster.live, grown)):
                nursery.start_soon(self._flush, session)

    async def _flush(self, session: Session) -> None:
        try:
            await session.flush()
        except PillionError as error:
            _log.warning("Growing text of session %s is not durable: %s", session.id, error)
