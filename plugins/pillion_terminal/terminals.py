"""The terminals of all sessions. Each lives in its session, and ends with it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar
from weakref import WeakKeyDictionary

import trio

from pillion import Busy, Kernel, NotFound, PillionError, Session, ToolError, Turn

from .events import TerminalEnded, TerminalStarted, Why
from .shell import Shell
from .terminal import Terminal

ENDED = 16
"""Of those that have ended, so many can still be read; and none when the session has left memory."""
TELLING = 5.0
"""Seconds in which the end of one is written."""
T = TypeVar("T", bound=Terminal)


class Terminals:
    """Started here, and found by number. A number is that of the event which tells the start, so none comes twice."""

    kernel: Kernel
    """Given by the plugin's lifespan."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._of: WeakKeyDictionary[Session, dict[int, Terminal]] = WeakKeyDictionary()

    def all(self, session: Session) -> list[Terminal]:
        """Those of a session, in the order in which they began."""
        return list(self._of.get(session, {}).values())

    def get(self, session: Session, number: int) -> Terminal:
        """Raises NotFound."""
        found = self._of.get(session, {}).get(number)
        if found is None:
            known = ", ".join(str(one) for one in self._of.get(session, {})) or "none"
            raise NotFound(f"There is no terminal {number} in this session. There are: {known}.")
        return found

    def shell(self, session: Session, name: str) -> Shell | None:
        """The living shell of that name."""
        shells = [one for one in self.all(session) if isinstance(one, Shell) and not one.over.is_set()]
        return next((one for one in shells if one.order.name == name), None)

    async def open(self, session: Session, terminal: T, turn: Turn | None = None) -> T:
        """Starts it; returns when it has begun, and that it does is in the log. One that a turn starts ends with it
        when the turn is cancelled. Raises Busy, StoreFailed, Gone; ToolError if it can't start."""
        mine = self._of.setdefault(session, {})
        if sum(not one.over.is_set() for one in mine.values()) >= self._most:
            raise Busy(f"{self._most} terminals of this session run already. End one first.")
        order = terminal.order
        event = TerminalStarted(
            command=order.command, name=order.name, by=order.by, folder=order.folder, pty=order.size is not None
        )
        (record,) = await (session.write(turn, event) if turn else session.record(event))
        terminal.number = record.seq
        mine[terminal.number] = terminal

        async def life(begun: trio.TaskStatus[None]) -> None:
            await self._live(session, terminal, turn, begun.started)

        try:
            await session.keep(life)
        except ToolError:
            mine.pop(terminal.number, None)
            raise
        if turn is not None:
            turn.nursery.start_soon(self._end_with, turn, terminal)
        return terminal

    async def end_all(self, why: Why) -> None:
        """Ends those of all sessions."""
        async with trio.open_nursery() as nursery:
            for terminals in list(self._of.values()):
                for terminal in list(terminals.values()):
                    if not terminal.over.is_set():
                        nursery.start_soon(terminal.stop, why)

    async def _live(self, session: Session, terminal: Terminal, turn: Turn | None, begun: Callable[[], object]) -> None:
        try:
            await terminal.live(begun)
        finally:
            if terminal.why == "session" and turn is not None and turn.stopping:  # before it had begun
                terminal.why = "cancelled"
            with trio.move_on_after(TELLING, shield=True), suppress(PillionError):
                await session.record(
                    TerminalEnded(
                        terminal=terminal.number,
                        why=terminal.why or "session",
                        code=terminal.code,
                        output=terminal.ring.end,
                        seconds=round(terminal.seconds, 3),
                    )
                )
            self._forget(session)

    async def _end_with(self, turn: Turn, terminal: Terminal) -> None:
        """A cancelled turn leaves nothing running that it started; one that ends otherwise does."""
        try:
            await terminal.over.wait()
        finally:
            if turn.stopping:
                with trio.CancelScope(shield=True):  # its own end has a deadline
                    await terminal.stop("cancelled")

    def _forget(self, session: Session) -> None:
        mine = self._of.get(session, {})
        ended = [number for number, one in mine.items() if one.over.is_set()]
        for number in ended[: max(0, len(ended) - ENDED)]:
            del mine[number]
