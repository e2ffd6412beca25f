"""What a plugin keeps beside a session's turns: it lives as long as the session, and no longer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import trio

from pillion import events as e
from pillion.errors import Gone
from pillion.testing.kit import events, kernel_host

LONG = 1000
"""Seconds: longer than a session stays in memory."""


async def test_it_outlives_turns_keeps_its_session_in_memory_and_ends_with_it(
    tmp_path: Path, autojump_clock: Any
) -> None:
    ended = trio.Event()

    async with kernel_host(tmp_path) as host:
        session = await host.open()

        async def lives(begun: trio.TaskStatus[str]) -> None:
            begun.started("begun")
            try:
                await trio.sleep_forever()
            finally:
                with trio.CancelScope(shield=True):
                    await session.record(e.SessionChanged(title="its last word"))
                ended.set()

        assert await session.keep(lives) == "begun"
        await trio.sleep(LONG)
        assert session in host.kernel.live() and not session.at_peace
        await session.aclose()
        assert ended.is_set()
        again = await host.kernel.session(session.id)
        assert isinstance((await events(again))[-1], e.SessionChanged), "written while the session ended"
        assert again.at_peace


async def test_what_it_raises_ends_it_alone(tmp_path: Path, autojump_clock: Any) -> None:
    async def early(begun: trio.TaskStatus[None]) -> None:
        raise ZeroDivisionError

    async def late(begun: trio.TaskStatus[None]) -> None:
        begun.started()
        await trio.sleep(1)
        raise ZeroDivisionError

    async with kernel_host(tmp_path) as host:
        session = await host.open()
        with pytest.raises(ZeroDivisionError):
            await session.keep(early)
        await session.keep(late)
        await trio.sleep(2)
        assert session.at_peace and session.state == "idle"
        await session.note(e.SessionChanged(title="it goes on"))


async def test_a_session_that_has_ended_keeps_nothing(tmp_path: Path) -> None:
    async def never(begun: trio.TaskStatus[None]) -> None:
        raise AssertionError

    async with kernel_host(tmp_path) as host:
        session = await host.open()
        await session.aclose()
        with pytest.raises(Gone):
            await session.keep(never)
