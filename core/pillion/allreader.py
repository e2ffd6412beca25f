"""A reader of all live sessions at once: it holds a cursor for each, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import trio

from .errors import NotFound
from .frames import Frame, SessionCursor, notice
from .logreader import Reader


class AllReaders:
    """Those of one kernel."""

    def __init__(self) -> None:
        self._open: set[AllReader] = set()

    def open(self, readers: Mapping[str, Reader]) -> AllReader:
        """One more; `readers` are of the sessions that live already."""
        reader = AllReader(readers, self)
        self._open.add(reader)
        return reader

    def discard(self, reader: AllReader) -> None:
        self._open.discard(reader)

    def add(self, session: str, follow: Callable[[str], Reader]) -> None:
        """A session is live from now on."""
        for reader in self._open:
            reader.add(session, follow)

    def ring(self, session: str) -> None:
        """There is more to read of that session."""
        for reader in self._open:
            reader.ring(session)


class AllReader:
    """Made by Kernel.follow(). Behind one `session.cursor` comes what a session shows, in its order."""

    cursor = ""
    """It has no place of its own: each session has one."""

    def __init__(self, readers: Mapping[str, Reader], all: AllReaders) -> None:
        self._all = all
        self._readers = dict(readers)
        self._unnamed = set(readers)
        """Sessions whose cursor was not yet told."""
        self._due = dict.fromkeys(readers)
        """Sessions that may have something, the one that waits longest first."""
        self._bell = trio.lowlevel.ParkingLot()

    def add(self, session: str, follow: Callable[[str], Reader]) -> None:
        """Goes on where it was, when the session was there before; it is told of at its first event."""
        earlier = self._readers.get(session)
        self._readers[session] = follow(str(earlier.cursor) if earlier else "latest")
        self._unnamed.add(session)

    def ring(self, session: str) -> None:
        if session in self._readers:
            self._due[session] = None
            self._bell.unpark_all()

    async def page(self) -> list[Frame]:
        """The next frames of one session; waits for them. Sessions take turns, so that none keeps out another."""
        await trio.lowlevel.checkpoint()
        while True:
            while self._due:
                session = next(iter(self._due))
                frames = await self._collect(session)  # a cancel in there loses nothing
                del self._due[session]
                if frames:
                    self._due[session] = None  # there may be more; the others come first
                    return frames
            await self._bell.park()

    def close(self) -> None:
        """No more of it is wanted."""
        self._all.discard(self)

    async def _collect(self, session: str) -> list[Frame]:
        reader = self._readers[session]
        place = str(reader.cursor)
        try:
            frames = await reader.collect()
        except NotFound:  # deleted before this reader came to its end
            frames = []
        if session in self._unnamed:
            self._unnamed.discard(session)
            return [notice(session, SessionCursor(place)), *frames]
        if not frames and reader.over and self._readers.get(session) is reader:  # else it was opened again meanwhile
            del self._readers[session]
        return frames
