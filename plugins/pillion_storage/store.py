"""The Store contract on a database: logs that survive the process."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

import trio

from pillion import Batch, Conflict, Draft, NotFound, Page, PillionError, Record, SessionInfo, SessionQuery
from pillion.contracts.store import Opened
from pillion.errors import LostLease, StoreFailed

from .database import Opened as Database
from .dialect import rows_of
from .faults import low
from .hookspecs import Projected, Projection
from .leases import Leases
from .listing import Listing, info_of
from .ponytypes import flush
from .projecting import ProjectionFailed, Projector
from .retention import Keep, Look, Tree, tree_of
from .rows import Rows, plain
from .search import TITLE
from .thread import DatabaseThread

LEAVE_SECONDS = 5.0
"""What a database gets to take leave of."""
_log = logging.getLogger("pillion.storage")
T = TypeVar("T")


COLUMNS = "seq, type, turn, time, data"


class Tried:
    """Has a piece of work been begun before?"""

    def __init__(self) -> None:
        self._tries = 0

    def before(self) -> bool:
        self._tries += 1
        return self._tries > 1


class DatabaseStore:
    """Implements the Store contract; see there. `open_store` makes one."""

    def __init__(
        self, thread: DatabaseThread, opened: Database, leases: Leases, projections: Mapping[str, Projection]
    ) -> None:
        self._thread, self._entities, self._leases = thread, opened.entities, leases
        self._database, self._dialect, self._place = opened.database, opened.dialect, opened.place
        self.one_server = opened.dialect.name == "sqlite"
        thread.whole = self._commit_all
        self.opened = opened
        self._rows, self._search = opened.rows, opened.search
        self._projector = Projector(opened.rows, projections)
        self._listing = Listing(opened.entities, opened.rows, opened.search)

    async def create(self, info: SessionInfo) -> Opened:
        tried = Tried()

        def work() -> Opened:
            if self._entities.Session.exists(id=info.id):
                if tried.before() and self._session(info.id).owner == self._leases.me.id:
                    return Opened(info, 1, 0)  # the first try was kept
                raise Conflict(f"There is a session {info.id} already.")
            tried.before()
            self._entities.Session(
                id=info.id,
                workspace=info.workspace,
                title=plain(info.title),
                model=plain(info.model),
                strategy=plain(info.strategy),
                labels=_plain(info.labels),
                parent=info.parent,
                trusted=info.trusted,
                archived=info.archived,
                origin=info.origin,
                branched=info.branched,
                created=info.created,
                updated=info.updated,
                generation=1,
                owner=self._leases.me.id,
            )
            flush()
            self._search.put(info.id, TITLE, info.title)
            return Opened(info, 1, 0)

        return await self._thread.write(work)

    async def open(self, session: str) -> Opened:
        def work() -> Opened:
            generation, last = self._leases.take(session)
            rows = self._all("SELECT item, at, text FROM draft WHERE session = ? ORDER BY item, at", (session,))
            return Opened(info_of(self._session(session)), generation, last, [Draft(*row) for row in rows])

        return await self._thread.write(work)

    async def commit(self, batch: Batch) -> None:
        failed: list[ProjectionFailed] = []
        tried = Tried()
        while True:
            try:
                part = None if failed else (batch, tried)
                return await self._thread.write(lambda: self._commit(batch, failed, again=tried.before()), part)
            except StoreFailed as error:
                if not isinstance(error.__cause__, ProjectionFailed):
                    raise
                failed.append(error.__cause__)  # again, without it

    async def release(self, session: str, generation: int) -> None:
        await self._thread.once(lambda: self._leases.release(session, generation))

    async def read(self, session: str, after: int, limit: int) -> list[Record]:
        def work() -> list[Record]:
            rows = self._all(
                f"SELECT {COLUMNS} FROM agent_event WHERE session = ? AND seq > ? ORDER BY seq LIMIT ?",
                (session, after, limit),
            )
            if not rows:
                self._session(session)
            return [Record(seq, type, turn, time, bytes(data)) for seq, type, turn, time, data in rows]

        return await self._thread.read(work)

    async def blob(self, hash: str) -> bytes:
        def work() -> bytes:
            rows = self._all("SELECT data FROM blob WHERE hash = ?", (hash,))
            if not rows:
                raise NotFound(f"There is no blob {hash}.")
            return bytes(rows[0][0])

        return await self._thread.read(work)

    async def info(self, session: str) -> SessionInfo:
        return await self._thread.read(lambda: info_of(self._session(session)))

    async def sessions(self, query: SessionQuery) -> Page:
        return await self._thread.read(lambda: self._listing.page(query))

    async def delete(self, session: str) -> None:
        def work() -> None:
            self._leases.check(session)
            self._delete(session)

        await self._thread.write(work)

    async def expire(self, keep: Keep) -> list[Tree]:
        """Deletes what retention takes, tree by tree, and says what that was. Raises StoreFailed."""
        gone: list[Tree] = []
        if not keep.days and not keep.megabytes:
            return gone
        look = await self._thread.read(lambda: Look(self._database.get_connection(), self._dialect, keep))
        while planned := await self._thread.read(lambda: self._next(look)):
            tree = await self._thread.once(partial(self._expire, planned))
            if tree is None:  # somebody opened it, or deletes as well: the sum is another
                await self._thread.read(lambda: look.measure(self._database.get_connection(), self._dialect))
            else:
                gone.append(tree)
                look.excess -= tree.bytes
        return gone

    async def reading(self, work: Callable[[Rows], T]) -> T:
        """For those with rows of their own: runs `work` in the database's thread, in a `db_session`. StoreFailed."""
        return await self._thread.read(lambda: work(self._rows))

    async def writing(self, work: Callable[[Rows], T]) -> T:
        """The same, and returns when it is durable. `work` may run a second time."""
        return await self._thread.write(lambda: work(self._rows))

    async def aclose(self) -> None:
        if self._thread.stopped:
            return
        with trio.move_on_after(LEAVE_SECONDS):  # others see that this process has ended, if it can't say so
            try:
                await self._thread.once(self._leases.leave)
                await self._thread.plain(self._database.disconnect)
            except StoreFailed as error:
                _log.warning("The database could not be left tidy: %s", error)
            await self._thread.aclose()

    async def health(self) -> str:
        """Can it write? "", or a sentence with the way out."""
        try:
            await self._thread.once(self._leases.beat)
        except StoreFailed as error:
            return str(error)
        return low(self._place)

    # ── in the thread ──

    def _delete(self, session: str) -> None:
        hashes = self._all("SELECT hash FROM blob_use WHERE session = ?", (session,))
        self._run("DELETE FROM session WHERE id = ?", (session,))
        unused = "DELETE FROM blob WHERE hash = ? AND NOT EXISTS (SELECT 1 FROM blob_use WHERE hash = blob.hash)"
        for row in hashes:
            self._run(unused, row)

    def _next(self, look: Look) -> Tree | None:
        return look.next(self._database.get_connection(), self._dialect, self._leases.owners())

    def _expire(self, planned: Tree) -> Tree | None:
        """What was deleted. None: nothing, it is gone already or was touched since."""
        for session in planned.sessions:
            self._run(f"SELECT 1 FROM session WHERE id = ?{self._dialect.locked}", (session,))
        tree = tree_of(self._database.get_connection(), self._dialect, planned.root, self._leases.owners())
        if tree is None or tree.updated != planned.updated:
            return None
        for session in tree.sessions:
            self._delete(session)
        return tree

    def _commit(self, batch: Batch, failed: Sequence[ProjectionFailed], *, again: bool) -> None:
        """`again`: an earlier try may have been kept, though nobody was told; then all is well."""
        if self._dialect.touch(self._database.get_connection(), [_touched(batch)]) != 1:
            if again and self._has(batch):
                return
            raise self._refusal(batch)
        self._write([batch])
        if batch.records:
            self._projector.note(batch.session, batch.records, failed)
            self._projector.run(Projected(batch.session, batch.records), failed)

    def _commit_all(self, parts: Sequence[tuple[Batch, Tried]]) -> None:
        """Batches that have come together, by few statements. Raises Conflict where not all have leave."""
        batches = [batch for batch, _ in parts]
        rows = [_touched(batch) for batch in batches]
        if self._dialect.touch(self._database.get_connection(), rows) != len(rows):
            raise Conflict("Not all of these batches can be written.")
        for _, tried in parts:
            tried.before()  # from here on it may be kept, though nobody is told
        self._write(batches)
        for batch in batches:
            if batch.records:
                self._projector.run(Projected(batch.session, batch.records), ())

    def _has(self, batch: Batch) -> bool:
        """Is the log, under this very lease, exactly what this batch made of it?"""
        held = self._all("SELECT generation FROM session WHERE id = ?", (batch.session,))
        behind = "SELECT seq, type, turn, time, data FROM agent_event WHERE session = ? AND seq > ? ORDER BY seq"
        rows = self._all(behind, (batch.session, batch.expected))
        found = [Record(seq, type, turn, time, bytes(data)) for seq, type, turn, time, data in rows]
        return held == [(batch.generation,)] and found == list(batch.records)

    def _refusal(self, batch: Batch) -> PillionError:
        rows = self._all("SELECT generation, last FROM session WHERE id = ?", (batch.session,))
        if not rows:
            return NotFound(f"There is no session {batch.session}.")
        generation, last = rows[0]
        if generation != batch.generation:
            return LostLease(f"Session {batch.session} was opened again by somebody else.")
        return Conflict(f"Session {batch.session} has {last} events, not {batch.expected}.")

    def _write(self, batches: Sequence[Batch]) -> None:
        for batch in batches:
            if batch.info is not None:
                self._change(batch.session, batch.info)
        ignore = " ON CONFLICT DO NOTHING"
        self._many(
            f"INSERT INTO blob (hash, data) VALUES (?, ?){ignore}",
            [blob for batch in batches for blob in batch.blobs.items()],
        )
        self._many(
            f"INSERT INTO blob_use (session, hash) VALUES (?, ?){ignore}",
            [(batch.session, hash) for batch in batches for hash in batch.blobs],
        )
        self._many(
            f"INSERT INTO agent_event (session, {COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)",
            [(batch.session, r.seq, r.type, r.turn, r.time, r.data) for batch in batches for r in batch.records],
        )
        self._many(
            """INSERT INTO draft (session, item, at, text) VALUES (?, ?, ?, ?)
            ON CONFLICT (session, item, at) DO UPDATE SET text = excluded.text""",  # of a try that failed
            [(batch.session, d.item, d.at, plain(d.text)) for batch in batches for d in batch.drafts],
        )
        for batch in batches:
            for item in batch.closes:
                self._run("DELETE FROM draft WHERE session = ? AND item = ?", (batch.session, item))

    def _change(self, session: str, new: SessionInfo) -> None:
        row = self._session(session)
        if row.title != new.title:
            self._search.put(session, TITLE, new.title)
        row.set(
            title=plain(new.title),
            labels=_plain(new.labels),
            model=plain(new.model),
            strategy=plain(new.strategy),
            archived=new.archived,
        )
        flush()

    def _session(self, id: str) -> Any:
        found = self._entities.Session.get(id=id)
        if found is None:
            raise NotFound(f"There is no session {id}.")
        return found

    def _run(self, statement: str, values: Sequence[Any] = ()) -> Any:
        return self._dialect.run(self._database.get_connection(), statement, values)

    def _all(self, statement: str, values: Sequence[Any] = ()) -> list[Any]:
        return list(rows_of(self._run(statement, values)))

    def _many(self, statement: str, rows: Sequence[Sequence[Any]]) -> None:
        if rows:
            self._dialect.run_many(self._database.get_connection(), statement, rows)


def _plain(labels: Mapping[str, str]) -> dict[str, str]:
    return {plain(key): plain(value) for key, value in labels.items()}


def _touched(batch: Batch) -> tuple[int, int, str, int, int]:
    """The log's new last seq and its time, and where it must stand before."""
    last, time = (batch.records[-1].seq, batch.records[-1].time) if batch.records else (batch.expected, 0)
    return last, time, batch.session, batch.generation, batch.expected
