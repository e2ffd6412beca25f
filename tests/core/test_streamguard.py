"""Deadlines of a model call: first byte, between two pieces, in total; and who gets to hear of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio

from pillion import Chunk, Finish, ModelInfo, ProviderDown, ProviderError, Request, Text
from pillion.settings import Deadlines
from pillion.streamguard import GuardedProvider

DEADLINES = Deadlines(first_byte=5, between=3, total=20)
REQUEST = Request("slow/one", ())


class Slow:
    """Waits before it opens, and before each chunk."""

    name = "slow"

    def __init__(self, opening: float, *pauses: float) -> None:
        self.opening, self.pauses, self.closed = opening, pauses, False

    def models(self) -> list[ModelInfo]:
        return []

    @trio.as_safe_channel
    async def stream(self, request: Request) -> AsyncIterator[Chunk]:
        try:
            for pause in self.pauses:
                await trio.sleep(pause)
                yield Text("x")
            yield Finish("stop")
        finally:
            self.closed = True


class SlowToOpen(Slow):
    @asynccontextmanager
    async def stream(self, request: Request) -> AsyncIterator[AsyncIterator[Chunk]]:
        await trio.sleep(self.opening)
        async with super().stream(request) as chunks:
            yield chunks


async def read(provider: Slow, pause: float = 0) -> int:
    count = 0
    async with GuardedProvider(provider, DEADLINES).stream(REQUEST) as chunks:
        async for chunk in chunks:
            count += isinstance(chunk, Text)
            await trio.sleep(pause)
    return count


@pytest.mark.parametrize(
    ("provider", "words"),
    [
        (SlowToOpen(6), "first byte did not come within 5 s"),
        (Slow(0, 6), "first piece did not come within 5 s"),
        (Slow(0, 1, 4), "next piece did not come within 3 s"),
        (Slow(0, *[2.5] * 10), "whole answer did not come within 20 s"),
    ],
)
async def test_silence_is_a_provider_that_is_down(provider: Slow, words: str, autojump_clock) -> None:
    with pytest.raises(ProviderDown, match=words):
        await read(provider)
    assert provider.closed or provider.opening


async def test_quick_enough_is_left_alone(autojump_clock) -> None:
    assert await read(SlowToOpen(4, 4, 2, 2)) == 3


async def test_a_slow_reader_is_not_the_providers_silence(autojump_clock) -> None:
    assert await read(Slow(0, 0, 0), pause=5) == 2


async def test_a_readers_own_error_passes(autojump_clock) -> None:
    with pytest.raises(KeyError):
        async with GuardedProvider(Slow(0, 1), DEADLINES).stream(REQUEST):
            raise KeyError("mine")


async def test_a_providers_bug_has_its_name(autojump_clock) -> None:
    class Buggy(Slow):
        @asynccontextmanager
        async def stream(self, request: Request) -> AsyncIterator[AsyncIterator[Chunk]]:
            raise ValueError("private")
            yield

    with pytest.raises(ProviderError, match="slow failed with ValueError"):
        await read(Buggy(0))
