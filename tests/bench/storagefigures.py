"""Each figure of the store: a function that takes a database and gives numbers of ours and of the floor."""

from __future__ import annotations

import gc
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import quantiles
from typing import Any

import trio
from servers import Server
from storagefloor import PAGE, floor

from pillion import Batch, Record, SessionInfo, SessionQuery, Store
from pillion import events as e
from pillion.testing.kit import kernel_host
from pillion_storage.database import Place

OURS, BARE = "storage", "driver"
Figures = dict[tuple[str, str], float]
"""By name and whose."""
TURN = (1, 1, 1, 1, 1, 5, 1, 1, 1, 3, 1)
"""Events in each batch of a turn that calls one tool."""
DATA = (
    b'{"type":"tool.finished","step":1,"call":"call_0","name":"read_file","content":[{"type":"text","text":"words"}]}'
)
MS = 1000
STRIDE = 900
"""Sessions in a page on the way to a deep one."""


class Writer:
    """The batches of one session, one after the other."""

    def __init__(self, session: str) -> None:
        self.session, self.last, self._turn = session, 0, 0

    def batch(self, size: int = 0) -> Batch:
        size = size or TURN[self._turn % len(TURN)]
        self._turn += 1
        first, self.last = self.last + 1, self.last + size
        now = time.time_ns() // 1_000_000
        records = [Record(seq, "tool.finished", "turn", now, DATA) for seq in range(first, first + size)]
        return Batch(self.session, 1, first - 1, records)


async def made(store: Store, count: int) -> list[Writer]:
    """New sessions, each with its writer."""
    now = time.time_ns()
    writers = []
    for number in range(count):
        info = SessionInfo(f"{now + number:032x}", "/w", number, number)
        await store.create(info)
        writers.append(Writer(info.id))
    return writers


async def writing(place: Place, store: Store, count: int, events: int) -> Figures:
    """Durable events/s, `events` in all, of `count` sessions that write at once. The floor puts one batch of each
    session into a transaction."""
    name = f"events/s of {count} session{'s' if count > 1 else ''}"
    writers = await made(store, count)
    gc.collect()
    began = time.perf_counter()

    async def one(writer: Writer) -> None:
        while writer.last < events // count:
            await store.commit(writer.batch())

    async with trio.open_nursery() as nursery:
        for writer in writers:
            nursery.start_soon(one, writer)
    ours = sum(writer.last for writer in writers) / (time.perf_counter() - began)
    writers, bare = await made(store, count), floor(place)
    began = time.perf_counter()
    while writers[0].last < events // count:
        bare.commit([writer.batch() for writer in writers])
    theirs = sum(writer.last for writer in writers) / (time.perf_counter() - began)
    bare.close()
    return {(name, OURS): ours, (name, BARE): theirs}


async def single(place: Place, store: Store, count: int = 1000) -> Figures:
    """Milliseconds of a write of one event, one after the other."""
    (mine,) = await made(store, 1)
    (its,), bare = await made(store, 1), floor(place)
    ours = [await _ms(lambda: store.commit(mine.batch(1))) for _ in range(count)]
    theirs = []
    for _ in range(count):
        began = time.perf_counter()
        bare.commit([its.batch(1)])
        theirs.append((time.perf_counter() - began) * MS)
    bare.close()
    return {
        (f"a single write {name}, ms", who): quantiles(values, n=100)[at]
        for who, values in ((OURS, ours), (BARE, theirs))
        for name, at in (("p50", 49), ("p99", 98))
    }


async def opening(place: Place, store: Store, events: int = 10_000) -> Figures:
    """A session of many events comes back: its log is read and folded. The floor reads the rows."""
    (writer,) = await made(store, 1)
    for last in range(0, events, 1000):
        await store.commit(Batch(writer.session, 1, last, [record(seq) for seq in range(last + 1, last + 1001)]))
    async with kernel_host(Path(place.file).parent, store=Kept(store)) as host:
        ours = await _ms(lambda: host.kernel.session(writer.session))
    bare, began = floor(place), time.perf_counter()
    bare.all("SELECT seq, type, turn, time, data FROM agent_event WHERE session = ? ORDER BY seq", (writer.session,))
    theirs = (time.perf_counter() - began) * MS
    bare.close()
    name = f"opening a session of {events:,} events, ms"
    return {(name, OURS): ours, (name, BARE): theirs}


def record(seq: int) -> Record:
    """Of a log whose turns are five events long."""
    turn = f"{(seq - 1) // 5:032x}"
    event: e.Event
    match seq % 5:
        case 1:
            event = e.PromptQueued(prompt=turn, text="Say a word of it. " * 4)
        case 2:
            event = e.TurnStarted(prompt=turn, strategy="chat", model="local/scripted")
        case 3:
            event = e.TextStarted(step=1)
        case 4:
            event = e.TextFinished(step=1, item=seq - 1, text="word " * 60)
        case _:
            event = e.MessageFinished(step=1, items=(seq - 2,), finish="stop")
    return Record(seq, e.type_of(event), turn, seq, e.encode(event))


class Kept:
    """A store that a kernel does not close."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def aclose(self) -> None:
        pass


async def fill(place: Place, store: Store, count: int) -> None:
    """Sessions on ten folders, the newest last, every tenth archived."""
    numbers = iter(range(count))

    async def some() -> None:
        for number in numbers:
            made = SessionInfo(
                f"{number:032x}",
                f"/w/{number % 10}",
                number,
                number,
                title=f"Mend the parser {number}",
                archived=number % 10 == 9,
            )
            await store.create(made)

    async with trio.open_nursery() as nursery:
        for _ in range(200):
            nursery.start_soon(some)
    if place.url:  # as autovacuum does within a minute
        await store.writing(lambda rows: [rows.run(f"ANALYZE {table}") for table in ("session", "search_text")])


async def listing(place: Place, store: Store, count: int) -> Figures:
    """A page of 50: the first one, and one behind nine tenths of all. The floor asks with the statement of its own."""
    found: Figures = {}
    bare = floor(place)
    deep = await _behind(store, count * 9 // 10)
    for more, query, values in (
        ("", SessionQuery(), ()),
        (", one folder", SessionQuery(workspace="/w/7"), ("/w/7",)),
    ):
        for where, cursor, created in (("first", "", count + 1), ("deep", deep, count // 10)):
            name = f"{where} page of {count:,} sessions{more}, ms"
            asked = SessionQuery(query.workspace, cursor=cursor)
            found[name, OURS] = await _best(lambda asked=asked: store.sessions(asked))
            statement, asked_for = PAGE.format(more="AND workspace = ?" if more else ""), (created, "g", *values)
            found[name, BARE] = sorted(_sync_ms(bare.all, statement, asked_for) for _ in range(5))[2]
    for name, query in (
        ("archived", SessionQuery(archived=True)),
        ("a word that all have", SessionQuery(text="parser")),
        ("a word that one has", SessionQuery(text=f"{count // 2}")),
    ):
        found[f"first page of {count:,} sessions, {name}, ms", OURS] = await _best(
            lambda query=query: store.sessions(query)
        )
    bare.close()
    return found


async def _behind(store: Store, count: int) -> str:
    """The cursor behind the newest `count` sessions."""
    cursor = ""
    for _ in range(0, count, STRIDE):
        cursor = (await store.sessions(SessionQuery(cursor=cursor, limit=STRIDE))).next
    return cursor


async def _best(ask: Callable[[], Awaitable[Any]], times: int = 5) -> float:
    return sorted([await _ms(ask) for _ in range(times)])[times // 2]


def _sync_ms(ask: Callable[..., Any], *arguments: Any) -> float:
    began = time.perf_counter()
    ask(*arguments)
    return (time.perf_counter() - began) * MS


async def _ms(ask: Callable[[], Awaitable[Any]]) -> float:
    began = time.perf_counter()
    await ask()
    return (time.perf_counter() - began) * MS


async def memory(server: Server, folder: str, name: str, count: int = 1000) -> Figures:
    """MiB that a server takes more when so many sessions were opened one after the other."""
    before = server.memory()
    for _ in range(count):
        await server.api.open(folder)
    await trio.sleep(1)
    return {(f"serve with {count:,} more sessions, {name}: MiB more", OURS): server.memory() - before}
