"""One thread owns Pony. Writes of one instant go out in one transaction; one that can't be done fails alone."""

from __future__ import annotations

import logging
import math
import queue
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Generic, Literal, TypeVar

import trio

from pillion import PillionError
from pillion.errors import StoreFailed

from .faults import WAYS, Fault
from .ponytypes import db_session, rollback

T = TypeVar("T")
Kind = Literal["read", "write", "plain"]
TOGETHER = 200
"""Writes in one transaction at most."""
LOOKS = 10
"""How often, within the patience, it is looked for what is late."""
AGAIN = 0.25
"""Seconds until a database that does not answer is asked again."""
_log = logging.getLogger("pillion.storage")


class Job(Generic[T]):
    """A writer's `work` may run a second time, when a group could not be kept. `dropped`: nobody waits any more.

    `until`: trio's time at which it is `late`, and nobody waits for the thread, which may stand in the driver.
    """

    __slots__ = ("done", "dropped", "error", "kind", "late", "part", "token", "until", "value", "work")

    def __init__(self, work: Callable[[], T], kind: Kind, part: Any = None, until: float = math.inf) -> None:
        self.work, self.kind, self.part, self.until = work, kind, part, until
        self.done = trio.Event()
        self.token = trio.lowlevel.current_trio_token()
        self.value: T | None = None
        self.error: Exception | None = None
        self.dropped = self.late = False

    def run(self) -> None:
        """An error of ours is the job's own answer; any other one is the whole transaction's."""
        self.value, self.error = None, None
        try:
            self.value = self.work()
        except PillionError as error:
            self.error = error


class Unreachable(StoreFailed):
    """The database did not answer; it may soon. What was to be written may be kept, or not."""


class DatabaseThread:
    """Takes jobs from trio tasks, and does them in its own thread.

    A database that does not answer is asked again for `patience` seconds; `explain` says what an error of it means.
    """

    def __init__(self, explain: Callable[[BaseException], Fault], patience: float) -> None:
        self._explain, self._patience = explain, patience
        self.whole: Callable[[Sequence[Any]], None]
        """Does the work of several jobs at once, given their `part`s; raises whatever it likes when it can't do all."""
        self._jobs: queue.SimpleQueue[Job[Any] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="pillion-storage", daemon=True)
        self._door = threading.Lock()
        """Held while a job is put in, so that none comes behind the thread's end."""
        self._waiting: set[Job[Any]] = set()
        self._said = ""
        """What was told of the last fault, so that it is told once."""
        self._beat: Job[None] | None = None
        self._every = self._next = 0.0
        self.stopped = False

    def start(self) -> None:
        """From a trio task."""
        self._thread.start()
        trio.lowlevel.spawn_system_task(self._watch)

    async def read(self, work: Callable[[], T]) -> T:
        """Runs `work` in a db_session of its own."""
        return await self._patiently(work, "read")

    async def write(self, work: Callable[[], T], part: Any = None) -> T:
        """Runs `work` together with other writes; returns when it is durable. Where all that come together have a
        `part`, `whole` is given these instead.

        `work` raises errors of ours only before it has changed anything. It may run again when its first run may have
        been kept already: the connection was lost, and nobody knows. Raises StoreFailed when the database can't keep
        it. What is cancelled is done whole, or not at all.
        """
        return await self._patiently(work, "write", part)

    async def once(self, work: Callable[[], T]) -> T:
        """As `write`, with no second try when the database does not answer."""
        return await self._do(Job(work, "write"))

    async def plain(self, work: Callable[[], T]) -> T:
        """Runs `work` without a db_session round it, and raises what it raises."""
        return await self._do(Job(work, "plain"))

    async def beat(self, work: Callable[[], None], seconds: float) -> None:
        """From now on runs `work` every so many seconds between the others', in a transaction of its own."""
        job = Job(work, "write")

        def begin() -> None:
            self._beat, self._every, self._next = job, seconds, time.monotonic() + seconds

        await self.plain(begin)

    def stop(self) -> None:
        """What was asked for is done first."""
        with self._door:
            self.stopped = True
            self._jobs.put(None)

    async def aclose(self) -> None:
        """Stops, and waits for it."""
        self.stop()
        await trio.to_thread.run_sync(self._thread.join, abandon_on_cancel=True)

    async def _patiently(self, work: Callable[[], T], kind: Kind, part: Any = None) -> T:
        until = trio.current_time() + self._patience
        while True:
            try:
                return await self._do(Job(work, kind, part, until))
            except Unreachable:
                if trio.current_time() + AGAIN >= until:
                    raise
            await trio.sleep(AGAIN)

    async def _watch(self) -> None:
        """One for all jobs: a deadline of its own would cost each of them as much as all else that trio does for it."""
        while not self.stopped:
            await trio.sleep(self._patience / LOOKS)
            for job in tuple(self._waiting):
                if job.until <= trio.current_time():
                    job.late = True
                    job.done.set()

    async def _do(self, job: Job[T]) -> T:
        with self._door:
            if self.stopped:
                raise StoreFailed("The store is closed, or its thread has ended: start the server again.")
            self._waiting.add(job)
            self._jobs.put(job)
        try:
            await job.done.wait()
        finally:
            self._waiting.discard(job)
            job.dropped = True  # if cancelled: what has begun is done nevertheless
        if job.late:
            raise StoreFailed(f"The database did not answer within {self._patience:g} s. {WAYS['away']}")
        if job.error is not None:
            raise job.error
        return job.value  # type: ignore[return-value]

    # ── in the thread ──

    def _run(self) -> None:
        try:
            self._work()
        finally:  # nobody waits for a thread that has ended
            with self._door:
                self.stopped = True
            left = [job for job in tuple(self._waiting) if not job.done.is_set()]
            for job in left:
                job.error = job.error or StoreFailed("The database's thread has ended: start the server again.")
            self._answer(left)

    def _work(self) -> None:
        """Until it is told to stop."""
        last = False
        while not last and (first := self._first()) is not None:
            jobs = [first]
            while len(jobs) < TOGETHER and not self._jobs.empty():
                more = self._jobs.get()
                if more is None:
                    last = True
                    break
                jobs.append(more)
            jobs = [job for job in jobs if not job.dropped]
            self._group([job for job in jobs if job.kind == "write"])
            for job in jobs:
                if job.kind == "read":
                    self._transaction([job])
                elif job.kind == "plain":
                    self._alone(job)
            self._answer(jobs)

    def _first(self) -> Job[Any] | None:
        """The next job. While it waits, and before it, the heart beats."""
        while self._beat is not None:
            if time.monotonic() >= self._next:
                self._next = time.monotonic() + self._every
                self._transaction([self._beat])
            with suppress(queue.Empty):
                return self._jobs.get(timeout=max(0, self._next - time.monotonic()))
        return self._jobs.get()

    def _group(self, jobs: list[Job[Any]]) -> None:
        """All in one transaction; when that fails, each in one of its own, so that the one at fault fails alone."""
        if not jobs or self._wholly(jobs):
            return
        fault = self._transaction(jobs)
        if fault is not None and not fault.common and len(jobs) > 1:
            for job in jobs:
                self._transaction([job])

    def _wholly(self, jobs: list[Job[Any]]) -> bool:
        """All by few statements, where that goes. False: nothing is done, and each is to be tried by itself."""
        parts = [job.part for job in jobs if job.part is not None]
        if len(parts) < 2 or len(parts) < len(jobs):
            return False
        try:
            with db_session:
                self.whole(parts)
        except BaseException as error:  # each by itself says which of them is at fault, and how
            return self._failed(jobs, error).common
        self._said = ""
        return True

    def _transaction(self, jobs: list[Job[Any]]) -> Fault | None:
        try:
            with db_session:
                for job in jobs:
                    job.run()
        except BaseException as error:  # the end of the database's task: whatever a job raises, the thread lives on
            return self._failed(jobs, error)
        self._said = ""
        return None

    def _failed(self, jobs: list[Job[Any]], error: BaseException) -> Fault:
        """Takes back what they have begun, and gives them all a sentence on why."""
        with suppress(Exception):
            rollback()
        fault = self._explain(error)
        for job in jobs:
            job.error = (Unreachable if fault.passing else StoreFailed)(fault.said)
            job.error.__cause__ = error
        if fault.said != self._said and (fault.common or len(jobs) == 1):
            self._said = fault.said
            _log.warning("%s", fault.said, exc_info=error)
        return fault

    def _alone(self, job: Job[Any]) -> None:
        try:
            job.value = job.work()
        except Exception as error:  # whoever asked gets it
            job.error = error
        except BaseException as error:  # nor does it end the thread
            job.error = StoreFailed(self._explain(error).said)

    def _answer(self, jobs: list[Job[Any]]) -> None:
        def tell() -> None:
            for job in jobs:
                job.done.set()

        if jobs:
            with suppress(trio.RunFinishedError):
                jobs[0].token.run_sync_soon(tell)
