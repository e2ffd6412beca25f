"""A conversation at the command line: one session at a time, begun with the first prompt."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Callable, Sequence

import msgspec

from pillion.errors import PillionError
from pillion.values import Usage

from . import exits
from .interrupt import Interrupt
from .ride import Order, Ride
from .screen import clean, one_line
from .source import Source
from .view import View


class Talk:
    """`order` is what the next prompt is asked with, `usage` what all turns here have used."""

    def __init__(self, order: Order, source: Source, interrupt: Interrupt, view: Callable[[], View]) -> None:
        self.order, self.source = order, source
        self.usage = Usage()
        self._interrupt, self._view = interrupt, view

    async def say(self, text: str) -> int:
        """One turn; its exit code. What goes wrong is told, and the talk goes on."""
        return await self._ride(msgspec.structs.replace(self.order, prompt=text))

    async def compact(self) -> None:
        """What the model is sent of the conversation becomes shorter."""
        await self._ride(msgspec.structs.replace(self.order, compacts=True))

    async def _ride(self, order: Order) -> int:
        ride = Ride(order, self.source, view := self._view(), self._interrupt)
        try:
            with view:
                code = await ride.run()
        except* PillionError as group:
            error = exits.first_error(group)
            assert isinstance(error, PillionError)
            self.tell(f"pillion: {error}")
            code = exits.of_error(error)
        self._interrupt.forget()
        self.usage += ride.usage
        if ride.session:
            self.order = msgspec.structs.replace(self.order, session=ride.session, told=ride.model)
        return code

    async def greet(self) -> None:
        """Where one is; of a session that goes on also what was said last."""
        where = f", at {self.source.where}" if self.source.where else ""
        self.tell(f"pillion: on {self.order.wish.workspace}{where}. /help tells what there is; Ctrl-D leaves.")
        if self.order.session:
            await self.recall()

    async def recall(self) -> None:
        """The last exchange of the session."""
        from .conversation import last_exchange, print_entries
        from .terminal import console

        print_entries(console(stderr=True), last_exchange(await self.source.messages(self.order.session)))

    def stop(self) -> None:
        """Stops the running turn, as Ctrl-C does."""
        self._interrupt.stop()

    def table(self, rows: Sequence[tuple[str, ...]]) -> None:
        """Columns; the last one ends where the terminal does."""
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)][:-1]
        room = max(20, shutil.get_terminal_size().columns - sum(widths) - 2 * len(widths) - 1)
        for *cells, last in rows:
            columns = [cell.ljust(width) for cell, width in zip(cells, widths, strict=True)]
            self.tell("  ".join([*columns, one_line(last, room)]))

    def tell(self, line: str) -> None:
        """A line to the person; on a terminal it breaks between words."""
        width = shutil.get_terminal_size().columns if sys.stderr.isatty() else sys.maxsize
        plain = clean(line)
        print(plain if len(plain) <= width else textwrap.fill(plain, width), file=sys.stderr, flush=True)
