"""Registration of read_output."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from pillion import Kernel, Tool, TurnInfo, hookimpl

from .reading import ReadOutput


class Plugin:
    """The model may read on in results that were too long for it."""

    def __init__(self) -> None:
        self._tool = ReadOutput()

    @hookimpl
    @asynccontextmanager
    async def lifespan(self, kernel: Kernel) -> AsyncIterator[None]:
        self._tool.kernel = kernel
        yield

    @hookimpl
    def register_tools(self, turn: TurnInfo) -> Sequence[Tool]:
        return [self._tool]
