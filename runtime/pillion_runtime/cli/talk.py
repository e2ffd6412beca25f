"""A conversation at the command line: one session at a time, begun with the first prompt."""

from __future__ import annotations

import sys
from collections.abc import Callable

import msgspec

from pillion.errors import PillionError
from pillion.values import Usage

from . import exits
from .interrupt import Interrupt
from .ride import Order, Ride
from .screen import clean
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
        ride = Ride(
            msgspec.structs.replace(self.order, prompt=text), self.source, view := self._view(), self._interrupt
        )
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

    def tell(self, line: str) -> None:
        """A line to the person."""
        print(clean(line), file=sys.stderr, flush=True)
