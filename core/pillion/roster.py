"""The sessions of a kernel by their ids: those in memory, and what is left of those at rest."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

import trio

from .asking import Approvals, Questions

if TYPE_CHECKING:
    from .session import Session


class Roster:
    """A session at rest costs nothing, unless somebody holds it, or it was told an answer for the whole session."""

    def __init__(self) -> None:
        self._live: dict[str, Session] = {}
        self._held: WeakValueDictionary[str, Session] = WeakValueDictionary()
        """Also those at rest that somebody still holds: they come back as the same objects."""
        self._desks: dict[str, tuple[Approvals, Questions]] = {}
        """Of those at rest, where something was answered."""
        self._locks: WeakValueDictionary[str, trio.Lock] = WeakValueDictionary()

    def __iter__(self) -> Iterator[Session]:
        """Those in memory, as they are now."""
        return iter(list(self._live.values()))

    def live(self, id: str) -> Session | None:
        return self._live.get(id)

    def held(self, id: str) -> Session | None:
        """In memory, or held by somebody."""
        return self._held.get(id)

    def desks(self, id: str) -> tuple[Approvals, Questions] | None:
        """What was answered before the rest."""
        return self._desks.get(id)

    def add(self, session: Session) -> None:
        """It is in memory from now on."""
        self._live[session.id] = self._held[session.id] = session
        self._desks.pop(session.id, None)

    def rest(self, session: Session) -> None:
        """It leaves memory."""
        self._live.pop(session.id, None)
        if any(desk.remembers for desk in session.desks):
            self._desks[session.id] = session.approvals, session.questions

    def drop(self, session: Session) -> None:
        """It is over; another one of its id may be there by now."""
        for known in (self._live, self._held):
            if known.get(session.id) is session:
                del known[session.id]

    def forget(self, id: str) -> None:
        """It is deleted."""
        self._desks.pop(id, None)

    def lock(self, id: str) -> trio.Lock:
        """Whoever opens or deletes that session has it meanwhile; others wait for nobody."""
        return self._locks.setdefault(id, trio.Lock())

    async def put_to_rest(self, idle: float) -> None:
        """Sessions that nobody has touched for `idle` seconds leave memory, where nothing needs them there."""
        then = trio.current_time() - idle
        async with trio.open_nursery() as nursery:
            for session in self:
                if session.touched <= then and session.at_peace:
                    nursery.start_soon(session.rest)

    async def sweep(self, idle: Callable[[], float]) -> None:
        """Puts to rest what has been idle for so long, for ever."""
        while True:
            await trio.sleep(idle() / 4)
            await self.put_to_rest(idle())
