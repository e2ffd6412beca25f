"""A provider whose calls are made only as far as the budgets go."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pillion.contracts.provider import Chunk, Provider, Request, Restart, UsageSeen
from pillion.values import Usage
from pillion.wrapper import Wrapper

from .budgets import Budgets


class BudgetedProvider(Wrapper):
    """Round `inner`: each call reserves what it may cost, and settles what it did, however it ended."""

    def __init__(self, inner: Provider, budgets: Budgets) -> None:
        super().__init__(inner)
        self._budgets = budgets

    @asynccontextmanager
    async def stream(self, request: Request) -> AsyncIterator[AsyncIterator[Chunk]]:
        """Raises also BudgetSpent."""
        reserved = await self._budgets.reserve(request)
        seen = _Seen()
        try:
            async with self._inner.stream(request) as chunks:
                yield seen.of(chunks)
        finally:
            reserved.settle(seen.usage)


class _Seen:
    """Passes a call's chunks on; `usage` is what is known of it so far."""

    def __init__(self) -> None:
        self.usage = Usage()
        self._chunks: AsyncIterator[Chunk]

    def of(self, chunks: AsyncIterator[Chunk]) -> AsyncIterator[Chunk]:
        self._chunks = chunks
        return self

    def __aiter__(self) -> AsyncIterator[Chunk]:
        return self

    async def __anext__(self) -> Chunk:
        chunk = await self._chunks.__anext__()
        if isinstance(chunk, UsageSeen):
            self.usage = chunk.usage
        elif isinstance(chunk, Restart):
            self.usage = Usage()  # what was used before the fault is told again behind it
        return chunk
