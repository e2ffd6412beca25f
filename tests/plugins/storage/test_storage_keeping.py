"""Sessions are kept in a database: forked, put aside, exported and imported."""

from __future__ import annotations

from pathlib import Path

import pytest

from pillion import Image, NotFound, SessionQuery
from pillion.events import SessionForked
from pillion.letters import Change
from pillion.testing.kit import events, kernel_host
from pillion.testing.scripted import ScriptedProvider, says
from pillion_storage.database import Place
from pillion_storage.opening import open_store

DOT = Image("image/png", b"\x89PNG")


@pytest.mark.promise("sessions.forked")
async def test_a_fork_outlives_what_it_came_from(place: Place, tmp_path: Path) -> None:
    provider = ScriptedProvider(says("one"), says("two"))
    async with kernel_host(tmp_path, provider=provider, store=await open_store(place)) as host:
        session = await host.open()
        await host.run(session, "1", images=[DOT])
        at = session.head
        await host.run(session, "2")
        fork = await host.kernel.fork(session.id, at)
        await host.kernel.delete(session.id)
    async with kernel_host(tmp_path, store=await open_store(place)) as host:
        again = await host.kernel.session(fork.id)
        assert (again.info.origin, again.info.branched) == (session.id, at)
        assert [message.text for message in await again.messages()] == ["1", "one"]
        assert DOT in (await again.messages())[0].parts
        (name, _) = next(event.messages for event in await events(again) if isinstance(event, SessionForked))
        await host.kernel.delete(fork.id)
        with pytest.raises(NotFound):
            await host.kernel.store.blob(name)


@pytest.mark.promise("sessions.archived")
async def test_what_was_put_aside_stays_so(place: Place, tmp_path: Path) -> None:
    async with kernel_host(tmp_path, store=await open_store(place)) as host:
        session, other = await host.open(), await host.open()
        await session.change(Change(archived=True))
    async with kernel_host(tmp_path, store=await open_store(place)) as host:
        assert [info.id for info in (await host.kernel.sessions()).data] == [other.id]
        assert [info.id for info in (await host.kernel.sessions(SessionQuery(archived=True))).data] == [session.id]


@pytest.mark.promise("sessions.exported")
async def test_what_is_exported_is_the_same_in_another_database(place: Place, tmp_path: Path) -> None:
    provider = ScriptedProvider(says("one"), says("two"))
    async with kernel_host(tmp_path, provider=provider, store=await open_store(place)) as host:
        session = await host.open(labels={"zz": "1", "a": "2"})
        await host.run(session, "1", images=[DOT])
        fork = await host.kernel.fork(session.id)
        await host.run(fork, "2")
        await fork.change(Change(title="A lamp", archived=True))
        file = b"".join([some async for some in host.kernel.export(fork.id)])
        await host.kernel.delete(fork.id)
        await host.kernel.delete(session.id)
        pieces = iter([file])

        async def more() -> bytes:
            return next(pieces, b"")

        again = await host.kernel.import_(more)
        assert b"".join([some async for some in host.kernel.export(again.id)]) == file
    async with kernel_host(tmp_path, store=await open_store(place)) as host:
        again = await host.kernel.session(fork.id)
        assert (again.info.title, again.info.archived, again.info.origin) == ("A lamp", True, session.id)
        assert [message.text for message in await again.messages()] == ["1", "one", "2", "two"]
