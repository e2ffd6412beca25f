"""A tool hears its call while a model still writes it: it may look and work out, and changes nothing."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import trio

from .heldcall import HeldCall
from .tags import tagged

if TYPE_CHECKING:
    from .turn import Turn

SECONDS = 10.0
"""What the tools of a message get when it is whole; then they have to do without."""
_log = logging.getLogger(__name__)


class Hearing(HeldCall):
    """One tool and one call; it is the `Heard` that the tool holds, and the iterator over what it hears.

    The text is taken as it has grown: a tool that is slow gets it in larger pieces, and the model does not wait.
    """

    def __init__(self, turn: Turn, tool: Any, id: str) -> None:
        super().__init__(turn, id)
        self._tool = tool
        self._pieces: list[str] = []
        self._grown, self.over = trio.Event(), trio.Event()
        self._whole = False
        self._scope = trio.CancelScope()

    def grow(self, text: str) -> None:
        """More of it has come."""
        if text:
            self._pieces.append(text)
            self._grown.set()

    async def run(self) -> None:
        """Never raises for what the tool does wrong."""
        try:
            with self._scope, tagged(tool=self._tool.name):
                await self._tool.hear(self, self)
        except Exception as error:  # a plugin's fault is its own: the call runs without
            _log.error("The tool %s failed while it heard its call", self._tool.name, exc_info=error)
        finally:
            self.over.set()

    def end(self) -> None:
        """Nothing more comes."""
        self._whole = True
        self._grown.set()

    def cancel(self) -> None:
        """What came is void, or its time is over."""
        self._scope.cancel()

    def __aiter__(self) -> Hearing:
        return self

    async def __anext__(self) -> str:
        while not self._pieces:
            if self._whole:
                raise StopAsyncIteration
            self._grown = trio.Event()
            await self._grown.wait()
        text = "".join(self._pieces)
        self._pieces.clear()
        return text
