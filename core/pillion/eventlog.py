"""An append-only, numbered log of one session. Readers keep their own cursors; a slow one slows nobody."""

from __future__ import annotations

import bisect
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from weakref import WeakSet

import trio

from .contracts.store import Batch, Draft, Opened, Record, SessionInfo, Store
from .errors import Conflict, LostLease, StoreFailed
from .events import Event, LogStalled, encode, mended, type_of
from .frames import Cursor, Delta, Frame, encoder
from .logreader import Reader
from .secrets import Secrets

TAIL = 256
"""Records kept in memory for readers that are nearly there; older ones come from the store."""
PIECES = 4096
"""The most deltas that are merged into one."""
FACTS = 64
"""Passing facts that a reader may lag behind before it misses some."""


class _Item:
    """An open item: its pieces and where each ends."""

    __slots__ = ("drafted", "ends", "held", "kind", "pieces", "seq", "step", "turn")

    def __init__(self, seq: int, kind: str, turn: str, step: int) -> None:
        self.seq, self.kind, self.turn, self.step = seq, kind, turn, step
        self.pieces: list[str] = []
        self.ends: list[int] = [0]
        self.held = ""  # may be the beginning of a secret
        self.drafted = 0  # pieces that are durable as drafts


class _Run:
    """Deltas of one item one after the other: numbers `first` to `last` since event `seq`; or one passing fact."""

    __slots__ = ("fact", "first", "item", "last", "piece", "seq")

    def __init__(self, seq: int, n: int, item: _Item | None, piece: int, fact: Frame | None = None) -> None:
        self.seq, self.first, self.last, self.item, self.piece, self.fact = seq, n, n, item, piece, fact

    def end(self) -> tuple[int, int]:
        return (self.seq, self.last)


class EventLog:
    """Numbers events, makes them durable, then shows them. Only the session's actor and its turn write."""

    def __init__(
        self,
        session: str,
        opened: Opened,
        store: Store,
        secrets: Secrets,
        *,
        store_deadline: float,
        on_shown: Callable[[str, Sequence[Record]], None],
        on_grown: Callable[[str], None],
        on_changed: Callable[[str], None],
        on_lost: Callable[[str], None],
    ) -> None:
        self.session = session
        self.head = opened.last
        self.closed = False
        self.resting = False
        """The session is out of memory: nothing is written, and what is read comes from the store."""
        self._followers: WeakSet[Reader] = WeakSet()
        self._n = 0
        self._generation = opened.generation
        self._store, self._secrets = store, secrets
        self._store_deadline = store_deadline
        self._on_shown, self._on_grown, self._on_changed, self._on_lost = on_shown, on_grown, on_changed, on_lost
        self._tail: deque[Record] = deque(maxlen=TAIL)
        self._items: dict[int, _Item] = {}
        self._runs: list[_Run] = []
        self._facts = 0
        self._lock = trio.Lock()
        self._adrift = ""
        """Why a write failed: since then it is not known what the store holds."""
        self._stalled = ""
        """What watchers were told of it last."""
        self._failures = 0
        self._tried: tuple[Sequence[Record], Sequence[Event]] = (), ()
        """What that write would have added."""
        self.changed = trio.lowlevel.ParkingLot()
        """Where readers wait for more."""

    # ── writing ──

    async def append(
        self, *events: Event, turn: str = "", blobs: Mapping[str, bytes] = {}, info: SessionInfo | None = None
    ) -> list[Record]:
        """Makes the events durable, all or none, then shows them. Returns their records. `info` is the session's from
        then on.

        Raises Conflict, LostLease, StoreFailed. A cancel that comes while the store works takes effect afterwards.
        Behind a StoreFailed nothing can be written until `realign` knows what became of this.
        """
        failures = self._failures
        async with self._lock:
            self._check(failures)
            now = time.time_ns() // 1_000_000
            records = [
                Record(self.head + 1 + i, type_of(event), turn, now, self._secrets.redact_bytes(encode(event)))
                for i, event in enumerate(events)
            ]
            closes = [event.item for event in events if event.closes]  # type: ignore[attr-defined]
            batch = Batch(self.session, self._generation, self.head, records, closes=closes, blobs=blobs, info=info)
            await self._commit(batch, events)
            for record, event in zip(records, events, strict=True):
                self._show(record, event)
        self._on_shown(self.session, records)
        self._wake()
        return records

    def grow(self, item: int, text: str) -> None:
        """Adds text to an open item and shows it at once; the flusher makes it durable soon."""
        open_item = self._items.get(item)
        if open_item is None or not text:
            return
        text = mended(text)
        if self._secrets.longest:
            text, open_item.held = self._secrets.settled(open_item.held + text)
        if text:
            self._add(open_item, text)

    def pass_by(self, event: Event, turn: str = "") -> None:
        """Shows a fact that need not last to those who watch now."""
        self._n += 1
        cursor = Cursor(self.head, self._n)
        data = self._secrets.redact_bytes(encode(event))
        frame = Frame(str(cursor), type_of(event), data, self.session, turn, time.time_ns() // 1_000_000)
        self._runs.append(_Run(cursor.seq, cursor.n, None, 0, frame))
        self._facts += 1
        if self._facts > FACTS:
            oldest = next(run for run in self._runs if run.fact)
            self._runs.remove(oldest)
            self._facts -= 1
        self._wake()

    def text(self, item: int) -> str:
        """All that an open item has grown to, what is held back included; `""` when it is not open."""
        open_item = self._items.get(item)
        if open_item is None:
            return ""
        if open_item.held:
            self._add(open_item, self._secrets.redact(open_item.held))
            open_item.held = ""
        return "".join(open_item.pieces)

    async def flush(self) -> None:
        """Makes the growth of open items durable."""
        if self._adrift or not any(len(item.pieces) > item.drafted for item in self._items.values()):
            return
        failures = self._failures
        async with self._lock:
            self._check(failures)
            drafts, done = [], []
            for item in self._items.values():
                if len(item.pieces) > item.drafted:
                    text = "".join(item.pieces[item.drafted :])
                    drafts.append(Draft(item.seq, item.ends[item.drafted], text))
                    done.append((item, len(item.pieces)))
            try:  # what may have been kept is written over by what comes
                await self._commit_in_time(Batch(self.session, self._generation, self.head, drafts=drafts))
            except StoreFailed as error:
                self._stall(str(error))
                raise
            for item, pieces in done:
                item.drafted = pieces

    @property
    def adrift(self) -> bool:
        """Has a write failed, so that `realign` comes before the next one?"""
        return bool(self._adrift)

    async def realign(self) -> list[Record]:
        """Takes the log up again as the store holds it; the records of a write that failed, and was kept nevertheless.

        A new generation shuts out what may still be on its way. Raises LostLease, StoreFailed.
        """
        try:
            return await self._realigned()
        except LostLease:
            self._on_lost(self.session)
            raise

    async def _realigned(self) -> list[Record]:
        async with self._lock:
            if not self._adrift:
                return []
            records, events = self._tried
            opened, found = await self._reopened(len(records) + 1)
            if found not in ([], list(records)) or opened.last != self.head + len(found):
                raise LostLease(f"Session {self.session} was written by somebody else.")
            self._generation, self._adrift, self._tried = opened.generation, "", ((), ())
            for record, event in zip(found, events, strict=False):
                self._show(record, event)
        if found:
            self._on_shown(self.session, found)
            self._wake()
        return found

    async def hold(self) -> None:
        """Asks whether this log is still ours. Raises LostLease, StoreFailed."""
        async with self._lock:
            if not self._adrift:  # else the next write looks anyhow
                await self._commit_in_time(Batch(self.session, self._generation, self.head))

    @property
    def generation(self) -> int:
        """Whose writes the store takes: this log's, since it was opened the last time."""
        return self._generation

    async def release(self, generation: int) -> None:
        """Lets other processes have it, unless it was opened again since. Raises StoreFailed."""
        with trio.CancelScope(shield=True, relative_deadline=self._store_deadline):
            await self._store.release(self.session, generation)

    def rest(self) -> None:
        """Nothing will be written until it is reopened. Readers keep their places."""
        self.resting = True
        self._tail.clear()
        self._on_changed(self.session)

    def reopen(self, opened: Opened) -> None:
        """Goes on after a rest, in which somebody else may have written."""
        self.resting = False
        self.head, self._generation = opened.last, opened.generation

    @property
    def at_peace(self) -> bool:
        """Does nobody follow it, is it known what the store holds, and was nothing shown since the last event, whose
        number could be given again?"""
        return not self._followers and not self._adrift and self._n == 0

    def close(self) -> None:
        """No more readers: those who wait get an empty page."""
        self.closed = True
        self._wake()

    def _check(self, failures: int) -> None:
        """Whoever began to write before a failure was seen does not know of it."""
        if self._adrift or failures != self._failures:
            raise StoreFailed(self._adrift or "A write that came before failed.")

    async def _reopened(self, limit: int) -> tuple[Opened, list[Record]]:
        with trio.CancelScope(shield=True, relative_deadline=self._store_deadline):
            try:
                opened = await self._store.open(self.session)
            except Conflict as error:  # another process has it by now
                raise LostLease(str(error)) from error
            return opened, await self._store.read(self.session, self.head, limit)
        raise StoreFailed(self._adrift)

    def _stall(self, why: str) -> None:
        if self._stalled != why:
            self._stalled = why
            self.pass_by(LogStalled(message=why))

    async def _commit(self, batch: Batch, events: Sequence[Event]) -> None:
        try:
            await self._commit_in_time(batch)
        except StoreFailed as error:
            self._adrift, self._tried = str(error), (batch.records, events)
            self._failures += 1
            self._stall(self._adrift)
            raise
        self._stalled = ""

    async def _commit_in_time(self, batch: Batch) -> None:
        with trio.CancelScope(shield=True, relative_deadline=self._store_deadline) as scope:
            try:
                await self._store.commit(batch)
            except LostLease:
                self._on_lost(self.session)
                raise
        if scope.cancelled_caught:
            raise StoreFailed(f"The store did not answer within {self._store_deadline:g} s.")

    def _show(self, record: Record, event: Event) -> None:
        self.head, self._n = record.seq, 0
        self._tail.append(record)
        if event.opens:
            self._items[record.seq] = _Item(record.seq, event.opens, record.turn, event.step)
        if event.closes:
            item = self._items.pop(event.item, None)  # type: ignore[attr-defined]
            if item is not None and item.pieces:
                self._runs = [run for run in self._runs if run.item is not item]

    def _add(self, item: _Item, text: str) -> None:
        item.pieces.append(text)
        item.ends.append(item.ends[-1] + len(text))
        self._n += 1
        last = self._runs[-1] if self._runs else None
        if last is not None and last.item is item and last.seq == self.head and last.last == self._n - 1:
            last.last = self._n
        else:
            self._runs.append(_Run(self.head, self._n, item, len(item.pieces) - 1))
        self._on_grown(self.session)
        self._wake()

    def _wake(self) -> None:
        self.changed.unpark_all()
        self._on_changed(self.session)

    # ── reading ──

    def now(self) -> Cursor:
        """The place behind all that is shown."""
        return Cursor(self.head, self._n)

    def follow(self, after: str = "", *, keeps: bool = True) -> Reader:
        """A reader from the start (`""`), from now (`latest`) or behind an event id. Raises BadCursor.

        `keeps`: as long as somebody has it the log is not at peace.
        """
        cursor = self.now() if after == "latest" else Cursor.parse(after) if after else Cursor(0)
        reader = Reader(self, cursor)
        if keeps:
            self._followers.add(reader)
        return reader

    async def records(self, after: int, limit: int) -> Sequence[Record]:
        """Whole events behind `after`, in order."""
        if self._tail and self._tail[0].seq <= after + 1:
            start = after + 1 - self._tail[0].seq
            return [self._tail[i] for i in range(start, min(start + limit, len(self._tail)))]
        return await self._store.read(self.session, after, limit)

    async def blob(self, hash: str) -> bytes:
        """What a batch of this log brought. Raises NotFound."""
        return await self._store.blob(hash)

    def frame(self, record: Record) -> Frame:
        return Frame(str(record.seq), record.type, record.data, self.session, record.turn, record.time)

    def growth(self, cursor: Cursor, before: int, since: Cursor) -> Iterable[tuple[Cursor, Frame]]:
        """Deltas and facts behind `cursor` that come before event `before`; facts only if they are behind `since`."""
        runs = self._runs
        for i in range(bisect.bisect_right(runs, (cursor.seq, cursor.n), key=_Run.end), len(runs)):
            run = runs[i]
            if run.seq >= before:
                return
            end = Cursor(run.seq, run.last)
            if run.fact is not None:
                if end > since:
                    yield end, run.fact
                continue
            assert run.item is not None
            done = cursor.n - run.first + 1 if cursor.seq == run.seq and cursor.n >= run.first else 0
            for at in range(run.piece + done, run.piece + run.last - run.first + 1, PIECES):
                upto = min(at + PIECES, run.piece + run.last - run.first + 1)
                place = Cursor(run.seq, run.first + upto - 1 - run.piece)
                yield place, self._delta(run.item, at, upto, place)

    def _delta(self, item: _Item, start: int, end: int, place: Cursor) -> Frame:
        text = item.pieces[start] if end == start + 1 else "".join(item.pieces[start:end])
        data = encoder.encode(Delta(item.kind, item.seq, item.ends[start], text, item.step))
        return Frame(str(place), item.kind, data, self.session, item.turn, time.time_ns() // 1_000_000)
