"""One thread owns Pony. Writes of one instant go out in one transaction; one that can't be done fails alone."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Generic, Literal, TypeVar

import trio

from pillion import PillionError
from pillion.errors import StoreFailed

from .ponytypes import db_session, rollback

T = TypeVar("T")
Kind = Literal["read", "write", "plain"]
TOGETHER = 200
"""Writes in one transaction at most."""
_log = logging.getLogger("pillion.storage")


class Job(Generic[T]):
    """A writer's `work` may run a second time, when a group could not be kept."""

    __slots__ = ("done", "error", "kind", "token", "value", "work")

    def __init__(self, work: Callable[[], T], kind: Kind) -> None:
        self.work, self.kind = work, kind
        self.done = trio.Event()
        self.token = trio.lowlevel.current_trio_token()
        self.value: T | None = None
        self.error: Exception | None = None

    def run(self) -> None:
        """An error of ours is the job's own answer; any other one is the whole transaction's."""
        self.value, self.error = None, None
        try:
            self.value = self.work()
        except PillionError as error:
            self.error = error


class DatabaseThread:
    """Takes jobs from trio tasks, and does them in its own thread."""

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[Job[Any] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="pillion-storage", daemon=True)
        self.stopped = False

    def start(self) -> None:
        self._thread.start()

    async def read(self, work: Callable[[], T]) -> T:
        """Runs `work` in a db_session of its own."""
        return await self._do(Job(work, "read"))

    async def write(self, work: Callable[[], T]) -> T:
        """Runs `work` together with other writes; returns when it is durable.

        `work` raises errors of ours only before it has changed anything. Raises StoreFailed when the database can't
        keep it. A cancel that comes meanwhile takes effect afterwards.
        """
        return await self._do(Job(work, "write"))

    async def plain(self, work: Callable[[], T]) -> T:
        """Runs `work` without a db_session round it, and raises what it raises."""
        return await self._do(Job(work, "plain"))

    def stop(self) -> None:
        """What was asked for is done first."""
        self.stopped = True
        self._jobs.put(None)

    async def aclose(self) -> None:
        """Stops, and waits for it."""
        self.stop()
        await trio.to_thread.run_sync(self._thread.join, abandon_on_cancel=True)

    async def _do(self, job: Job[T]) -> T:
        if self.stopped:
            raise StoreFailed("The store is closed.")
        self._jobs.put(job)
        with trio.CancelScope(shield=True):  # the thread does it in any case; who waits has a deadline outside
            await job.done.wait()
        if job.error is not None:
            raise job.error
        return job.value  # type: ignore[return-value]

    # ── in the thread ──

    def _run(self) -> None:
        while (first := self._jobs.get()) is not None:
            jobs, last = [first], False
            while len(jobs) < TOGETHER and not self._jobs.empty():
                more = self._jobs.get()
                if more is None:
                    last = True
                    break
                jobs.append(more)
            self._group([job for job in jobs if job.kind == "write"])
            for job in jobs:
                if job.kind == "read":
                    self._transaction([job])
                elif job.kind == "plain":
                    self._alone(job)
            self._answer(jobs)
            if last:
                break

    def _group(self, jobs: list[Job[Any]]) -> None:
        """All in one transaction; when that fails, each in one of its own, so that the one at fault fails alone."""
        if jobs and not self._transaction(jobs) and len(jobs) > 1:
            for job in jobs:
                self._transaction([job])

    def _transaction(self, jobs: list[Job[Any]]) -> bool:
        try:
            with db_session:
                for job in jobs:
                    job.run()
        except Exception as error:  # the end of the database's task: whatever the driver raises, the thread lives on
            rollback()
            said = f"The database can't keep or give this at the moment: {error}"
            for job in jobs:
                job.error = StoreFailed(" ".join(said.split()))
                job.error.__cause__ = error
            if len(jobs) == 1:
                _log.warning("%s", said, exc_info=error)
            return False
        return True

    def _alone(self, job: Job[Any]) -> None:
        try:
            job.value = job.work()
        except Exception as error:  # whoever asked gets it
            job.error = error

    def _answer(self, jobs: list[Job[Any]]) -> None:
        def tell() -> None:
            for job in jobs:
                job.done.set()

        with suppress(trio.RunFinishedError):
            jobs[0].token.run_sync_soon(tell)
