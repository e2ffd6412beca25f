"""Whatever the network does with calls, no vendor has to refuse one: 200 of them, at random times, in three shapes."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
import trio
from trio.testing import MockClock

from pillion.contracts.provider import Caller, Chunk, Finish, RatesSeen, Request, UsageSeen
from pillion.errors import ProviderBusy
from pillion.values import Message, ModelInfo, Text, Usage
from pillion_limits.plugin import Config, KeyLimits, Plugin
from pillion_openai.rates import rates
from pillion_runtime.testing import Asked, Quota, Reply, Status


@pytest.fixture
def autojump_clock() -> MockClock:
    return MockClock(autojump_threshold=0)


class Far:
    """A vendor behind a slow network: when it counts a call, and when its answer is here, is chance."""

    name, account = "far", "far"

    def __init__(self, quota: Quota, chance: random.Random) -> None:
        self._quota, self._chance = quota, chance

    def models(self) -> Sequence[ModelInfo]:
        return [ModelInfo("far/m", context=100_000, output=400)]

    @asynccontextmanager
    async def stream(self, request: Request) -> AsyncIterator[AsyncIterator[Chunk]]:
        await trio.sleep(self._chance.expovariate(1.0))
        reply = self._quota(Asked("chat", 1, "m", request.messages, "", (), True, None, None, {}, b""))
        await trio.sleep(self._chance.expovariate(0.5))
        if isinstance(reply.fault, Status):
            raise ProviderBusy("far answered 429", reply.fault.retry_after)
        yield self._chunks(reply)

    async def _chunks(self, reply: Reply) -> AsyncIterator[Chunk]:
        yield RatesSeen(rates(httpx2.Headers(list(reply.headers))))
        await trio.sleep(self._chance.expovariate(0.2))
        yield UsageSeen(reply.usage)
        yield Finish("stop")


@pytest.mark.parametrize("tells", [True, False])
@pytest.mark.parametrize("shape", ["sliding", "window", "bucket"])
async def test_no_call_has_to_be_refused(autojump_clock: MockClock, shape: Any, tells: bool) -> None:
    chance = random.Random(26)

    def program(asked: Asked) -> Reply:
        return Reply(usage=Usage(210, chance.randrange(10, 200)))  # in: what is guessed; out: less

    quota = Quota(program, requests=40, tokens=11_000, shape=shape, tells=tells)
    config = Config(keys={} if tells else {"far": KeyLimits(requests=40, tokens=11_000)})
    far = Far(quota, chance)
    provider: Any = Plugin(config).wrap_provider(far, far)
    ended: list[float] = []

    async def ask(number: int) -> None:
        await trio.sleep(chance.uniform(0, 120))
        said = (Message("user", (Text("x" * 700),)),)
        request = Request("far/m", said, max_output=200, caller=Caller(root=str(number % 7)))
        async with provider.stream(request) as stream:
            assert [chunk async for chunk in stream][-1] == Finish("stop")
        ended.append(trio.current_time())

    began = trio.current_time()
    async with trio.open_nursery() as nursery:
        for number in range(200):
            nursery.start_soon(ask, number)
    assert (len(ended), quota.refused) == (200, 0)
    assert max(ended) - began < 1.5 * 60 * 200 / 40, "and hardly any of the limit is left unused"
