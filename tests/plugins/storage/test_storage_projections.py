"""Rows that follow from the log: made with it, made again from it, and gone with their session."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pillion import Batch, Event, Record, SessionInfo, Usage, hookimpl
from pillion import events as e
from pillion.contracts.store import Opened, SessionQuery
from pillion.plugins import PluginHost
from pillion.shown import ContextReference, SelectedCode
from pillion.testing.kit import FunctionTool, kernel_host, plain_settings
from pillion.testing.scripted import Raise, ScriptedProvider, calls, says
from pillion_storage.database import FILE, Place
from pillion_storage.hookspecs import Projected
from pillion_storage.opening import all_projections, open_store
from pillion_storage.plugin import Config, Plugin
from pillion_storage.rebuilding import Progress, rebuild
from pillion_storage.store import DatabaseStore

from .places import BOTH, place_of, rows

TABLES = {
    "conversation_message": "*",
    "open_file": "*",
    "llm_data": "*",
    "llm_day": "*",
    "scratch_pad": "*",
    "search_text": "session, turn, words",
    "projection_fault": "projection, session, seq, reason, time",
}


class Written(Event, frozen=True, tag="scratchpad.written"):
    """As the plugin `notes` writes it."""

    text: str
    by: str = "model"


def turn(id: str, *events: Event) -> list[tuple[str, Event]]:
    return [(id, event) for event in events]


def used(step: int, **values: Any) -> e.UsageRecorded:
    return e.UsageRecorded(step=step, model="p/m", usage=Usage(7, 3, 2, 0.5), seconds=1.5, first=0.25, **values)


QUEUED = [("", e.PromptQueued(prompt=id, text=text)) for id, text in (("t1", "What is\0 it?"), ("t2", "and then"))]
EVERYTHING: list[tuple[str, Event]] = [
    ("", e.SessionOpened(workspace="/w")),
    ("", e.FileUnsaved(path="a.py", hash="1")),
    ("", e.FileUnsaved(path="b.py", hash="1")),
    ("", e.FileUnsaved(path="b.py")),
    *QUEUED,
    ("", e.PromptQueued(prompt="call", text="", tool="glob", arguments="{}")),
    ("", e.PromptQueued(prompt="gone", text="never mind")),
    ("", e.PromptDropped(prompt="gone", why="withdrawn")),
    *turn(
        "t1",
        e.TurnStarted(prompt="t1", strategy="agent", model="p/m"),
        e.StepStarted(step=1, model="p/m"),
        e.TextFinished(item=10, text="Let me ", step=1),
        e.TextFinished(item=11, text="look.", step=1),
        used(1, finish="tool_calls", request=("a" * 64, "b" * 64), answer="c" * 64),
        e.MessageFinished(step=1, items=(10, 11), finish="tool_calls"),
        e.PromptQueued(prompt="s1", text="quickly", joins="t1"),
        e.PromptJoined(prompt="s1", when="steer"),
        Written(text="first"),
        Written(text="a plan: größer", by="person"),
        used(1, role="summary", finish="stop"),
        e.TextFinished(item=20, text="It is Größe.", step=2),
        used(2, finish="stop"),
        e.MessageFinished(step=2, items=(20,), finish="stop"),
        e.TurnFinished(steps=2),
    ),
    *turn(
        "t2",
        e.TurnStarted(prompt="t2", strategy="agent", model="p/m"),
        e.TextInterrupted(item=30, text="Then it", step=1),
        used(1, error="provider_down"),
        e.TurnFailed(code="provider_down", message="no answer"),
    ),
    *turn("call", e.TurnStarted(prompt="call", strategy="call", model=""), e.TurnFinished()),
]


def records(events: Sequence[tuple[str, Event]], first: int = 1) -> list[Record]:
    return [
        Record(n, e.type_of(event), turn, 1000 + n, e.encode(event)) for n, (turn, event) in enumerate(events, first)
    ]


async def append(store: DatabaseStore, opened: Opened, events: Sequence[tuple[str, Event]], size: int) -> None:
    """In batches of `size`."""
    all = records(events)
    for at in range(0, len(all), size):
        await store.commit(Batch(opened.info.id, opened.generation, at, all[at : at + size]))


async def dump(store: DatabaseStore) -> dict[str, list[tuple[Any, ...]]]:
    return {
        table: sorted(await rows(store, f"SELECT {columns} FROM {table}"), key=repr)
        for table, columns in TABLES.items()
    }


async def remade(store: DatabaseStore, host: PluginHost | None = None) -> Progress:
    opened = store.opened
    return await store._thread.plain(lambda: rebuild(opened, all_projections(opened, host)))


@pytest.fixture(params=["sqlite", "postgres"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[DatabaseStore]:
    store = await open_store(place_of(request.param, tmp_path, request))
    yield store
    await store.aclose()


async def test_a_turn_is_one_row_from_its_prompt_to_its_end(store: DatabaseStore) -> None:
    made = await store.create(SessionInfo("a", "/w", 1))
    await append(store, made, EVERYTHING, 100)
    found = await rows(
        store, "SELECT turn, query, answer, steps, state, reason, model, created FROM conversation_message ORDER BY seq"
    )
    assert found == [
        ("t1", "What is\ufffd it?\n\nquickly", "It is Größe.", 2, "finished", "done", "p/m", 1005),
        ("t2", "and then", "Then it", 0, "failed", "provider_down", "p/m", 1006),
    ]
    ((first, _),) = [await rows(store, "SELECT open_files FROM conversation_message ORDER BY seq")]
    assert list(first) in (['["a.py"]'], [["a.py"]])


async def test_a_turn_has_what_its_prompts_showed(store: DatabaseStore) -> None:
    code, terminal = SelectedCode("a.py", 3, 4, "x = '\0'"), ContextReference("terminal", "exit 1", "text")
    first = e.PromptQueued(prompt="t1", text="why?", open_files=("b.py", "a.py"), selected_code=(code,))
    second = e.PromptQueued(prompt="s1", text="and", joins="t1", selected_code=(code,), context=(terminal,))
    before = [("", e.SessionOpened(workspace="/w")), ("", e.FileUnsaved(path="c.py", hash="1")), ("", first)]
    begun = turn("t1", e.TurnStarted(prompt="t1", strategy="agent", model="p/m"), second)
    made = await store.create(SessionInfo("a", "/w", 1))
    await append(store, made, [*before, *begun, *turn("t1", e.PromptJoined(prompt="s1", when="steer"))], 100)
    ((_, *found),) = await rows(store, "SELECT turn, open_files, selected_code, context FROM conversation_message")
    assert [msgspec.json.decode(one) if isinstance(one, str) else one for one in found] == [
        ["b.py", "a.py", "c.py"],
        [{"path": "a.py", "first": 3, "last": 4, "text": "x = '\ufffd'"}],
        [{"title": "terminal", "text": "exit 1", "language": "text"}],
    ]


async def test_a_model_call_is_one_row(store: DatabaseStore) -> None:
    made = await store.create(SessionInfo("a", "/w", 1))
    await append(store, made, EVERYTHING, 100)
    columns = "turn, step, role, provider, model, input, output, cached, cost, seconds, first, finish, error, answer"
    found = await rows(store, f"SELECT {columns} FROM llm_data ORDER BY seq")
    same = ("p", "p/m", 7, 3, 2, 0.5, 1.5, 0.25)
    assert found == [
        ("t1", 1, "", *same, "tool_calls", "", "c" * 64),
        ("t1", 1, "summary", *same, "stop", "", ""),
        ("t1", 2, "", *same, "stop", "", ""),
        ("t2", 1, "", *same, "", "provider_down", ""),
    ]


async def test_a_call_of_a_child_names_the_root(store: DatabaseStore) -> None:
    for id, parent in [("a", ""), ("b", "a"), ("c", "b"), ("d", "completions")]:
        made = await store.create(SessionInfo(id, "/w", 1, parent=parent))
        await append(store, made, turn("t", used(1, finish="stop")), 1)
    found = [("a", "a"), ("b", "a"), ("c", "a"), ("d", "d")]
    assert await rows(store, "SELECT session, root FROM llm_data ORDER BY session") == found
    assert await rows(store, "SELECT session, root FROM llm_day ORDER BY session") == found
    await store.writing(lambda rows: rows.run("UPDATE llm_data SET root = ''").rowcount)
    await remade(store)
    assert await rows(store, "SELECT session, root FROM llm_data ORDER BY session") == found


async def test_a_scratch_pad_is_what_was_written_last(store: DatabaseStore) -> None:
    made = await store.create(SessionInfo("a", "/w", 1))
    await append(store, made, EVERYTHING, 1)
    assert await rows(store, "SELECT text, by FROM scratch_pad") == [("a plan: größer", "person")]


@pytest.mark.parametrize("size", [1, 7, 100])
async def test_rows_are_the_same_however_the_log_is_cut_and_after_a_rebuild(store: DatabaseStore, size: int) -> None:
    made, other = (
        await store.create(SessionInfo("a", "/w", 1, title="A title")),
        await store.create(SessionInfo("b", "/w", 1)),
    )
    await append(store, made, EVERYTHING, size)
    await append(store, other, EVERYTHING, 100)
    before = await dump(store)
    for table in ("conversation_message", "llm_data", "llm_day", "scratch_pad"):
        mine, whole = (
            [[value for value in row if value != id] for row in before[table] if row[0] == id] for id in ("a", "b")
        )
        assert mine == whole, table
    ghost = "INSERT INTO search_text (session, turn, words) VALUES ('a', 'ghost', 'ghost')"
    await store.writing(lambda rows: rows.run(ghost).rowcount)
    assert await remade(store) == Progress(2, 2, 0)
    assert await dump(store) == before


async def test_a_session_takes_all_its_rows_with_it(store: DatabaseStore) -> None:
    made, kept = (
        await store.create(SessionInfo("a", "/w", 1, title="Title")),
        await store.create(SessionInfo("b", "/w", 1)),
    )
    for opened in (made, kept):
        await append(store, opened, EVERYTHING, 100)
    await store.commit(Batch("a", made.generation, len(EVERYTHING), blobs={"both": b"1", "mine": b"2"}))
    await store.commit(Batch("b", kept.generation, len(EVERYTHING), blobs={"both": b"1"}))
    await store.delete("a")
    for table in ("agent_event", "draft", "blob_use", *TABLES):
        assert await rows(store, f"SELECT 1 FROM {table} WHERE session = 'a'") == [], table
    assert await rows(store, "SELECT hash FROM blob") == [("both",)]
    assert (await store.sessions(SessionQuery(text="größe"))).data[0].id == "b"
    assert [info.id for info in (await store.sessions(SessionQuery(text="title"))).data] == []


class Bad:
    """A plugin whose projection fails while it is told to."""

    def __init__(self) -> None:
        self.broken = True
        self.seen: list[tuple[int, bool]] = []

    @hookimpl
    def register_projections(self) -> dict[str, Any]:
        return {"bad": self.project}

    def project(self, projected: Projected) -> None:
        if projected.anew:
            self.seen = []
        self.seen += [(record.seq, projected.anew) for record in projected.records]
        if self.broken and any(record.type == "turn.started" for record in projected.records):
            raise RuntimeError("on purpose")


@BOTH
async def test_a_rebuild_heals_what_failed(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    host, bad = PluginHost(plain_settings(tmp_path)), Bad()
    host.add("storage", Plugin(Config()))
    host.add("bad", bad)
    store = await open_store(place_of(kind, tmp_path, request), host)
    made = await store.create(SessionInfo("a", "/w", 1))
    await append(store, made, EVERYTHING, 5)
    faults = "SELECT projection, session, seq FROM projection_fault ORDER BY seq"
    failed = await rows(store, faults)
    assert {name for name, *_ in failed} == {"bad.bad"} and len(failed) > 1
    before = await dump(store)
    assert await remade(store, host) == Progress(1, 1, 1)
    assert await rows(store, faults) == [("bad.bad", "a", 0)]
    bad.broken = False
    assert await remade(store, host) == Progress(1, 1, 0)
    assert await rows(store, faults) == []
    assert [seq for seq, _ in bad.seen] == list(range(1, len(EVERYTHING) + 1))
    assert await dump(store) == before | {"projection_fault": []}
    await store.aclose()


class Picky:
    """A projection of one type of events."""

    types = frozenset({"message.finished"})

    def __init__(self) -> None:
        self.seen: list[tuple[str, ...]] = []

    def __call__(self, projected: Projected) -> None:
        self.seen.append(tuple(record.type for record in projected.records))

    @hookimpl
    def register_projections(self) -> dict[str, Any]:
        return {"picky": self}


async def test_a_projection_with_types_is_called_for_batches_that_hold_one(tmp_path: Path) -> None:
    host, picky = PluginHost(plain_settings(tmp_path)), Picky()
    host.add("storage", Plugin(Config()))
    host.add("picky", picky)
    store = await open_store(Place(tmp_path / FILE), host)
    made = await store.create(SessionInfo("a", "/w", 1))
    await append(store, made, EVERYTHING, 3)
    assert picky.seen and all("message.finished" in types and len(types) == 3 for types in picky.seen)
    assert len(picky.seen) < len(EVERYTHING) // 3
    await store.aclose()


async def test_a_rebuild_reads_a_long_log_page_by_page(store: DatabaseStore) -> None:
    made = await store.create(SessionInfo("a", "/w", 1))
    long = [*EVERYTHING, *turn("t2", *[Written(text=str(n)) for n in range(400)])]
    await append(store, made, long, 150)
    before = await dump(store)
    await remade(store)
    assert await dump(store) == before
    assert await rows(store, "SELECT text FROM scratch_pad") == [("399",)]


async def test_a_real_session_leaves_its_rows(tmp_path: Path) -> None:
    async def shout(arguments: Any, call: Any) -> str:
        return "ABC"

    provider = ScriptedProvider(calls(("shout", "{}"), text="One moment."), says("It said ABC"), [Raise(OSError("x"))])
    store = await open_store(Place(tmp_path / "x.sqlite"))
    async with kernel_host(
        tmp_path, FunctionTool("shout", shout), provider=provider, store=store, defaults__keep_requests=True
    ) as host:
        session = await host.open()
        await host.run(session, "shout abc")
        await host.run(session, "again")
        found = await rows(store, "SELECT query, answer, steps, state, reason FROM conversation_message ORDER BY seq")
        assert found == [
            ("shout abc", "It said ABC", 2, "finished", "done"),
            ("again", "", 0, "failed", "provider"),
        ]
        ends = await rows(store, "SELECT finish, error, request FROM llm_data ORDER BY seq")
        assert [(finish, error) for finish, error, _ in ends] == [
            ("tool_calls", ""), ("stop", ""), ("", "provider"),
        ]  # fmt: skip
        await host.kernel.delete(session.id)
        assert await rows(store, "SELECT 1 FROM blob") == []
