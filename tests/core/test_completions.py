"""Calls without a session: who ends them, and where what they used is recorded."""

from __future__ import annotations

from typing import Any

import pytest
import trio

from pillion import events as e
from pillion.completions import PARENT, PATIENCE
from pillion.contracts.provider import Caller, Finish, Request, UsageSeen
from pillion.contracts.store import SessionQuery
from pillion.errors import Gone
from pillion.testing.kit import Host, events, kernel_host
from pillion.testing.scripted import Pause
from pillion.values import Message, Text, Usage

ASK = Request("scripted/one", (Message("user", (Text("hi"),)),))
USED = UsageSeen(Usage(input=7, output=3))
SAYS = [Text("hello"), USED, Finish("stop")]


async def read(host: Host) -> list[Any]:
    return [chunk async for chunk in host.kernel.completions.start(ASK)]


async def records(host: Host) -> list[e.Event]:
    page = await host.kernel.sessions(SessionQuery(parent=PARENT))
    sessions = [await host.kernel.session(info.id) for info in page.data]
    found = [event for session in sessions for event in await events(session)]
    return [event for event in found if isinstance(event, e.UsageRecorded)]


async def test_the_end_is_seen_when_the_record_is_durable(tmp_path, autojump_clock) -> None:
    async with kernel_host(tmp_path) as host:
        host.provider.script(SAYS, SAYS)
        assert await read(host) == SAYS
        assert len(await records(host)) == 1
        await read(host)
        assert len(await records(host)) == 2
        assert len((await host.kernel.sessions(SessionQuery(parent=PARENT))).data) == 1


async def test_a_log_that_was_deleted_is_begun_again(tmp_path, autojump_clock) -> None:
    async with kernel_host(tmp_path) as host:
        host.provider.script(SAYS, SAYS)
        await read(host)
        (info,) = (await host.kernel.sessions(SessionQuery(parent=PARENT))).data
        await host.kernel.delete(info.id)
        await read(host)
        assert len(await records(host)) == 1


@pytest.mark.promise("models.complete_ends")
async def test_a_reader_that_takes_nothing_is_given_up(tmp_path, autojump_clock) -> None:
    async with kernel_host(tmp_path) as host:
        host.provider.script([USED, *([Text("x")] * 100), Finish("stop")])
        call = host.kernel.completions.start(ASK)
        began = trio.current_time()
        await host.kernel.completions.idle()
        assert PATIENCE <= trio.current_time() - began < PATIENCE + 1
        assert host.provider.running == 0
        with pytest.raises(Gone):
            assert [chunk async for chunk in call]
        assert len(await records(host)) == 1


@pytest.mark.promise("models.complete_ends")
async def test_a_kernel_that_closes_ends_its_calls_and_records_them(tmp_path, autojump_clock) -> None:
    async with kernel_host(tmp_path) as host:
        host.provider.script([USED, Pause(1000), Finish("stop")])
        call = host.kernel.completions.start(ASK)
        assert await anext(call) == USED
        store = host.kernel.store
        began = trio.current_time()
    assert trio.current_time() - began < 1
    (info,) = (await store.sessions(SessionQuery(parent=PARENT))).data
    assert [record.type for record in await store.read(info.id, 0, 10)] == ["session.opened", "usage.recorded"]


async def test_a_call_for_a_session_is_told_in_that_sessions_log(tmp_path, autojump_clock) -> None:
    async with kernel_host(tmp_path) as host:
        session = await host.open()
        host.provider.script(SAYS, SAYS)
        assert [chunk async for chunk in host.kernel.completions.start(ASK, role="title", session=session)] == SAYS
        (told,) = [event for event in await events(session) if isinstance(event, e.UsageRecorded)]
        assert (told.role, told.usage.input) == ("title", 7)
        await host.run(session, "go")
        turn = session.last.turn if session.last else ""
        callers = [Caller(session.id, "", "title", session.id), Caller(session.id, turn, "default", session.id)]
        assert [request.caller for request in host.provider.requests] == callers
        assert await records(host) == []
