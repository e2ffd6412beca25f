"""What a call waits for, what is told of it, and how the wait ends: the limits round the real providers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio
from msgspec.structs import replace
from trio.testing import MockClock

from pillion.contracts.provider import Caller, Chunk, Provider, Request, UsageSeen, Waiting
from pillion.errors import ProviderBusy
from pillion.secrets import Secrets
from pillion.settings import Deadlines, Environment
from pillion.streamguard import GuardedProvider
from pillion.values import Message, Text, Usage
from pillion_limits.plugin import Config, KeyLimits, Plugin
from pillion_openai.plugin import Config as OpenAI
from pillion_openai.plugin import Plugin as OpenAIPlugin
from pillion_openai.plugin import ServerConfig
from pillion_runtime.testing import Asked, Program, Quota, Reply, Status, Vendor, replies, vendor_server

from ..vendors import KEYS, vendor_plugin

FORMATS = pytest.mark.parametrize("format_", ["messages", "chat", "responses"])
YES = replies(Reply(text="Yes.", usage=Usage(input=300, output=100)))
DAYS = 3 * 86_400.0


def one(**limits: int) -> Config:
    """Settings of OpenAI's key."""
    return Config(keys={"openai": KeyLimits(**limits)})


@asynccontextmanager
async def limited(
    program: Program, config: Config | None = None, format_: str = "chat", plugin: Any = None
) -> AsyncIterator[tuple[Vendor, Sequence[Provider]]]:
    """A vendor, and providers that ask it within limits; a model must begin to answer within 2 s."""
    async with vendor_server(program) as vendor:
        plugin = plugin(vendor.url) if plugin else vendor_plugin(format_, vendor.url)[1]
        environment = Environment(KEYS | {"SECOND": "sk-second-0123456789"}, Secrets())
        limits = Plugin(config or Config())
        found = []
        for bare in plugin.register_providers(environment):
            await bare._opened()  # in a thread, and the clock runs ahead of those
            wrapped = limits.wrap_provider(GuardedProvider(bare, Deadlines(first_byte=2)), bare)
            assert wrapped is not None
            found.append(wrapped)
        async with plugin.lifespan():
            yield vendor, found


async def heard(provider: Provider, session: str = "", **said: Any) -> list[Chunk]:
    asked = Request(f"{provider.name}/scripted", (Message("user", (Text("hi"),)),), caller=Caller(root=session))
    async with provider.stream(replace(asked, **said)) as stream:
        return [chunk async for chunk in stream]


def waits(chunks: Sequence[Chunk]) -> list[float]:
    return [chunk.seconds for chunk in chunks if isinstance(chunk, Waiting)]


@FORMATS
async def test_what_the_vendor_says_of_requests_is_kept_to(autojump_clock: MockClock, format_: str) -> None:
    quota = Quota(YES, requests=4)
    async with limited(quota, format_=format_) as (_, (provider,)):
        began = trio.current_time()
        told = [waits(await heard(provider)) for _ in range(5)]
        assert told[0] == []
        assert trio.current_time() - began >= 60
        assert quota.refused == 0


@FORMATS
async def test_what_the_vendor_says_of_tokens_is_kept_to(autojump_clock: MockClock, format_: str) -> None:
    quota = Quota(YES, requests=1000, tokens=800)
    async with limited(quota, format_=format_) as (_, (provider,)):
        began = trio.current_time()
        for _ in range(3):
            await heard(provider, max_output=100)
        assert trio.current_time() - began >= 60
        assert quota.refused == 0


async def test_calls_at_once_wait_for_the_first_to_learn_what_the_key_may(autojump_clock: MockClock) -> None:
    quota = Quota(YES, requests=2, shape="bucket")
    async with limited(quota) as (_, (provider,)), trio.open_nursery() as nursery:
        for _ in range(6):
            nursery.start_soon(heard, provider)
    assert quota.refused == 0


async def test_what_others_use_of_the_key_counts(autojump_clock: MockClock) -> None:
    spent = (("x-ratelimit-limit-requests", "60"), ("x-ratelimit-remaining-requests", "0"))
    headers = (*spent, ("x-ratelimit-reset-requests", "30s"))
    async with limited(replies(Reply(text="Yes.", headers=headers), Reply(text="Yes."))) as (_, (provider,)):
        await heard(provider)
        (seconds,) = waits(await heard(provider))
        assert 29 < seconds <= 31


async def test_settings_and_the_vendor_hold_both(autojump_clock: MockClock) -> None:
    for config, limit in ((one(requests=2), 60), (one(requests=60), 2)):
        quota = Quota(YES, requests=limit)
        async with limited(quota, config) as (_, (provider,)):
            began = trio.current_time()
            for _ in range(3):
                await heard(provider)
            assert trio.current_time() - began >= 60
            assert quota.refused == 0


async def test_tokens_are_guessed_and_then_put_right(autojump_clock: MockClock) -> None:
    async with limited(YES, one(tokens=1000)) as (_, (provider,)):
        assert waits(await heard(provider, max_output=990)) == []
        chunks = await heard(provider, max_output=100)  # it used 400, and those come evenly
        assert [chunk.usage.tokens for chunk in chunks if isinstance(chunk, UsageSeen)] == [400]
        assert 8 < sum(waits(chunks)) < 10
        assert sum(waits(await heard(provider, max_output=600))) > 40


async def test_a_call_larger_than_the_limit_goes_when_nothing_else_counts(autojump_clock: MockClock) -> None:
    async with limited(YES, one(tokens=500)) as (_, (provider,)):
        await heard(provider, max_output=100)
        assert 59 < sum(waits(await heard(provider, max_output=5000))) < 62


async def test_who_leaves_makes_room(autojump_clock: MockClock) -> None:
    async with limited(YES, one(requests=1)) as (vendor, (provider,)):
        await heard(provider)
        with trio.CancelScope() as scope:
            async with trio.open_nursery() as nursery:
                for _ in range(9):
                    nursery.start_soon(heard, provider)
                await trio.testing.wait_all_tasks_blocked()
                scope.cancel()
        assert sum(waits(await heard(provider))) < 61
        assert len(vendor.asked) == 2


async def test_sessions_take_turns(autojump_clock: MockClock) -> None:
    order: list[str] = []

    async def ask(session: str) -> None:
        await heard(provider, session)
        order.append(session)

    config = replace(one(requests=4), learn=False)
    async with limited(YES, config) as (_, (provider,)), trio.open_nursery() as nursery:
        for session in ("a", "a", "a", "a", "b", "b", "c"):
            nursery.start_soon(ask, session)
            await trio.testing.wait_all_tasks_blocked()
    assert order[:4] == ["a", "a", "a", "b"]
    assert (sorted(order[4:6]), order[6]) == (["a", "c"], "b")  # two at once


async def test_a_refusal_holds_everybody_back(autojump_clock: MockClock) -> None:
    async with limited(replies(Reply(fault=Status(429, retry_after=20)), Reply(text="Yes."))) as (vendor, (provider,)):
        with pytest.raises(ProviderBusy):
            await heard(provider, "a")
        (seconds,) = waits(await heard(provider, "b"))
        assert 19 < seconds <= 20
        assert len(vendor.asked) == 2


async def test_a_pause_of_days_is_waited_for_by_nobody_and_tried_again(autojump_clock: MockClock) -> None:
    busy = Reply(fault=Status(429, retry_after=DAYS))
    async with limited(replies(busy, Reply(text="Yes."))) as (vendor, (provider,)):
        for _ in range(2):
            with pytest.raises(ProviderBusy) as caught:
                await heard(provider)
            assert caught.value.retry_after is not None and caught.value.retry_after > DAYS - 60
        assert len(vendor.asked) == 1
        await trio.sleep(61)
        assert waits(await heard(provider)) == []


async def test_a_wait_that_is_too_long_is_refused_at_once(autojump_clock: MockClock) -> None:
    config = Config(longest_wait=30, keys={"openai": KeyLimits(requests=1)})
    async with limited(YES, config) as (vendor, (provider,)):
        await heard(provider)
        began = trio.current_time()
        with pytest.raises(ProviderBusy, match=r"1 requests a minute") as caught:
            await heard(provider)
        assert caught.value.retry_after is not None and 59 < caught.value.retry_after < 61
        assert (trio.current_time() - began, len(vendor.asked)) == (0, 1)


async def test_providers_with_one_key_share_its_limits(autojump_clock: MockClock) -> None:
    def servers(url: str) -> OpenAIPlugin:
        def server(key: str) -> ServerConfig:
            return ServerConfig(base_url=f"{url}/v1", key_env=key)

        names = {"same": server("OPENAI_API_KEY"), "other": server("SECOND")}
        return OpenAIPlugin(OpenAI(base_url=f"{url}/v1", api="chat", servers=names))

    async with limited(YES, one(requests=1), plugin=servers) as (_, (official, same, other)):
        await heard(official)
        assert waits(await heard(other)) == []
        assert sum(waits(await heard(same))) > 58


async def test_without_learning_the_vendor_refuses(autojump_clock: MockClock) -> None:
    quota = Quota(YES, requests=1)
    config = Config(learn=False, keys={"openai": KeyLimits(requests=100)})
    async with limited(quota, config) as (_, (provider,)):
        await heard(provider)
        with pytest.raises(ProviderBusy):
            await heard(provider)
        assert quota.refused == 1
    assert Plugin(Config(learn=False)).wrap_provider(provider, provider) is None


async def test_a_model_that_tells_nothing_is_not_waited_for(autojump_clock: MockClock) -> None:
    def program(asked: Asked) -> Reply:
        return Reply(text="Yes.")

    async with limited(program) as (vendor, (provider,)):
        began = trio.current_time()
        async with trio.open_nursery() as nursery:
            for _ in range(30):
                nursery.start_soon(heard, provider)
        assert (trio.current_time() - began, len(vendor.asked)) == (0, 30)
