"""What goes wrong behind a session, on each wire format: the right class and events, and the session goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import trio
from msgspec import Struct
from trio.testing import MockClock

from pillion import events as e
from pillion.session import Session
from pillion.testing.kit import FunctionTool, Host, events
from pillion_runtime.testing import (
    Call,
    Cut,
    EndEarly,
    Malformed,
    Reply,
    Silence,
    Status,
    Vendor,
    replies,
)

from .documented import FORMATS
from .vendors import sessions_of

FORMAT = pytest.mark.parametrize("format_", FORMATS)
ENDS = e.TextFinished, e.TextVoided, e.TextInterrupted, e.CallFinished, e.CallVoided, e.CallInterrupted
TOTAL = {"deadlines.total": 240}
HOUR = 3600
"""Of the clock that jumps."""
WORDS = ("Half ", "of ", "it")
FINE = Reply(text="All of it.")
SILENT = (Silence(None), Silence(0), Silence(0, drip=60), Silence(2), Silence(2, drip=60))
BEFORE = (Cut(), Cut(0), EndEarly(0), Malformed(0), *SILENT[:3], Status(500), Status(529))
AMID = (Cut(2), Cut(2, reset=True), EndEarly(2), Malformed(2), *SILENT[3:])
FAULTS = [
    *((Reply(text=WORDS, fault=fault), False) for fault in BEFORE),
    *((Reply(text=WORDS, fault=fault, pause=0.01), True) for fault in AMID),
    (Reply(text=WORDS, delay=121), False),
    (Reply(text=WORDS, pause=61), True),
    (Reply(text=WORDS * 3, pause=50), True),  # each piece in time, the whole not
]
"""A first answer that fails, and whether some of its text has been shown by then."""


@pytest.fixture
def clock(autojump_clock: MockClock) -> MockClock:
    """Jumps when nothing came from a socket for a while."""
    autojump_clock.autojump_threshold = 0.01
    return autojump_clock


class Counted(Struct, frozen=True, forbid_unknown_fields=True):
    number: int


async def count(arguments: Any, call: Any) -> str:
    return f"It was {arguments.number}."


COUNT = FunctionTool("count", count, arguments=Counted)


async def ride(host: Host, vendor: Vendor, *given: Reply) -> tuple[Session, e.Event, list[e.Event], set[str]]:
    """A new session to which the vendor says these; its end, its events, and the types that a watcher saw."""
    vendor.program = replies(*given)
    session = await host.open()
    watcher = session.follow("latest")
    with trio.fail_after(HOUR):
        ending = await host.run(session, "Say it.")
    seen = {frame.type for frame in await watcher.page()}
    told = await events(session)
    opened = [seq for seq, event in enumerate(told, 1) if isinstance(event, e.TextStarted | e.CallStarted)]
    closed = [event.item for event in told if isinstance(event, ENDS)]
    assert sorted(closed) == opened, "each item is closed once"
    return session, ending, told, seen


async def goes_on(host: Host, vendor: Vendor, session: Session) -> None:
    """The next prompt is answered as if nothing had been."""
    vendor.program = replies(FINE)
    with trio.fail_after(HOUR):
        assert isinstance(await host.run(session, "And now?"), e.TurnFinished)
    assert (await session.messages())[-1].text == FINE.text


@FORMAT
async def test_what_may_pass_is_asked_again_and_then_told(tmp_path: Path, format_: str, clock: MockClock) -> None:
    async with sessions_of(tmp_path, format_, replies(FINE), attempts=2, flags=TOTAL) as (vendor, host):
        await host.run(await host.open(), "Are you there?")  # the SDK is imported in a thread
        for torn, shown in FAULTS:
            _, ending, told, seen = await ride(host, vendor, torn, FINE)
            assert isinstance(ending, e.TurnFinished), (torn, ending)
            assert [event.text for event in told if isinstance(event, e.TextFinished)] == [FINE.text], torn
            assert any(isinstance(event, e.TextVoided) for event in told) is shown, torn
            assert "model.waiting" in seen, torn
            if torn.fault in (None, *SILENT[1:]):
                continue  # each second attempt would be as long
            session, ending, told, _ = await ride(host, vendor, torn)
            code = "provider_busy" if torn.fault == Status(529) else "provider_down"
            assert isinstance(ending, e.TurnFailed) and (ending.code, ending.retryable) == (code, True), torn
            assert not any(isinstance(event, e.TextFinished) for event in told), torn
            await goes_on(host, vendor, session)
        await vendor.until(lambda vendor: vendor.open_streams == 0)


SAID = [f"It was {number}." for number in range(200)]
CALLS = [
    ("malformed", (Call("count", ('{"number"', ": ")),), ["don't fit"]),
    ("of a wrong type", (Call("count", ('{"number": "four"}',)),), ["$.number"]),
    ("unknown", (Call("conut", ('{"number": 4}',)),), ["count"]),
    (
        "of one id",
        tuple(Call("count", (f'{{"number": {n}}}',), "same") for n in range(3)),
        [f"It was {n}." for n in range(3)],
    ),
    (
        "very many",
        tuple(Call("count", (f'{{"number": {n}}}',)) for n in range(200)),
        [f"It was {n}." for n in range(200)],
    ),
]


@FORMAT
async def test_each_call_gets_its_one_result(tmp_path: Path, format_: str, clock: MockClock) -> None:
    async with sessions_of(tmp_path, format_, replies(FINE), COUNT) as (vendor, host):
        for what, wanted, words in CALLS:
            session, ending, told, _ = await ride(host, vendor, Reply(calls=wanted), FINE)
            assert isinstance(ending, e.TurnFinished), (what, ending)
            results = {event.call: event for event in told if isinstance(event, e.ToolFinished)}
            calls = [event.call for event in told if isinstance(event, e.CallFinished)]
            assert sorted(results) == sorted(set(calls)) == sorted(calls), what
            assert all(word in results[call].text for call, word in zip(calls, words, strict=True)), what
            assert len(vendor.asked[-1].results) == len(wanted), what
            await goes_on(host, vendor, session)


@FORMAT
async def test_an_answer_without_words_is_an_answer(tmp_path: Path, format_: str, clock: MockClock) -> None:
    """It does not stand in the next request, where a vendor would refuse it."""
    async with sessions_of(tmp_path, format_, replies(FINE)) as (vendor, host):
        session, ending, told, _ = await ride(host, vendor, Reply())
        assert isinstance(ending, e.TurnFinished), ending
        assert [event.finish for event in told if isinstance(event, e.MessageFinished)] == ["stop"]
        await goes_on(host, vendor, session)
        assert b'"assistant"' not in vendor.asked[-1].body


@FORMAT
@pytest.mark.parametrize("finish", ["filtered", "length"])
async def test_an_answer_that_was_cut_says_so(tmp_path: Path, format_: str, finish: Any, clock: MockClock) -> None:
    async with sessions_of(tmp_path, format_, replies(FINE)) as (vendor, host):
        session, ending, told, _ = await ride(host, vendor, Reply(text=WORDS, finish=finish))
        assert isinstance(ending, e.TurnFinished), ending
        assert [event.finish for event in told if isinstance(event, e.MessageFinished)] == [finish]
        await goes_on(host, vendor, session)
