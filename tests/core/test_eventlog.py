"""The log: numbers, deltas, cursors, drafts. A watcher's whole rule is `text = text[:at] + delta`."""

from __future__ import annotations

import json
import os

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from pillion import events as e
from pillion.contracts.store import SessionInfo
from pillion.errors import BadCursor
from pillion.eventlog import EventLog
from pillion.frames import Cursor, Frame
from pillion.logreader import PAGE, Reader
from pillion.memorystore import MemoryStore
from pillion.secrets import Secrets


async def new_log(store: MemoryStore | None = None, secrets: Secrets | None = None, again: bool = False) -> EventLog:
    store = store or MemoryStore()
    opened = await (store.open("s") if again else store.create(SessionInfo("s", "/tmp", 1)))
    return EventLog(
        "s",
        opened,
        store,
        secrets or Secrets(),
        store_deadline=5,
        on_shown=lambda *_: None,
        on_grown=lambda _: None,
        on_changed=lambda _: None,
        on_lost=lambda _: None,
    )


class Watcher:
    """Puts texts together as a client does, and checks that ids only rise."""

    def __init__(self) -> None:
        self.texts: dict[int, str] = {}
        self.whole: list[int] = []
        self.last = Cursor(0)

    def see(self, frame: Frame) -> None:
        wire = json.loads(frame.wire())
        cursor = Cursor.parse(wire["id"])
        assert cursor > self.last, f"{cursor} behind {self.last}"
        self.last = cursor
        if cursor.n == 0:
            self.whole.append(cursor.seq)
        if "at" in wire:
            text = self.texts.get(wire["item"], "")
            assert wire["at"] <= len(text)
            self.texts[wire["item"]] = text[: wire["at"]] + wire["text"]
        elif wire["type"].endswith((".finished", ".interrupted")) and "item" in wire:
            self.texts[wire["item"]] = wire["text"]
        elif wire["type"].endswith(".voided"):
            self.texts.pop(wire["item"], None)

    async def catch_up(self, log: EventLog, reader: Reader) -> None:
        while reader.cursor < log.now():
            for frame in await reader.page():
                self.see(frame)


async def test_events_are_numbered_stored_and_shown() -> None:
    log = await new_log()
    await log.append(e.SessionOpened(workspace="/tmp"), e.StepStarted(model="m", step=3), turn="t")
    first, second = await log.follow().page()
    assert (first.id, second.id) == ("1", "2")
    wire = json.loads(second.wire())
    assert list(wire) == ["type", "id", "time", "session", "turn", "model", "step"]
    assert (wire["type"], wire["session"], wire["turn"], wire["step"]) == ("step.started", "s", "t", 3)


async def test_the_wire_is_json_for_an_event_without_fields() -> None:
    log = await new_log()
    await log.append(e.TextStarted())
    (frame,) = await log.follow().page()
    assert json.loads(frame.wire())["session"] == "s"


async def test_growth_is_merged_for_a_reader_that_was_away() -> None:
    log = await new_log()
    (record,) = await log.append(e.TextStarted(step=1), turn="t")
    reader = log.follow()
    await reader.page()
    for word in ("Hel", "lo ", "you"):
        log.grow(record.seq, word)
    (frame,) = await reader.page()
    assert json.loads(frame.wire()) | {"time": ""} == {
        "type": "text.delta", "id": "1.3", "time": "", "session": "s", "turn": "t",
        "item": 1, "at": 0, "text": "Hello you", "step": 1,
    }  # fmt: skip
    log.grow(record.seq, "!")
    (frame,) = await reader.page()
    assert (frame.id, json.loads(frame.data)["at"]) == ("1.4", 9)


async def test_a_reader_resumes_in_the_middle_of_growth() -> None:
    log = await new_log()
    await log.append(e.TextStarted())
    for word in ("a", "bc", "def"):
        log.grow(1, word)
    (frame,) = await log.follow("1.2").page()
    assert json.loads(frame.data) == {"type": "text.delta", "item": 1, "at": 3, "text": "def"}


async def test_growth_of_a_closed_item_is_not_shown_again() -> None:
    log = await new_log()
    await log.append(e.TextStarted())
    log.grow(1, "abc")
    await log.append(e.TextFinished(item=1, text="abc"))
    assert [frame.type for frame in await log.follow().page()] == ["text.started", "text.finished"]
    assert [frame.id for frame in await log.follow("1.1").page()] == ["2"]


async def test_interleaved_items_keep_rising_ids() -> None:
    log, watcher = await new_log(), Watcher()
    await log.append(e.ToolStarted(call="a", tool="x"), e.ToolStarted(call="b", tool="x"))
    for i in range(5):
        log.grow(1, f"a{i}")
        log.grow(2, f"b{i}")
    await log.append(e.StepStarted(model="m"))
    log.grow(1, "!")
    await watcher.catch_up(log, log.follow())
    assert watcher.texts == {1: "a0a1a2a3a4!", 2: "b0b1b2b3b4"}


@settings(max_examples=150 if os.environ.get("PILLION_LONG") else 50, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("ogcvrn"), st.integers(0, 3), st.text(min_size=1, max_size=3)), max_size=40))
def test_any_order_of_growth_and_reconnects_ends_with_the_exact_texts(moves) -> None:
    async def play() -> None:
        log, watcher, truth = await new_log(), Watcher(), dict[int, str]()
        reader = log.follow()
        open_items: list[int] = []
        for move, pick, text in moves:
            item = open_items[pick % len(open_items)] if open_items else None
            match move:
                case "o":
                    (record,) = await log.append(e.TextStarted())
                    open_items.append(record.seq)
                    truth[record.seq] = ""
                case "g" if item:
                    log.grow(item, text)
                    truth[item] += text
                case "c" if item:
                    await log.append(e.TextFinished(item=item, text=log.text(item)))
                    open_items.remove(item)
                case "v" if item:
                    await log.append(e.TextVoided(item=item))
                    open_items.remove(item)
                    del truth[item]
                case "r":
                    await watcher.catch_up(log, reader)
                    reader = log.follow(str(watcher.last))
                case "n":
                    await log.append(e.StepStarted(model="m"))
        await watcher.catch_up(log, reader)
        assert watcher.whole == list(range(1, log.head + 1))
        assert {item: text for item, text in watcher.texts.items() if text} == {i: t for i, t in truth.items() if t}

    trio.run(play)


async def test_a_cursor_beyond_the_head_gets_one_resync_then_everything() -> None:
    log = await new_log()
    await log.append(e.TextStarted())
    frames = await log.follow("99").page()
    assert [(frame.type, frame.id) for frame in frames] == [("resync", ""), ("text.started", "1")]


async def test_a_long_log_too_gets_one_resync() -> None:
    log = await new_log()
    for _ in range(3 * PAGE):
        await log.append(e.TextStarted())
    reader, types = log.follow("9999"), []
    while reader.cursor.seq < log.head:
        types += [frame.type for frame in await reader.page()]
    assert types == ["resync", *["text.started"] * 3 * PAGE]


@pytest.mark.parametrize("text", ["x", "1.", ".1", "-1", "1.2.3", "1e3", "²", "9" * 30, " 1"])
async def test_a_malformed_cursor_is_refused(text: str) -> None:
    with pytest.raises(BadCursor):
        (await new_log()).follow(text)


async def test_latest_is_from_now() -> None:
    log = await new_log()
    await log.append(e.TextStarted())
    log.grow(1, "old")
    reader = log.follow("latest")
    log.grow(1, "new")
    (frame,) = await reader.page()
    assert json.loads(frame.data)["text"] == "new"


async def test_passing_facts_are_for_those_who_watch_now() -> None:
    log = await new_log()
    await log.append(e.StepStarted(model="m"))
    there = log.follow("1")
    for i in range(100):
        log.pass_by(e.ModelWaiting(seconds=i, why="busy"))
    later = log.follow("1")
    await log.append(e.StepStarted(model="n"))
    assert [frame.type for frame in await there.page()] == ["model.waiting"] * 64 + ["step.started"]
    assert [frame.type for frame in await later.page()] == ["step.started"]


async def test_drafts_hold_growth_until_the_item_closes() -> None:
    store = MemoryStore()
    log = await new_log(store)
    await log.append(e.TextStarted(), e.TextStarted())
    for text in ("ab", "cd"):
        log.grow(1, text)
        await log.flush()
    log.grow(2, "x")
    await log.flush()
    drafts = (await store.open("s")).drafts
    assert [(draft.item, draft.at, draft.text) for draft in drafts] == [(1, 0, "ab"), (1, 2, "cd"), (2, 0, "x")]
    again = await new_log(store, again=True)
    await again.append(e.TextInterrupted(item=1, text="abcd"))
    assert [draft.item for draft in (await store.open("s")).drafts] == [2]


async def test_a_store_that_hangs_is_an_error(autojump_clock) -> None:
    class Hanging(MemoryStore):
        async def commit(self, batch) -> None:
            await trio.sleep_forever()

    from pillion.errors import StoreFailed

    log = await new_log(Hanging())
    with pytest.raises(StoreFailed):
        await log.append(e.TextStarted())
    assert log.head == 0


async def test_a_cancel_while_the_store_works_loses_nothing(autojump_clock) -> None:
    class Slow(MemoryStore):
        async def commit(self, batch) -> None:
            await trio.sleep(1)
            await super().commit(batch)

    log = await new_log(Slow())
    with trio.move_on_after(0.5):
        await log.append(e.TextStarted())
    assert log.head == 1
    await log.append(e.TextStarted())
    assert log.head == 2


async def test_a_sleeping_reader_costs_no_memory_and_slows_nobody() -> None:
    log = await new_log()
    await log.append(e.TextStarted())
    sleeper = log.follow()
    for _ in range(20_000):
        log.grow(1, "0123456789")
    assert len(log._runs) == 1
    frames = await sleeper.page()
    assert len(frames) == 1 + 5
    assert sum(len(json.loads(frame.data)["text"]) for frame in frames[1:]) == 200_000


async def test_secrets_never_show_even_when_split_over_deltas(autojump_clock) -> None:
    secrets = Secrets()
    secrets.register("sk-ant-0123456789")
    log = await new_log(secrets=secrets)
    await log.append(e.TextStarted())
    reader, shown = log.follow(), ""
    for piece in ("my key is sk", "-ant-01234", "56789, and s", "k-other"):
        log.grow(1, piece)
        with trio.move_on_after(1):  # a piece may be held back whole
            for frame in await reader.page():
                shown += json.loads(frame.data).get("text", "")
        assert "sk-a" not in shown
        assert "0123" not in shown
    assert log.text(1) == "my key is [secret], and sk-other"
