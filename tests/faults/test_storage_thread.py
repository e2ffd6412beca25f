"""The database's thread and its store, where a job, a connection or the thread itself fails."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import trio

from pillion import Batch, Conflict, Draft, Record, SessionInfo
from pillion.errors import StoreFailed
from pillion_storage.database import FILE, Place
from pillion_storage.opening import open_store
from pillion_storage.store import DatabaseStore, Tried


def record(seq: int) -> Record:
    return Record(seq, "turn.finished", "t", seq, b"{}")


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[DatabaseStore]:
    store = await open_store(Place(tmp_path / FILE))
    yield store
    await store.aclose()


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt, MemoryError, GeneratorExit])
async def test_the_thread_outlives_whatever_a_job_raises(store: DatabaseStore, kind: type[BaseException]) -> None:
    def raises() -> None:
        raise kind("on purpose")

    for ask in (store._thread.write, store._thread.read):
        with pytest.raises(StoreFailed):
            await ask(raises)
    with pytest.raises((StoreFailed, kind)):
        await store._thread.plain(raises)
    made = await store.create(SessionInfo("a", "/w", 1, 1))
    await store.commit(Batch("a", made.generation, 0, [record(1)]))
    assert await store.read("a", 0, 9) == [record(1)]


async def test_nobody_waits_longer_than_the_patience_for_a_driver_that_does_not_come_back(tmp_path: Path) -> None:
    store, held = await open_store(Place(tmp_path / FILE), patience=0.5), threading.Event()
    thread = store._thread
    with trio.fail_after(20):
        try:
            for ask in (thread.write, thread.read):
                with pytest.raises(StoreFailed, match=r"did not answer within 0\.5 s"):
                    await ask(held.wait)
        finally:
            held.set()
        made = await store.create(SessionInfo("a", "/w", 1, 1))
        await store.commit(Batch("a", made.generation, 0, [record(1)]))
        assert await store.read("a", 0, 9) == [record(1)]
        await store.aclose()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
async def test_all_who_wait_for_a_thread_that_dies_are_told(store: DatabaseStore) -> None:
    thread = store._thread
    failed: list[str] = []

    async def wait(ask: Callable[[Any], Any]) -> None:
        try:
            await ask(lambda: None)
        except StoreFailed as error:
            failed.append(str(error))

    ident = ctypes.c_ulong(thread._thread.ident or 0)
    assert ctypes.pythonapi.PyThreadState_SetAsyncExc(ident, ctypes.py_object(SystemExit)) == 1
    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            for ask in (thread.write, thread.read, thread.plain):
                nursery.start_soon(wait, ask)
        thread._thread.join(10)
        with pytest.raises(StoreFailed, match="start the server again"):
            await store.info("a")
        assert "start the server again" in await store.health()
    assert len(failed) == 3


async def test_what_a_lost_answer_hides_is_found_again(store: DatabaseStore) -> None:
    """A batch that was kept, though the answer to it was lost, is done when it is tried again; another is not."""
    made = await store.create(SessionInfo("a", "/w", 1, 1))
    batch = Batch("a", made.generation, 0, [record(1), record(2)], drafts=[Draft(1, 0, "ab")])
    kept = Tried()
    await store._thread.write(lambda: store._commit(batch, [], again=kept.before()))
    await store._thread.write(lambda: store._commit(batch, [], again=kept.before()))
    other = Batch("a", made.generation, 0, [record(1)])
    with pytest.raises(Conflict):
        await store._thread.write(lambda: store._commit(other, [], again=True))
    with pytest.raises(Conflict):
        await store.commit(batch)
    grown = Batch("a", made.generation, 2, drafts=[Draft(1, 0, "abcd"), Draft(1, 4, "e")])
    await store.commit(grown)
    await store.commit(grown)
    assert list((await store.open("a")).drafts) == [Draft(1, 0, "abcd"), Draft(1, 4, "e")]
