"""Sums over calls: the same statement on each kind of database, and in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from pillion import Batch, Record, Seen, SessionInfo, Usage
from pillion import events as e
from pillion.errors import BadCursor
from pillion_storage.opening import open_store
from pillion_usage import ledger
from pillion_usage.ledger import Ledger
from pillion_usage.sums import DAY, Found, Sum, Wanted, found, used

from ..storage.places import place_of

SESSIONS = {"a": "", "b": "a", "c": "b", "other": ""}
CALLS = [
    # session, turn, step, role, model, time, input, error
    ("a", "t1", 1, "", "p/big", 10, 1, ""),
    ("a", "t1", 2, "", "p/big", 20, 2, ""),
    ("b", "t2", 1, "", "p/small", 30, 4, "provider_down"),
    ("c", "t3", 1, "compact", "p/small", DAY + 5, 8, ""),
    ("a", "", 0, "title", "p/small", DAY + 10, 16, ""),
    ("other", "t4", 1, "", "p/big", 3 * DAY, 32, ""),
]
Asked = Callable[[Wanted], Any]


def told() -> dict[str, list[Record]]:
    """The sessions' logs."""
    logs = {
        id: [Record(1, "session.opened", "", 1, e.encode(e.SessionOpened(workspace="/w", parent=parent)))]
        for id, parent in SESSIONS.items()
    }
    logs["a"].append(Record(2, "session.changed", "", 2, e.encode(e.SessionChanged(title="The first"))))
    for session, turn, step, role, model, time, tokens, error in CALLS:
        usage = Usage(tokens, 2 * tokens, tokens // 2, tokens / 4)
        call = e.UsageRecorded(step=step, model=model, usage=usage, role=role, error=error)
        log = logs[session]
        log.append(Record(len(log) + 1, "usage.recorded", turn, time, e.encode(call)))
    return logs


@pytest.fixture(params=["memory", "sqlite", "postgres"])
async def ask(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Asked]:
    if request.param == "memory":
        kept = Ledger()
        for session, records in told().items():
            for record in records:
                kept.take(Seen(session, record))

        async def in_memory(wanted: Wanted) -> Found:
            return found(kept, wanted)

        yield in_memory
        return
    store = await open_store(place_of(request.param, tmp_path, request))
    for session, records in told().items():
        made = await store.create(SessionInfo(session, "/w", 1, parent=SESSIONS[session]))
        info = SessionInfo(session, "/w", 1, title="The first" if session == "a" else "")
        await store.commit(Batch(session, made.generation, 0, records, info=info))
    yield lambda wanted: store.reading(lambda rows: found(rows, wanted))
    await store.aclose()


def shown(found: Found) -> list[tuple[str, int, int, int]]:
    return [(group.key, group.step, group.sum.calls, group.sum.usage.input) for group in found.groups]


async def test_all_calls_are_one_sum(ask: Asked) -> None:
    total = (await ask(Wanted())).total
    assert (total.calls, total.errors, total.newest) == (6, 1, 3 * DAY)
    assert total.usage == Usage(63, 126, 0 + 1 + 2 + 4 + 8 + 16, 63 / 4)


@pytest.mark.parametrize(
    ("by", "groups"),
    [
        ("session", [("other", 0, 1, 32), ("a", 0, 5, 31)]),
        ("model", [("p/big", 0, 3, 35), ("p/small", 0, 3, 28)]),
        ("role", [("", 0, 4, 39), ("title", 0, 1, 16), ("compact", 0, 1, 8)]),
        ("day", [("3", 0, 1, 32), ("1", 0, 2, 24), ("0", 0, 3, 7)]),
    ],
)
async def test_they_are_put_together_by(ask: Asked, by: Any, groups: Any) -> None:
    answer = await ask(Wanted(by))
    assert shown(answer) == groups
    assert [group.title for group in answer.groups] == (["", "The first"] if by == "session" else [""] * len(groups))


async def test_of_a_session_its_childrens_turns_and_steps_are_told(ask: Asked) -> None:
    turns = await ask(Wanted("turn", "a"))
    assert shown(turns) == [("", 0, 1, 16), ("t3", 0, 1, 8), ("t2", 0, 1, 4), ("t1", 0, 2, 3)]
    assert turns.total.usage.input == 31
    steps = await ask(Wanted("step", "a"))
    assert shown(steps)[-2:] == [("t1", 2, 1, 2), ("t1", 1, 1, 1)]


async def test_days_have_a_beginning_and_an_end(ask: Asked) -> None:
    assert (await ask(Wanted(since=1, until=2))).total.usage.input == 24
    assert (await ask(Wanted("turn", "a", since=1, until=1))).total.usage.input == 24
    assert (await ask(Wanted(since=1))).total.usage.input == 56
    assert await ask(Wanted(until=-1)) == Found(Sum(), ())


async def test_pages_hold_all_groups_once_and_each_the_whole_total(ask: Asked) -> None:
    cursor, groups = "", []
    while True:
        page = await ask(Wanted("step", "a", limit=2, cursor=cursor))
        assert page.total.usage.input == 31
        groups += shown(page)
        if not page.next:
            break
        cursor = page.next
    assert groups == shown(await ask(Wanted("step", "a")))
    with pytest.raises(BadCursor):
        await ask(Wanted("day", cursor="x"))


def test_what_a_session_used_is_that_of_its_children_too() -> None:
    kept = Ledger()
    for session, records in told().items():
        for record in records:
            kept.take(Seen(session, record))
    assert used(kept, session="a").input == 31
    assert used(kept, since=1).input == 56
    assert used(kept, session="nobody") == Usage()


def test_memory_keeps_the_newest_and_says_since_when(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "KEPT", 3)
    kept = Ledger()
    call = e.encode(e.UsageRecorded(model="p/m", usage=Usage(1)))
    later = kept.since + 1000
    for number in range(5):
        kept.take(Seen("a", Record(number + 1, "usage.recorded", "t", later + number, call)))
    assert (found(kept, Wanted()).total.calls, kept.since) == (3, later + 2)
