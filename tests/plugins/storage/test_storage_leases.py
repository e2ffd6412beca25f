"""Who may open a session: its owner, until it lets go, ends or falls silent. Two stores stand for two processes."""

from __future__ import annotations

import os
import platform
import sqlite3
from pathlib import Path

import pytest
import trio

from pillion import Batch, Record, SessionInfo, SessionQuery
from pillion.errors import LostLease, OwnedElsewhere
from pillion_storage.database import FILE, Place
from pillion_storage.processes import Self

from .places import store_at


async def test_a_session_of_another_process_that_lives_is_not_stolen(place: Place) -> None:
    record = Record(1, "turn.finished", "t", 1, b"{}")
    async with store_at(place) as first, store_at(place) as second:
        made = await first.create(SessionInfo("a", "/w", 1, 1))
        await first.commit(Batch("a", made.generation, 0, [record]))
        for attempt in (second.open, second.delete):
            with pytest.raises(OwnedElsewhere, match=f"process {os.getpid()} on {platform.node()}.*kill"):
                await attempt("a")
        assert (await second.info("a")).id == "a"
        assert await second.read("a", 0, 9) == [record]
        assert [info.id for info in (await second.sessions(SessionQuery())).data] == ["a"]
        await first.commit(Batch("a", made.generation, 1, [Record(2, "turn.finished", "t", 1, b"{}")]))
        assert (await first.open("a")).last == 2, "its owner opens it as often as it likes"


async def test_a_released_session_is_free_and_its_last_owner_can_write_no_more(place: Place) -> None:
    async with store_at(place) as first, store_at(place) as second:
        made = await first.create(SessionInfo("a", "/w", 1, 1))
        await first.release("a", made.generation)
        taken = await second.open("a")
        assert taken.generation > made.generation
        with pytest.raises(LostLease):
            await first.commit(Batch("a", made.generation, 0))
        await first.release("a", made.generation)
        with pytest.raises(OwnedElsewhere):
            await first.open("a")


async def test_a_store_that_is_closed_leaves_all_it_had(place: Place) -> None:
    async with store_at(place) as second:
        async with store_at(place) as first:
            await first.create(SessionInfo("a", "/w", 1, 1))
        assert (await second.open("a")).generation == 2


def rewrite(place: Place, what: str) -> None:
    """Changes the row of the process that has session `a`."""
    rows = sqlite3.connect(place.file, isolation_level=None)
    changed = rows.execute(f"UPDATE process SET {what} WHERE id = (SELECT owner FROM session WHERE id = 'a')")
    assert changed.rowcount == 1
    rows.close()


@pytest.mark.parametrize(
    "what",
    ["beat = beat - 30000", f"born = '{Self.make().born}0'", "host = 'elsewhere', beat = beat - 30000"],
    ids=["silent", "its pid is another's now", "elsewhere and silent"],
)
async def test_who_is_silent_or_dead_is_followed(tmp_path: Path, what: str) -> None:
    place = Place(tmp_path / FILE, lease_seconds=20)
    async with store_at(place) as first, store_at(place) as second:
        await first.create(SessionInfo("a", "/w", 1, 1))
        rewrite(place, what)
        assert (await second.open("a")).generation == 2


@pytest.mark.parametrize("what", ["host = 'elsewhere'", "born = 'another boot pid:[1] 5'"])
async def test_of_another_machine_or_container_only_the_heartbeat_counts(tmp_path: Path, what: str) -> None:
    place = Place(tmp_path / FILE)
    async with store_at(place) as first, store_at(place) as second:
        await first.create(SessionInfo("a", "/w", 1, 1))
        rewrite(place, what)
        with pytest.raises(OwnedElsewhere):
            await second.open("a")


async def test_a_process_beats_and_the_rows_of_dead_ones_go(tmp_path: Path) -> None:
    place = Place(tmp_path / FILE, lease_seconds=1)
    async with store_at(place) as first:
        await first.create(SessionInfo("a", "/w", 1, 1))
        rows = sqlite3.connect(place.file, isolation_level=None)
        dead = (platform.node(), 2**22 + 1, f"{Self.make().born}0")
        rows.execute("INSERT INTO process VALUES ('dead', ?, ?, ?, 1, 9999999999999)", dead)
        (before,) = rows.execute("SELECT beat FROM process WHERE id <> 'dead'").fetchone()
        with trio.fail_after(20):
            while rows.execute("SELECT id FROM process WHERE id = 'dead'").fetchall():  # noqa: ASYNC110
                await trio.sleep(0.05)
        (after,) = rows.execute("SELECT beat FROM process").fetchone()
        rows.close()
    assert after > before
