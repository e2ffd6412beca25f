"""A provider that asks the one inside again when it was busy or down."""

from __future__ import annotations

import random
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager

import trio

from pillion.contracts.provider import Chunk, Provider, RatesSeen, Request, Restart, UsageSeen, Waiting
from pillion.errors import ProviderBusy, ProviderDown
from pillion.values import Usage
from pillion.wrapper import Wrapper

FIRST_WAIT = 0.5
"""Seconds, at most, before the second attempt; each further wait is up to twice the one before."""
SPREAD = 0.1
"""Seconds by which those who were told the same `retry-after` come back one after the other."""


class RetryingProvider(Wrapper):
    """Round `inner`: up to `attempts` calls for one, with waits of at most `longest_wait` seconds between them.

    A vendor that asks for a longer wait is not waited for: its error goes to the caller at once.
    """

    def __init__(self, inner: Provider, attempts: int, longest_wait: float) -> None:
        super().__init__(inner)
        self._attempts, self._longest = attempts, longest_wait

    @asynccontextmanager
    async def stream(self, request: Request) -> AsyncIterator[AsyncIterator[Chunk]]:
        """One call that lasts. ProviderBusy and ProviderDown come when all attempts are used up."""
        async with aclosing(self._chunks(request)) as chunks:
            yield chunks

    async def _chunks(self, request: Request) -> AsyncGenerator[Chunk]:
        """What came before a fault is taken back by Restart; what it cost stays counted."""
        spent = Usage()
        for attempt in range(1, self._attempts + 1):
            used, shown = Usage(), False
            try:
                async with self._inner.stream(request) as chunks:
                    async for chunk in chunks:
                        match chunk:
                            case UsageSeen(usage):
                                used = usage
                                yield UsageSeen(spent + usage)
                            case Waiting() | RatesSeen():
                                yield chunk
                            case _:
                                shown = not isinstance(chunk, Restart)
                                yield chunk
            except (ProviderBusy, ProviderDown) as error:
                seconds = self._wait(error, attempt)
                if seconds is None:
                    raise
                why = str(error)
            else:
                return
            spent += used
            if shown:
                yield Restart(why, request.model)
            if spent.tokens:
                yield UsageSeen(spent)
            yield Waiting(seconds, why)
            await trio.sleep(seconds)

    def _wait(self, error: ProviderBusy | ProviderDown, attempt: int) -> float | None:
        """Seconds to wait after the attempt of that number; None: give up."""
        if attempt == self._attempts:
            return None
        asked = error.retry_after if isinstance(error, ProviderBusy) else None
        if asked is not None:
            return asked + random.uniform(0, SPREAD) if asked <= self._longest else None
        return min(self._longest, FIRST_WAIT * 2.0 ** (attempt - 1)) * random.uniform(0.5, 1)
