"""Plugins come and go while sessions run. What a running turn holds it keeps to its end."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

import trio

from .catalog import Catalog
from .errors import Busy, ConfigError, Conflict, Gone, HeldUp, NeedsRestart, PillionError
from .letters import Reply
from .lives import LIFESPAN_SECONDS, Lifespan
from .loading import Failed, Loaded
from .plugins import PluginState

if TYPE_CHECKING:
    from .kernel import Kernel

WAIT = 60.0
"""Seconds that a change waits for the one before it."""
_log = logging.getLogger(__name__)


class Switchboard:
    """One change at a time, each in a task of the kernel's: who asked for it may leave.

    `changed` is called when others are on than before, without waiting; the HTTP host builds its routes anew there.
    """

    def __init__(self, kernel: Kernel, nursery: trio.Nursery) -> None:
        self._kernel, self._nursery = kernel, nursery
        self._one = trio.Lock()
        self.changed: Callable[[], object] = lambda: None

    async def switch(self, name: str, enabled: bool) -> PluginState:
        """Switches a plugin on or off, from the next turn. One that can't be loaded is quarantined, as at the start.

        An installed plugin that no settings list can be switched on, too. Raises NotFound, Conflict (others need it),
        NeedsRestart, Busy.
        """
        return await self._ask(self._on if enabled else self._off, name)

    async def reload(self, name: str) -> PluginState:
        """Reads the plugin's own files anew. When that fails the old one is gone, and the state says why.

        Raises NotFound, NeedsRestart, Busy.
        """
        return await self._ask(self._again, name)

    def settle(self) -> None:
        """What is in force follows who is on: catalog, observers, lifespans. Never waits."""
        self._put_in_force(self._kernel.catalog)

    # ── one change ──

    async def _on(self, name: str) -> None:
        host = self._kernel.host
        host.expect(name)
        if name in host.plugins():
            return
        if host.state(name) != "off":
            host.forget(name)  # it failed, and may have been mended
        host.set_enabled(name, True)
        await self._start(name)

    async def _off(self, name: str) -> None:
        host = self._kernel.host
        with suppress(ConfigError):  # a file that can't be read keeps nothing on
            host.look_again()
        if host.told(name).state == "off":
            return
        if others := host.dependants(name):
            raise Conflict(f"The plugin {name!r} is needed by {_listed(others)}: switch that off first.")
        self._check_store(name)
        host.set_enabled(name, False)
        host.switch_off(name)
        self._put_in_force(self._kernel.catalog)
        _log.info("The plugin %s is switched off", name)

    async def _again(self, name: str) -> None:
        host = self._kernel.host
        host.expect(name)
        if not host.settings.plugins[name].enabled:
            return
        if name == self._kernel.store_plugin:
            host.mark_changed(name)
        self._check_store(name)
        host.forget(name)
        host.set_enabled(name, True)
        await self._start(name)

    def _check_store(self, name: str) -> None:
        if name == self._kernel.store_plugin:
            raise NeedsRestart(f"The plugin {name!r} brings the store in use: that changes only at a restart.")

    async def _start(self, name: str) -> None:
        host, catalog = self._kernel.host, self._kernel.catalog
        loaded = host.found(name, await self._import(name))
        if loaded is not None:
            host.take_out(name)
            if host.admit(name, loaded):
                plugin = host.plugins(name)[name]
                catalog = Catalog(host.settings, host, before=catalog, newcomer=name)
                await self._let_go(name)
                if name in host.plugins(name) and await self._kernel.lives.begin(name, plugin):
                    host.put_on(name)
        self._put_in_force(catalog)
        _log.info("The plugin %s is loaded: it is %s", name, host.state(name))

    async def _import(self, name: str) -> Loaded | Failed:
        """In a thread: what takes long at import, or never ends, keeps nobody waiting."""
        host = self._kernel.host
        if host.is_object(name):
            return host.find(name)
        seconds = host.settings.deadlines.blocking
        with trio.move_on_after(seconds):
            return await trio.to_thread.run_sync(host.find, name, abandon_on_cancel=True)
        said = f"Its import did not end within {seconds:g} s."
        return Failed("quarantined", said, HeldUp(said))

    def _put_in_force(self, before: Catalog) -> None:
        kernel, host = self._kernel, self._kernel.host
        kernel.catalog = Catalog(host.settings, host, before=before)
        self.changed()
        if set(host.plugins()) != kernel.catalog.plugins():  # routes that can't stand take their plugin out
            kernel.catalog = Catalog(host.settings, host, before=kernel.catalog)
        kernel.lives.observe(kernel.catalog.observers, self._nursery)
        for lifespan in kernel.lives.lifespans:
            if not lifespan.going and host.plugins().get(lifespan.name) is not lifespan.plugin:
                lifespan.going = True
                self._nursery.start_soon(self._end, lifespan, self._running())

    # ── letting go ──

    def _running(self) -> Sequence[trio.Event]:
        """The ends of the turns and calls that run now, any of which may hold what a plugin brought."""
        turns = [session.turn.over for session in self._kernel.live() if session.turn is not None]
        return [*turns, *self._kernel.completions.ends()]

    async def _end(self, lifespan: Lifespan, turns: Sequence[trio.Event]) -> None:
        for over in turns:  # each turn has its own limit
            await over.wait()
        await self._kernel.lives.end(lifespan)

    async def _let_go(self, name: str) -> None:
        """An object of the same name that no turn uses leaves first: it may hold a port or a file."""
        for lifespan in tuple(self._kernel.lives.lifespans):
            if lifespan.name == name and not self._running():
                with trio.move_on_after(LIFESPAN_SECONDS):
                    lifespan.leave.set()
                    await lifespan.left.wait()

    # ── a change's task ──

    async def _ask(self, work: Callable[[str], Awaitable[None]], name: str) -> PluginState:
        reply = Reply()
        self._nursery.start_soon(self._run, work, name, reply)
        await reply.wait()
        return self._kernel.host.told(name)

    async def _run(self, work: Callable[[str], Awaitable[None]], name: str, reply: Reply) -> None:
        try:
            async with self._alone():
                await work(name)
            reply.set(None)
        except Exception as error:  # whatever a plugin does meanwhile, the kernel goes on
            if not isinstance(error, PillionError):
                _log.error("The plugin %s could not be switched", name, exc_info=error)
            reply.fail(error)
        finally:
            reply.fail(Gone("The kernel ends."))  # where nothing else was said

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[None]:
        with trio.move_on_after(WAIT) as waiting:
            await self._one.acquire()
        if waiting.cancelled_caught:
            raise Busy("Another plugin is being switched.", retry_after=5)
        try:
            yield
        finally:
            self._one.release()


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(map(repr, names[:-1])), repr(names[-1]))))
