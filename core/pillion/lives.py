"""What of the plugins runs by itself: lifespans and observers, each in a task of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Any

import trio

from .contracts.observer import Observer, Seen
from .contracts.store import Record
from .loading import named

if TYPE_CHECKING:
    from .kernel import Kernel

LIFESPAN_SECONDS = 30.0
"""What a lifespan gets to begin, and to end."""
FAREWELL = 5.0
"""Seconds that an observer gets for what it has been sent, when its plugin goes."""
OBSERVER_LAG = 4096
"""Records an observer may lag behind before it misses the newest; `Kernel.lost` counts them."""


class Lifespan:
    """That of one plugin object."""

    def __init__(self, name: str, plugin: Any, manager: AbstractAsyncContextManager[None]) -> None:
        self.name, self.plugin, self._manager = name, plugin, manager
        self.begun, self.leave, self.left = trio.Event(), trio.Event(), trio.Event()
        self.scope = trio.CancelScope()
        self.lived = False
        self.error: Exception | None = None
        self.going = False
        """Somebody sees to its end."""

    async def run(self) -> None:
        try:
            with self.scope:
                async with self._manager:
                    self.lived = True
                    self.begun.set()
                    await self.leave.wait()
        except Exception as error:  # a plugin's fault is its own
            self.error = error
        finally:
            self.left.set()
            self.begun.set()  # nobody waits for what has ended


class Watching:
    """An observer at work."""

    def __init__(self, plugin: str, observer: Observer) -> None:
        self.plugin, self.observer = plugin, observer
        self.name = f"{plugin}/{type(observer).__name__}"
        self.feed, self.records = trio.open_memory_channel[Seen](OBSERVER_LAG)
        self.scope = trio.CancelScope()

    def end(self) -> None:
        """What has been sent is still read, for a while."""
        self.feed.close()
        self.scope.deadline = trio.current_time() + FAREWELL


class Lives:
    """Those of one kernel. Made by open_lives()."""

    def __init__(self, kernel: Kernel, nursery: trio.Nursery) -> None:
        self._kernel, self._nursery = kernel, nursery
        self.lifespans: list[Lifespan] = []
        """In the order in which they began."""
        self._watching: dict[int, Watching] = {}
        """By the observer's identity; also those that have failed, which don't begin again."""
        self.lost: dict[str, int] = {}

    async def begin(self, name: str, plugin: Any) -> bool:
        """Enters the plugin's lifespan, if it has one. False: it is quarantined, and its state says why."""
        host = self._kernel.host
        for _, manager in list(host.ask("lifespan", order=[name], kernel=self._kernel)):
            lifespan = Lifespan(name, plugin, manager)
            self.lifespans.append(lifespan)
            self._nursery.start_soon(self._live, lifespan)
            with trio.move_on_after(LIFESPAN_SECONDS):
                await lifespan.begun.wait()
            if lifespan.lived:
                continue
            self.lifespans.remove(lifespan)
            lifespan.scope.cancel()
            error = lifespan.error
            said = f"failed with {named(error)}" if error else f"did not begin within {LIFESPAN_SECONDS:g} s"
            host.quarantine(name, f"Its lifespan {said}.", error)
        return host.state(name) == "on"

    async def end(self, lifespan: Lifespan) -> None:
        """Leaves it; what takes too long is cancelled, and not waited for."""
        lifespan.leave.set()
        if not lifespan.begun.is_set():
            lifespan.scope.cancel()
        with trio.move_on_after(LIFESPAN_SECONDS) as scope:
            await lifespan.left.wait()
        if scope.cancelled_caught:
            lifespan.scope.cancel()
            self._kernel.host.fault(lifespan.name, f"Its lifespan did not end within {LIFESPAN_SECONDS:g} s.")
        if lifespan in self.lifespans:
            self.lifespans.remove(lifespan)

    async def end_all(self) -> None:
        """In reverse."""
        for lifespan in reversed(tuple(self.lifespans)):
            await self.end(lifespan)

    def observe(self, observers: Sequence[tuple[str, Observer]], nursery: trio.Nursery) -> None:
        """From now on these are at work, and no others; their tasks are started in `nursery`."""
        wanted = {id(observer): (plugin, observer) for plugin, observer in observers}
        for gone in self._watching.keys() - wanted.keys():
            self._watching.pop(gone).end()
        for new in wanted.keys() - self._watching.keys():
            self._watching[new] = Watching(*wanted[new])
            nursery.start_soon(self._observe, self._watching[new])

    def show(self, session: str, records: Sequence[Record], ephemeral: bool) -> None:
        """Sends new records to all observers."""
        for watching in self._watching.values():
            for record in records:
                try:
                    watching.feed.send_nowait(Seen(session, record, ephemeral))
                except trio.WouldBlock:
                    self.lost[watching.name] = self.lost.get(watching.name, 0) + 1
                except trio.BrokenResourceError:
                    break  # it has ended

    async def _live(self, lifespan: Lifespan) -> None:
        await lifespan.run()
        error = lifespan.error
        if error is not None and lifespan.lived:
            self._kernel.host.fault(lifespan.name, f"Its lifespan failed with {named(error)}.", error)

    async def _observe(self, watching: Watching) -> None:
        try:
            with watching.scope:
                async with watching.records:
                    await watching.observer.watch(watching.records)
        except Exception as error:  # a plugin's fault is its own
            self._kernel.host.fault(watching.plugin, f"Its observer failed with {named(error)}.", error)


@asynccontextmanager
async def open_lives(kernel: Kernel) -> AsyncIterator[Lives]:
    """Enters the lifespans of all plugins that are on, one after the other; leaves them in reverse."""
    async with trio.open_nursery() as nursery:
        lives = Lives(kernel, nursery)
        for name, plugin in kernel.host.plugins().items():
            await lives.begin(name, plugin)
        try:
            yield lives
        finally:
            with trio.CancelScope(shield=True):  # each end has its own deadline
                await lives.end_all()
            nursery.cancel_scope.cancel()
