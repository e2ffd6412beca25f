"""Makes the rows of all projections again, from the log."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from msgspec import Struct

from pillion import Record

from .database import Opened
from .hookspecs import Projected, Projection
from .ponytypes import db_session
from .projecting import ProjectionFailed, Projector
from .search import TITLE

PAGE = 200
"""Records, or sessions, that are held at a time."""


class Progress(Struct, frozen=True):
    """`done` of `sessions` are; `faults` projections of them failed again."""

    done: int = 0
    sessions: int = 0
    faults: int = 0


def is_wanted(opened: Opened) -> bool:
    """Are there tables that know nothing of older logs?"""
    with db_session:
        return bool(opened.rows.all("SELECT 1 FROM rebuild_wanted"))


def rebuild(
    opened: Opened,
    projections: Mapping[str, Projection],
    told: Callable[[Progress], None] = lambda _: None,
) -> Progress:
    """Makes all rows again, each session's in a transaction of its own; others may read and write meanwhile.

    `projections` are those of `all_projections`. `told` is called after each session. Where a projection fails, the
    rows that it had of that session stay, and `projection_fault` says so; all other rows there go. Blocks: call it in
    the database's thread, or where nobody waits.
    """
    work = Rebuilding(opened, projections)
    progress = Progress(0, work.count(), 0)
    for session in work.sessions():
        faults = progress.faults + work.remake(session)
        done = progress.done + 1
        progress = Progress(done, max(done, progress.sessions), faults)
        told(progress)
    work.is_done()
    return progress


class Rebuilding:
    """One pass over all logs."""

    def __init__(self, opened: Opened, projections: Mapping[str, Projection]) -> None:
        self._rows, self._search = opened.rows, opened.search
        self._projector = Projector(opened.rows, projections)

    def count(self) -> int:
        with db_session:
            return int(self._rows.all("SELECT count(*) FROM session")[0][0])

    def sessions(self) -> Iterator[str]:
        """The ids of those that are there, page by page."""
        last, page = "", [("",)]
        while page:
            with db_session:
                page = self._rows.all("SELECT id FROM session WHERE id > ? ORDER BY id LIMIT ?", (last, PAGE))
            for (last,) in page:
                yield last

    def is_done(self) -> None:
        with db_session:
            self._rows.run("DELETE FROM rebuild_wanted")

    def remake(self, session: str) -> int:
        """All rows of one session; how many projections failed."""
        failed: list[ProjectionFailed] = []
        while True:
            try:
                with db_session:
                    self._remake(session, failed)
            except ProjectionFailed as fault:
                failed.append(fault)  # again, without it
            else:
                return len(failed)

    def _remake(self, session: str, failed: Sequence[ProjectionFailed]) -> None:
        # nobody appends to it meanwhile
        self._rows.run("UPDATE session SET last = last WHERE id = ?", (session,))
        self._rows.run("DELETE FROM projection_fault WHERE session = ?", (session,))
        titles = self._rows.all("SELECT title FROM session WHERE id = ?", (session,))
        if titles:  # else it has just been deleted
            self._search.put(session, TITLE, titles[0][0])
            self._projector.note(session, (), failed)
            for page, records in enumerate(self._pages(session)):
                self._projector.run(Projected(session, records, anew=page == 0), failed)

    def _pages(self, session: str) -> Iterator[list[Record]]:
        """The log, page by page; an empty one has one empty page."""
        records, last = self._records(session, 0), 0
        yield records
        while len(records) == PAGE:
            last = records[-1].seq
            if records := self._records(session, last):
                yield records

    def _records(self, session: str, after: int) -> list[Record]:
        rows = self._rows.all(
            "SELECT seq, type, turn, time, data FROM agent_event WHERE session = ? AND seq > ? ORDER BY seq LIMIT ?",
            (session, after, PAGE),
        )
        return [Record(seq, type, turn, time, bytes(data)) for seq, type, turn, time, data in rows]
