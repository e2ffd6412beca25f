"""Who may write a session: its owner, while that process lives. All of it runs in the database's thread."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pillion import NotFound
from pillion.errors import OwnedElsewhere

from .database import Opened
from .dialect import Dialect, rows_of
from .processes import FORGOTTEN, Other, Self

COLUMNS = "id, host, pid, born, started, beat"
BEAT = f"""INSERT INTO process ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET beat = excluded.beat"""
TAKE = "UPDATE session SET generation = generation + 1, owner = ? WHERE id = ?"


def processes_of(dialect: Dialect, connection: Any) -> list[Other]:
    """All that have said that they have the database open, the first ones first."""
    return [Other(*row) for row in rows_of(dialect.run(connection, f"SELECT {COLUMNS} FROM process ORDER BY started"))]


class Leases:
    """Those of one database, as this process sees them. Who was silent for `seconds` may be followed."""

    def __init__(self, opened: Opened, me: Self, seconds: float) -> None:
        self._database, self._dialect = opened.database, opened.dialect
        self.me, self.seconds = me, seconds
        self._started = 0

    def beat(self) -> None:
        """Shows that this process lives, and clears away those that don't.

        Nobody's sessions are touched: an owner without a row is none.
        """
        now = self._now()
        self._started = self._started or now
        me = self.me
        self._run(BEAT, (me.id, me.host, me.pid, me.born, self._started, now))
        for other in self.others():
            if other.ended() or other.silent(now) > FORGOTTEN * self.seconds:
                self._run("DELETE FROM process WHERE id = ?", (other.id,))

    def leave(self) -> None:
        """All that this process has open is free."""
        self._run("DELETE FROM process WHERE id = ?", (self.me.id,))

    def take(self, session: str) -> tuple[int, int]:
        """Makes it this process's; its new generation and its last seq. Raises NotFound, OwnedElsewhere."""
        self.check(session)
        self._run(TAKE, (self.me.id, session))
        ((generation, last),) = self._all("SELECT generation, last FROM session WHERE id = ?", (session,))
        return generation, last

    def release(self, session: str, generation: int) -> None:
        """Another process may take it."""
        self._run("UPDATE session SET owner = '' WHERE id = ? AND generation = ?", (session, generation))

    def check(self, session: str) -> None:
        """May this process take it? Raises NotFound, OwnedElsewhere. Nobody else can until the transaction ends."""
        rows = self._all(f"SELECT owner FROM session WHERE id = ?{self._dialect.locked}", (session,))
        if not rows:
            raise NotFound(f"There is no session {session}.")
        ((owner,),) = rows
        for other in self.others() if owner and owner != self.me.id else ():
            if other.id == owner and other.lives(self._now(), self.seconds):
                raise OwnedElsewhere(
                    f"Session {session} is open in {other}. Prompt it there, or end that process with "
                    f"`kill {other.pid}`; one that is silent for {self.seconds:g} s is followed by itself."
                )

    def owners(self) -> set[str]:
        """The processes that live, this one included: what they have open is not to be touched."""
        now = self._now()
        return {self.me.id} | {other.id for other in self.others() if other.lives(now, self.seconds)}

    def others(self) -> list[Other]:
        """The other processes that have said that they have the database open."""
        found = processes_of(self._dialect, self._database.get_connection())
        return [other for other in found if other.id != self.me.id]

    def _now(self) -> int:
        return self._dialect.now(self._database.get_connection())

    def _run(self, statement: str, values: Sequence[Any]) -> Any:
        return self._dialect.run(self._database.get_connection(), statement, values)

    def _all(self, statement: str, values: Sequence[Any]) -> list[Any]:
        return list(rows_of(self._run(statement, values)))
