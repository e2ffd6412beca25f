"""A provider whose calls are put on a tape as they go by."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pillion.contracts.provider import Chunk, Provider, Request
from pillion.wrapper import Wrapper

from .tape import Take, Tape


class RecordedProvider(Wrapper):
    """Round `inner`: what the kernel is given of it is what is recorded, waits and taken back words among it."""

    def __init__(self, inner: Provider, tape: Tape) -> None:
        super().__init__(inner)
        self._tape = tape

    @asynccontextmanager
    async def stream(self, request: Request) -> AsyncIterator[AsyncIterator[Chunk]]:
        """Raises ConfigError where the call can't be recorded."""
        with self._tape.begin(request) as take:
            async with self._inner.stream(request) as chunks:
                take.opened = True
                yield _Heard(chunks, take)


class _Heard:
    def __init__(self, chunks: AsyncIterator[Chunk], take: Take) -> None:
        self._chunks, self._take = chunks, take

    def __aiter__(self) -> AsyncIterator[Chunk]:
        return self

    async def __anext__(self) -> Chunk:
        try:
            chunk = await self._chunks.__anext__()
        except StopAsyncIteration:
            self._take.ended = True
            raise
        except Exception as error:
            self._take.error = error
            raise
        self._take.take(chunk)
        return chunk
