"""What a session is called and what answers in it changes: durably, in one event, from the next turn on."""

from __future__ import annotations

import pytest
import trio

from pillion import ModelInfo
from pillion import events as e
from pillion.errors import Stale
from pillion.letters import Change
from pillion.memorystore import MemoryStore
from pillion.sessionchange import version_of
from pillion.testing.kit import Host, events, kernel_host
from pillion.testing.scripted import Pause, ScriptedProvider, says

BOTH = [ModelInfo(f"scripted/{name}", context=100_000, output=4_000) for name in ("one", "two")]


@pytest.mark.promise("sessions.changed")
async def test_a_change_outlives_the_process(tmp_path) -> None:
    store = MemoryStore()
    async with kernel_host(tmp_path, store=store) as host:
        session = await host.open(labels={"keep": "1", "drop": "2"})
        await session.change(Change(title="A lamp", labels={"drop": None, "new": "3"}, strategy="loop"))
    async with kernel_host(tmp_path, store=store) as host:
        (listed,) = (await host.kernel.sessions()).data
        again = await host.kernel.session(session.id)
        assert listed == again.info
        assert (again.info.title, again.info.labels) == ("A lamp", {"keep": "1", "new": "3"})
        assert (again.info.strategy, again.info.workspace) == ("loop", str(tmp_path))


@pytest.mark.promise("sessions.changed")
async def test_a_running_turn_keeps_its_model(tmp_path, autojump_clock) -> None:
    provider = ScriptedProvider([Pause(5), *says("one")], says("two"), models=BOTH)
    async with kernel_host(tmp_path, provider=provider) as host:
        session = await host.open(model="scripted/one")
        first, second = await session.prompt("1"), await session.prompt("2")
        await trio.sleep(1)
        await session.change(Change(model="scripted/two"))
        await session.ended(first.turn)
        await session.ended(second.turn)
        assert [request.model for request in provider.requests] == ["scripted/one", "scripted/two"]


async def test_of_two_changes_of_one_version_the_second_is_refused(host: Host) -> None:
    session = await host.open()
    seen = frozenset([version_of(session.info)])
    await session.change(Change(title="first", expected=seen))
    with pytest.raises(Stale):
        await session.change(Change(title="second", expected=seen))
    assert session.info.title == "first"


async def test_what_changes_nothing_writes_nothing(host: Host) -> None:
    session = await host.open(labels={"a": "1"})
    await session.change(Change(labels={"a": "1", "gone": None}))
    assert not [event for event in await events(session) if isinstance(event, e.SessionChanged)]
