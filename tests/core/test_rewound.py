"""The conversation taken back by an event, and forward again."""

from __future__ import annotations

from pathlib import Path

import pytest

from pillion.events import HistoryCompacted, SessionRewound, TurnStarted, decode, type_of
from pillion.history import History
from pillion.session import Session
from pillion.testing.kit import Host, frames, kernel_host
from pillion.testing.scripted import ScriptedProvider, calls, says


async def places(session: Session) -> list[int]:
    """The event before each turn."""
    return [int(frame.id) - 1 for frame in await frames(session) if frame.type == type_of(TurnStarted)]


async def words(session: Session) -> list[str]:
    return [message.text for message in await session.messages()]


async def three(host: Host) -> Session:
    session = await host.open()
    for text in ("one", "two", "three"):
        host.provider.script(says(f"answer {text}"))
        await host.run(session, text)
    return session


@pytest.mark.promise("undo.words")
async def test_it_goes_back_and_forth_and_on(tmp_path: Path) -> None:
    async with kernel_host(tmp_path) as host:
        session = await three(host)
        whole, before = await words(session), await places(session)
        head = session.head
        await session.note(SessionRewound(to=before[1]))
        assert await words(session) == ["one", "answer one"]
        await session.note(SessionRewound(to=before[2]))
        assert await words(session) == ["one", "answer one", "two", "answer two"]
        host.provider.script(says("answer four"))
        await host.run(session, "four")
        assert [message.text for message in host.provider.requests[-1].messages] == [
            "one", "answer one", "two", "answer two", "four",
        ]  # fmt: skip
        assert await words(session) == ["one", "answer one", "two", "answer two", "four", "answer four"]
        await session.note(SessionRewound(to=0))
        assert await words(session) == []
        assert whole[-1] == "answer three" and head < session.head


async def test_what_the_log_says_is_what_memory_has(tmp_path: Path) -> None:
    async with kernel_host(tmp_path) as host:
        session = await three(host)
        before = await places(session)
        await session.note(HistoryCompacted(messages=2, text="sum", before=9, after=1, by="x", why="asked"))
        await session.note(SessionRewound(to=before[2]))
        history = History()
        for frame in await frames(session):
            if (event := decode(frame.type, frame.data)) is not None and "." not in frame.id:
                history.apply(int(frame.id), event, frame.turn, frame.time)
        assert history.compacted is None and len(history.drafts) == len(await session.messages()) == 4
        fork = await host.kernel.fork(session.id)
        assert await words(fork) == await words(session)


async def test_a_call_keeps_its_result_wherever_it_goes_back_to(tmp_path: Path) -> None:
    provider = ScriptedProvider(calls(("none", "{}")), calls(("none", "{}"), text="again"), says("done"))
    async with kernel_host(tmp_path, provider=provider) as host:
        session = await host.open()
        await host.run(session, "go")
        for to in range(session.head + 1):
            await session.note(SessionRewound(to=to))
            roles = [message.role for message in await session.messages()]
            assert roles == ["user", "assistant"] * (len(roles) // 2) + ["user"] * (len(roles) % 2)
