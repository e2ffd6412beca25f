"""Sessions that end with the process: kept in memory alone."""

from __future__ import annotations

from typing import Any

import pytest
import trio.testing

from pillion import Batch, Image, NotFound, SessionInfo, SessionQuery, hookimpl
from pillion import events as e
from pillion.memorystore import MemoryStore
from pillion.testing.kit import Host, StrategyPlugin, kernel_host
from pillion.testing.scripted import ScriptedProvider, says

DOT = Image("image/png", b"\x89PNG")


class Untouched(MemoryStore):
    """A store that must not be asked to keep anything."""

    async def create(self, info: Any) -> Any:
        raise AssertionError("an ephemeral session touched the store")

    commit = open = read = blob = delete = create


class Delegate:
    """Gives its prompt to a child."""

    name = "delegate"
    description = "Has a child do it."

    async def run(self, turn: Any) -> None:
        async with turn.child(strategy="loop") as child:
            await child.ended((await child.prompt("help")).turn)


@pytest.mark.promise("sessions.ephemeral")
async def test_an_ephemeral_session_never_touches_the_store(tmp_path) -> None:
    provider = ScriptedProvider(says("one"), says("two"), says("three"))
    plugins = {"delegate": StrategyPlugin(Delegate())}
    async with kernel_host(tmp_path, provider=provider, plugins=plugins, store=Untouched()) as host:
        session = await host.open(ephemeral=True)
        assert isinstance(await host.run(session, "look", images=[DOT]), e.TurnFinished)
        assert isinstance(await host.run(session, "go on", strategy="delegate"), e.TurnFinished)
        (child,) = (await host.kernel.sessions(SessionQuery(parent=session.id))).data
        assert child.ephemeral
        await session.aclose()  # it comes back as long as the process lives
        again = await host.kernel.session(session.id)
        assert DOT in (await again.messages())[0].parts
        await host.kernel.delete(session.id)
        for id in (session.id, child.id):
            with pytest.raises(NotFound):
                await host.kernel.ephemeral.info(id)
        assert host.kernel.ephemeral._blobs == {}


async def test_ephemeral_sessions_are_listed_apart(host: Host) -> None:
    kept, gone = await host.open(), await host.open(ephemeral=True)
    assert [info.id for info in (await host.kernel.sessions()).data] == [kept.id]
    assert [info.id for info in (await host.kernel.sessions(ephemeral=True)).data] == [gone.id]


async def test_a_picture_stays_while_another_session_has_it() -> None:
    store = MemoryStore()
    for id in "ab":
        made = await store.create(SessionInfo(id, "/w", 1))
        await store.commit(Batch(id, made.generation, 0, blobs={"h": b"x"} | {id: b"y"}))
    await store.delete("a")
    assert await store.blob("h") == b"x"
    with pytest.raises(NotFound):
        await store.blob("a")


class Watching:
    """A plugin with an observer, which is told what must not be kept."""

    def __init__(self) -> None:
        self.seen: set[tuple[str, bool]] = set()

    @hookimpl
    def register_observers(self) -> list[Any]:
        return [self]

    async def watch(self, feed: Any) -> None:
        async for item in feed:
            self.seen.add((item.session, item.ephemeral))


async def test_observers_are_told_what_must_not_be_kept(tmp_path) -> None:
    watching = Watching()
    async with kernel_host(tmp_path, plugins={"watching": watching}) as host:
        kept, gone = await host.open(), await host.open(ephemeral=True)
        await trio.testing.wait_all_tasks_blocked()
    assert watching.seen == {(kept.id, False), (gone.id, True)}
