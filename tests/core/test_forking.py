"""A fork begins with the conversation of another session as it was, and needs that session no more."""

from __future__ import annotations

from typing import Any

import pytest

from pillion import Image, Limits, SessionInfo, Thinking, ToolCall, ToolResult
from pillion import events as e
from pillion.errors import BadCursor, NotFound
from pillion.letters import Change
from pillion.memorystore import MemoryStore
from pillion.testing.kit import FunctionTool, Host, events, kernel_host
from pillion.testing.scripted import Gate, ScriptedProvider, calls, says

DOT = Image("image/png", b"\x89PNG")


async def looks(arguments: Any, call: Any) -> str:
    return "seen"


LOOK = FunctionTool("look", looks)


async def texts(session: Any) -> list[str]:
    return [message.text for message in await session.messages()]


@pytest.mark.promise("sessions.forked")
async def test_a_fork_begins_as_the_session_was_and_goes_its_own_way(host: Host) -> None:
    host.provider.script(says("one"), says("two"), says("other"))
    session = await host.open(labels={"team": "a"}, limits=Limits(steps=7))
    await session.change(Change(title="A lamp"))
    await host.run(session, "1", images=[DOT])
    at = session.head
    await host.run(session, "2")
    fork = await host.kernel.fork(session.id, at)
    assert (await fork.messages()) == (await session.messages())[:2]
    kept = (fork.info.workspace, fork.info.title, fork.info.labels, fork.limits)
    assert kept == (session.info.workspace, "A lamp", {"team": "a"}, session.limits)
    assert (fork.info.origin, fork.info.branched, fork.info.parent) == (session.id, at, "")
    await host.run(fork, "3")
    assert (await texts(fork), await texts(session)) == (["1", "one", "3", "other"], ["1", "one", "2", "two"])
    assert host.provider.requests[-1].messages[0].parts[0] == DOT


@pytest.mark.promise("sessions.forked")
async def test_a_fork_of_a_fork_outlives_what_it_came_from_and_the_process(tmp_path) -> None:
    store = MemoryStore()
    async with kernel_host(tmp_path, provider=ScriptedProvider(says("one"), says("two")), store=store) as host:
        session = await host.open()
        await host.run(session, "1", images=[DOT])
        first = await host.kernel.fork(session.id)
        await host.run(first, "2")
        second = await host.kernel.fork(first.id)
        told = await first.messages()
        await host.kernel.delete(session.id)
        await host.kernel.delete(first.id)
    async with kernel_host(tmp_path, provider=ScriptedProvider(says("three")), store=store) as host:
        again = await host.kernel.session(second.id)
        assert (await again.messages(), again.info.origin) == (told, first.id)
        await host.run(again, "3")
        assert await texts(again) == ["1", "one", "2", "two", "3", "three"]
        await host.kernel.delete(second.id)
    assert store._blobs == {}


@pytest.mark.promise("sessions.forked")
async def test_a_session_is_forked_at_each_of_its_events(tmp_path) -> None:
    """Wherever it is cut, each call has its one result, and no thinking or call of half a step is left."""
    provider = ScriptedProvider([Thinking("hm"), *calls(("look", "{}"), ("look", "{}"), text="I look.")], says("done"))
    async with kernel_host(tmp_path, LOOK, provider=provider) as host:
        session = await host.open()
        await host.run(session, "go")
        lengths = []
        for at in range(1, session.head + 1):
            messages = await (await host.kernel.fork(session.id, at)).messages()
            parts = [part for message in messages for part in message.parts]
            wanted = [part.id for part in parts if isinstance(part, ToolCall)]
            assert [part.call for part in parts if isinstance(part, ToolResult)] == wanted
            assert wanted or not any(isinstance(part, Thinking) for part in parts)
            lengths.append(len(messages))
        assert lengths == sorted(lengths)
        assert (lengths[0], lengths[-1]) == (0, 4)


async def test_a_running_session_is_forked_and_runs_on(tmp_path) -> None:
    gate = Gate()
    async with kernel_host(tmp_path, provider=ScriptedProvider([gate, *says("one")], says("two"))) as host:
        session = await host.open()
        accepted = await session.prompt("1")
        await session.prompt("waits")
        await gate.reached.wait()
        fork = await host.kernel.fork(session.id)
        assert (await texts(fork), fork.waiting, fork.state) == (["1"], 0, "idle")
        gate.opened.set()
        assert isinstance(await session.ended(accepted.turn), e.TurnFinished)


async def test_there_is_no_fork_at_an_event_that_is_not_there(host: Host) -> None:
    session = await host.open()
    for at in (0, session.head + 1, 10_000):
        with pytest.raises(BadCursor, match=rf"has \d events, so it can't be forked at event {at}\."):
            await host.kernel.fork(session.id, at)
    with pytest.raises(NotFound):
        await host.kernel.fork("0" * 32)
    assert len((await host.kernel.sessions()).data) == 1


async def test_a_fork_lasts_as_long_as_what_it_came_from(host: Host) -> None:
    session = await host.open(ephemeral=True)
    fork = await host.kernel.fork(session.id)
    assert fork.info.ephemeral
    assert (await host.kernel.sessions()).data == []


async def test_a_secret_that_became_known_meanwhile_is_not_in_the_fork(host: Host) -> None:
    session = await host.open()
    host.provider.script(says("the word is sesame-opens"))
    await host.run(session, "which?")
    host.kernel.secrets.register("sesame-opens")
    fork = await host.kernel.fork(session.id)
    assert await texts(fork) == ["which?", "the word is [secret]"]
    assert not any(b"sesame" in data for data in host.kernel.store._blobs.values())


async def test_archived_children_go_with_their_parent(host: Host) -> None:
    session = await host.open()
    for n in range(3):
        await host.kernel.store.create(SessionInfo(f"c{n}", "/w", n, parent=session.id, archived=n == 1))
    await host.kernel.delete(session.id)
    assert host.kernel.store._logs == {}


async def test_an_archived_session_is_in_no_list_but_its_own_and_works_on(host: Host) -> None:
    session, other = await host.open(), await host.open()
    before = session.info
    await session.change(Change(archived=True))
    assert [info.id for info in (await host.kernel.sessions()).data] == [other.id]
    host.provider.script(says("still here"))
    assert isinstance(await host.run(session, "go"), e.TurnFinished)
    (changed,) = [event for event in await events(session) if isinstance(event, e.SessionChanged)]
    assert changed == e.SessionChanged(archived=True)
    await session.change(Change(archived=False))
    assert (session.info.archived, session.info.title) == (False, before.title)
