"""Retention: whole sessions go, the longest untouched first, and none that a living process has open."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
import trio

from pillion import Batch, Record, SessionInfo, SessionQuery
from pillion.kernel import open_kernel
from pillion.testing.kit import plain_settings
from pillion_storage.database import FILE, Place
from pillion_storage.filecache import Artefact, FileCacheDoor, FileFacts
from pillion_storage.plugin import Config, Plugin
from pillion_storage.retention import DAY, Keep
from pillion_storage.store import DatabaseStore

from .places import store_at

NOW = time.time_ns() // 1_000_000
BIG = b"x" * 300_000


async def put(
    store: DatabaseStore,
    id: str,
    days: float,
    *,
    parent: str = "",
    data: bytes = b"{}",
    contents: Mapping[str, bytes] | None = None,
) -> None:
    """A session that was touched so many days ago, and is open nowhere."""
    then = NOW - int(days * DAY)
    made = await store.create(SessionInfo(id, "/w", then, then, parent=parent))
    record = Record(1, "turn.finished", "t", then, data)
    await store.commit(Batch(id, made.generation, 0, [record], blobs={id: data} if contents is None else contents))
    await store.release(id, made.generation)


async def left(store: DatabaseStore) -> list[str]:
    found = []
    for parent in ("", "old"):
        found += [info.id for info in (await store.sessions(SessionQuery(parent=parent))).data]
    return sorted(found)


@pytest.mark.promise("retention.whole")
async def test_old_sessions_go_with_their_children_and_contents(place: Place) -> None:
    async with store_at(place) as store:
        await put(store, "old", 40)
        await put(store, "child", 41, parent="old")
        await put(store, "records", 50, parent="nobody")
        await put(store, "new", 2)
        gone = await store.expire(Keep(days=30))
        assert [(tree.root, sorted(tree.sessions)) for tree in gone] == [
            ("records", ["records"]),
            ("old", ["child", "old"]),
        ]
        assert await left(store) == ["new"]
        assert await store.blob("new") == b"{}"
        for session in ("old", "child", "records"):
            with pytest.raises(Exception, match="no blob"):
                await store.blob(session)
        assert await store.expire(Keep(days=30)) == []


@pytest.mark.promise("retention.whole")
async def test_where_it_is_too_large_the_oldest_go_until_it_is_not(place: Place) -> None:
    async with store_at(place) as store:
        for number in range(8):
            await put(store, f"s{number}", 10 - number, data=BIG)
        gone = await store.expire(Keep(megabytes=2.5))
        assert [tree.bytes for tree in gone] == [2 * len(BIG)] * 4
        assert await left(store) == [f"s{number}" for number in range(4, 8)]
        assert await store.expire(Keep(megabytes=2.5)) == []


@pytest.mark.promise("retention.whole")
async def test_what_no_session_owns_makes_no_session_go(place: Place) -> None:
    async with store_at(place) as store:
        for number in range(10):
            await put(store, f"s{number}", 20 - number, data=b"y" * 50_000)
        files = [(FileFacts(f"f{n}", f"h{n}", 1, 1), [Artefact("a.b", "1", BIG)]) for n in range(10)]
        await FileCacheDoor(store).put("/w", files)
        assert await store.expire(Keep(megabytes=1.05)) == []
        assert [tree.root for tree in await store.expire(Keep(megabytes=0.95))] == ["s0"]


@pytest.mark.promise("retention.whole")
async def test_a_content_that_two_have_goes_with_the_second_and_is_counted_once(place: Place) -> None:
    async with store_at(place) as store:
        await put(store, "s0", 9)
        for number in range(1, 6):
            await put(
                store, f"s{number}", 9 - number, contents={"shared": BIG} if number < 3 else {f"own{number}": BIG}
            )
        gone = await store.expire(Keep(megabytes=0.95))
        assert [(tree.root, tree.bytes > len(BIG)) for tree in gone] == [("s0", False), ("s1", False), ("s2", True)]


@pytest.mark.promise("retention.open")
async def test_what_a_living_process_has_open_stays_with_all_its_tree(place: Place) -> None:
    async with store_at(place) as store, store_at(place) as other:
        for id in ("mine", "old", "theirs", "free"):
            await put(store, id, 40)
        await put(store, "child", 41, parent="old")
        await store.open("mine")
        await store.open("child")
        await other.open("theirs")
        assert [tree.root for tree in await store.expire(Keep(days=30))] == ["free"]
        assert await left(store) == ["child", "mine", "old", "theirs"]


async def test_off_it_takes_nothing(place: Place) -> None:
    async with store_at(place) as store:
        await put(store, "old", 4000)
        assert await store.expire(Keep()) == []
        assert await left(store) == ["old"]


async def test_a_kernel_begins_with_it_and_leaves_what_is_live_or_ephemeral(tmp_path: Path) -> None:
    async with store_at(Place(tmp_path / FILE)) as store:
        await put(store, "old", 40)
        await put(store, "new", 1)
    settings = plain_settings(tmp_path, defaults__store="storage")
    plugins = {"storage": Plugin(Config(keep_days=30))}
    async with open_kernel(settings, plugins=plugins) as kernel:
        ephemeral = await kernel.create(str(tmp_path), ephemeral=True)
        rows = sqlite3.connect(tmp_path / FILE)
        with trio.fail_after(30):
            while rows.execute("SELECT 1 FROM session WHERE id = 'old'").fetchall():  # noqa: ASYNC110 - nobody tells
                await trio.sleep(0.05)
        rows.close()
        assert [info.id for info in (await kernel.sessions()).data] == ["new"]
        assert ephemeral in kernel.live()


async def test_a_kernel_begins_with_forgetting_old_contents_of_files(tmp_path: Path) -> None:
    async with store_at(Place(tmp_path / FILE)) as store:
        files = [(FileFacts(f"f{n}", "h", 1, 1), [Artefact("a.b", "1", b"x")]) for n in range(1200)]
        await FileCacheDoor(store).put("/w", files)
        old = f"UPDATE file_cache SET seen = seen - {31 * DAY} WHERE path <> 'f0'"
        assert await store.writing(lambda rows: rows.run(old).rowcount) == 1199
    settings = plain_settings(tmp_path, defaults__store="storage")
    async with open_kernel(settings, plugins={"storage": Plugin(Config())}):
        rows = sqlite3.connect(tmp_path / FILE)
        with trio.fail_after(30):
            while rows.execute("SELECT count(*) FROM file_artefact").fetchone() != (1,):  # noqa: ASYNC110 - nobody tells
                await trio.sleep(0.05)
        assert rows.execute("SELECT path FROM file_cache").fetchall() == [("f0",)]
        rows.close()
