"""A loop of trio in a thread of its own, for tests that block."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import TypeVar

import trio

T = TypeVar("T")


@contextmanager
def in_thread(opened: Callable[[], AbstractAsyncContextManager[T]], seconds: float) -> Iterator[T]:
    """What `opened` gives, for as long as the block runs; `seconds` each for its beginning and its end."""
    ready, left = threading.Event(), trio.Event()
    found: list[tuple[T, trio.lowlevel.TrioToken]] = []
    failed: list[BaseException] = []

    async def serve() -> None:
        async with opened() as thing:
            found.append((thing, trio.lowlevel.current_trio_token()))
            ready.set()
            await left.wait()

    def run() -> None:
        try:
            trio.run(serve)
        except BaseException as error:  # shown in the tests' own thread
            failed.append(error)
        ready.set()

    thread = threading.Thread(target=run)
    thread.start()
    assert ready.wait(seconds) and found, failed
    ((thing, token),) = found
    try:
        yield thing
    finally:
        token.run_sync_soon(left.set)
        thread.join(seconds)
    assert not failed and not thread.is_alive(), failed
