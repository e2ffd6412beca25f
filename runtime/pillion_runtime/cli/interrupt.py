"""Ctrl-C and SIGTERM: the first asks the turn to stop, the second ends the run at once."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import trio

from .exits import INTERRUPTED, TERMINATED

CODES = {signal.SIGINT: INTERRUPTED, signal.SIGTERM: TERMINATED}
SHOW_CURSOR = b"\x1b[?25h\n"
"""What the live display hid."""
AT_ONCE = 3.0
"""Seconds that a run gets to end its processes after the second signal."""


class Interrupt:
    """What the signals have asked for. `code` is the exit code they bring, 0 before any came."""

    def __init__(self, scope: trio.CancelScope) -> None:
        self.code = 0
        self._scope = scope
        self._ask: Callable[[], None] | None = None

    def while_running(self, ask: Callable[[], None] | None) -> None:
        """From now on the first signal calls `ask` instead of ending the run; None takes that back."""
        self._ask = ask

    def forget(self) -> None:
        """What came is dealt with: the next signal is a first one again."""
        self.code = 0

    def stop(self) -> None:
        """As the first Ctrl-C does, and never as a second one."""
        if not self.code:
            self.take(signal.SIGINT)

    def take(self, number: int) -> None:
        """A signal has come."""
        first, self.code = not self.code, self.code or CODES[signal.Signals(number)]
        if first and self._ask is not None:
            self._ask()
        else:
            self._scope.cancel()
            end_by(self.code)


def end_by(code: int, seconds: float = AT_ONCE) -> None:
    """Whatever still holds the process: in `seconds` it ends."""
    timer = threading.Timer(seconds, _leave, (code,))
    timer.daemon = True
    timer.start()


def _leave(code: int) -> None:
    if os.isatty(1):
        os.write(1, SHOW_CURSOR)
    os._exit(code)


@asynccontextmanager
async def interruptible() -> AsyncIterator[Interrupt]:
    """Takes SIGINT and SIGTERM while the block runs; a signal that ends the block leaves it quietly."""
    with trio.open_signal_receiver(*CODES) as signals:
        async with trio.open_nursery() as nursery:
            interrupt = Interrupt(nursery.cancel_scope)

            async def listen() -> None:
                async for number in signals:
                    interrupt.take(number)

            nursery.start_soon(listen)
            yield interrupt
            nursery.cancel_scope.cancel()
