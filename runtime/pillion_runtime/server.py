"""The process's life: listen, announce, wait for the end, let what runs come to its end, stop."""

from __future__ import annotations

import gc
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import msgspec
import trio

from pillion.errors import PillionError
from pillion.kernel import Kernel, open_kernel
from pillion.secrets import hide_process
from pillion.settings import Settings

from . import discovery, hostsettings, logs
from .alone import Alone
from .app import create_app, tokenless
from .auth import Gate
from .browsers import Browsers
from .door import Door
from .hookspecs import HostHooks
from .host import Host
from .hostsettings import Address
from .listener import Listener, bind
from .pace import Pace
from .reloading import reload_changed
from .streams import FAREWELL, LAST_WORDS
from .version import package_version

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pillion.contracts.store import Store
    from pillion.session import Session

GARBAGE = 10_000
"""New objects between two searches for cycles. Python's own 700 cost a busy server a tenth of its time."""
HURRY = 1.0
"""Seconds that cancelled turns get when somebody asks a second time."""

log = logging.getLogger("pillion.server")


class Announcement(msgspec.Struct, frozen=True):
    """The line on stdout. The token itself stands in the file, which only the owner can read."""

    url: str
    pid: int
    token_file: str
    version: str


class Stop:
    """Asked once: end gently. Asked again: `hurried`, end sooner."""

    def __init__(self) -> None:
        self.asked = trio.Event()
        self.hurried = trio.Event()

    def ask(self) -> None:
        if self.asked.is_set():
            self.hurried.set()
        self.asked.set()


def say(announcement: Announcement) -> None:
    """One JSON line on stdout."""
    line = {"event": "listening", **msgspec.structs.asdict(announcement)}
    sys.stdout.write(msgspec.json.encode(line).decode() + "\n")
    sys.stdout.flush()


def run(settings: Settings, *, parent_pid: int | None = None, dev: bool = False) -> None:
    """Serves until SIGTERM, Ctrl-C or the end of the process `parent_pid`. Raises ConfigError when it can't begin.

    `dev`: plugins whose files change are read anew.
    """
    sys.dont_write_bytecode = sys.dont_write_bytecode or dev  # two edits in one second look the same to bytecode
    host = hostsettings.read(settings)
    hide_process()
    lines = logs.configure(settings.secrets, form=host.log, level=host.log_level)
    trio.run(_run, settings, parent_pid, dev)
    lines.flush()


async def _run(settings: Settings, parent_pid: int | None, dev: bool) -> None:
    stop = Stop()
    async with trio.open_nursery() as nursery:
        await nursery.start(_watch_signals, stop)
        if parent_pid is not None:
            nursery.start_soon(watch_parent, parent_pid, stop)
        await serve(settings, stop=stop, dev=dev)
        nursery.cancel_scope.cancel()


async def serve(
    settings: Settings,
    *,
    stop: Stop,
    announce: Callable[[Announcement], object] = say,
    plugins: Mapping[str, object] | None = None,
    store: Store | None = None,
    dev: bool = False,
) -> None:
    """One server, from bound socket to closed kernel. `announce` is called when it answers; it ends after `stop`.

    `plugins` and `store` are for embedders and tests. Raises ConfigError when it can't begin.
    """
    section = hostsettings.read(settings)
    wanted = Address.parse(section.bind)
    origins = hostsettings.origins(section)
    token = hostsettings.token(settings, section, wanted)
    last_resort = _LastResort(section.stop_within)
    with await _listening(wanted, settings) as listening, last_resort, Alone(settings.data_dir) as alone:
        address = Address(wanted.host, listening.getsockname()[1])
        async with open_kernel(
            settings, hookspecs=(HostHooks,), plugins=plugins, store=store, on_store=alone.admit
        ) as kernel:
            host = Host(kernel, section, Browsers(address.port))
            gate = Gate(address, token, host.browsers, section.names, origins)
            door = Door(gate, create_app(host), settings.secrets, Pace(section.requests))
            kernel.switchboard.settle()  # whose routes can't stand is out with all it brings

            def show() -> None:
                door.show(create_app(host))
                gate.tokenless = tokenless(host)

            gate.tokenless = tokenless(host)
            kernel.switchboard.changed = show
            listener = Listener(door)
            found = discovery.Found(address.url, os.getpid(), token, package_version())
            async with trio.open_nursery() as nursery:
                await nursery.start(listener.run, listening)
                with _announced(settings, found, announce):
                    await _asked(stop, kernel, dev)
                    log.info("stopping")
                    last_resort.start()
                    await _wind_down(host, stop)
                listener.stop()
    log.info("stopped")


async def _asked(stop: Stop, kernel: Kernel, dev: bool) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(kernel.processes.end_leftovers)
        if dev:
            nursery.start_soon(reload_changed, kernel)
        await stop.asked.wait()
        nursery.cancel_scope.cancel()


async def _listening(address: Address, settings: Settings) -> socket.socket:
    """A socket that listens there. Raises ConfigError; where somebody else does so already, it says who."""
    try:
        return bind(address)
    except OSError as error:
        from .portholder import blame  # needed for this sentence only

        raise await blame(error, address, settings.data_dir) from None


class _LastResort:
    """Ends the process when stopping takes too long: a plugin that shields itself from cancellation can't hold it.

    A thread, since the trio thread may be stuck by then.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True

    def start(self) -> None:
        self._timer.start()

    def _end(self) -> None:
        log.critical("something did not let go within %g s; the process ends by force", self._seconds)
        for handler in logging.getLogger().handlers:
            handler.flush()
        os._exit(1)

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()


@contextmanager
def _announced(
    settings: Settings, found: discovery.Found, announce: Callable[[Announcement], object]
) -> Iterator[None]:
    earlier = discovery.read(settings.data_dir)
    if earlier is not None:
        log.warning("process %d serves this data directory too; clients now find this one", earlier.pid)
    path = discovery.write(settings.data_dir, found)
    try:
        gc.freeze()  # what was made until now lives as long as the process
        gc.set_threshold(GARBAGE)
        gc.enable()
        announce(Announcement(url=found.url, pid=found.pid, token_file=str(path), version=found.version))
        yield
    finally:
        discovery.remove(settings.data_dir, found)


async def _wind_down(host: Host, stop: Stop) -> None:
    """No new work; turns and calls get the grace, then are cancelled and get their deadline; then the streams end."""
    host.stopping = True
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_end_turns, host, nursery.cancel_scope)
        await stop.hurried.wait()
        nursery.cancel_scope.cancel()
    host.kernel.completions.cancel()
    await _cancel(_busy(host), HURRY)
    host.once.end()
    host.streams.end()
    with trio.move_on_after(HURRY if stop.hurried.is_set() else FAREWELL + LAST_WORDS):
        await host.streams.ended()


async def _end_turns(host: Host, done: trio.CancelScope) -> None:
    with trio.move_on_after(host.settings.grace):
        while busy := _busy(host):  # a waiting prompt's turn may begin meanwhile
            await busy[0].idle()
        await host.kernel.completions.idle()
    await _cancel(_busy(host), host.kernel.settings.deadlines.stopping + 1)
    done.cancel()


async def _cancel(sessions: Sequence[Session], seconds: float) -> None:
    """Cancels their turns together and waits for the ends."""
    with trio.move_on_after(seconds):
        async with trio.open_nursery() as nursery:
            for session in sessions:
                nursery.start_soon(_cancel_one, session)


async def _cancel_one(session: Session) -> None:
    try:
        while await session.cancel(by="shutdown"):
            await session.idle()
    except PillionError as error:
        log.warning("a session could not be stopped: %s", error)


def _busy(host: Host) -> list[Session]:
    """The sessions that work. Children end with the turn that began them."""
    return [session for session in host.kernel.live() if session.parent is None and session.state != "idle"]


async def _watch_signals(stop: Stop, task_status: trio.TaskStatus[None]) -> None:
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        task_status.started()
        async for _ in signals:
            stop.ask()


async def watch_parent(pid: int, stop: Stop) -> None:
    """Asks to stop when that process has ended; a later one with the same number is not taken for it."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        stop.ask()
        return
    except (AttributeError, OSError):  # no Linux, or not allowed
        while discovery.is_alive(pid):  # noqa: ASYNC110 - nobody tells
            await trio.sleep(1)
        stop.ask()
        return
    try:
        await trio.lowlevel.wait_readable(descriptor)
        stop.ask()
    finally:
        os.close(descriptor)
