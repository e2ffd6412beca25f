"""The retry plugin round the real providers, against the vendor server on every wire format."""

from contextlib import asynccontextmanager

import pytest
import trio

from pillion.contracts.provider import Finish, Request, Restart, UsageSeen, Waiting
from pillion.errors import BadRequest, ProviderBusy, ProviderDown, ProviderRefused
from pillion.secrets import Secrets
from pillion.settings import Deadlines, Environment
from pillion.streamguard import GuardedProvider
from pillion.values import Message, Text, Usage
from pillion_anthropic.plugin import Config as Anthropic
from pillion_anthropic.plugin import Plugin as AnthropicPlugin
from pillion_openai.plugin import Config as OpenAI
from pillion_openai.plugin import Plugin as OpenAIPlugin
from pillion_retry.plugin import Config, Plugin
from pillion_runtime.testing import (
    Cut,
    EndEarly,
    ErrorEvent,
    Malformed,
    Reply,
    Silence,
    Status,
    replies,
    vendor_server,
)

from ...canaries import KEYS

ENVIRONMENT = Environment(KEYS, Secrets())
PIECES = ("twelve pieces ",) * 12
SOON = Status(429, retry_after=0.01)


@asynccontextmanager
async def retrying(program, format_="chat", **config):
    """A vendor and a retrying provider that asks it; each test ends within 20 s."""
    with trio.fail_after(20):
        async with vendor_server(program) as vendor:
            plugin = (
                AnthropicPlugin(Anthropic(base_url=vendor.url))
                if format_ == "messages"
                else OpenAIPlugin(OpenAI(base_url=f"{vendor.url}/v1", api=format_))
            )
            (provider,) = plugin.register_providers(ENVIRONMENT)
            async with plugin.lifespan():
                await provider._opened()  # the import is not to count
                guarded = GuardedProvider(provider, Deadlines(first_byte=2, between=0.3))
                yield vendor, Plugin(Config(**config)).wrap_provider(guarded)


async def heard(provider):
    """All chunks, and the words that are left when void ones are taken back."""
    chunks, words = [], ""
    async with provider.stream(Request(f"{provider.name}/m", (Message("user", (Text("hi"),)),))) as stream:
        async for chunk in stream:
            chunks.append(chunk)
            words = "" if isinstance(chunk, Restart) else words + (chunk.text if isinstance(chunk, Text) else "")
    return chunks, words


@pytest.mark.parametrize(("format_", "seconds"), [("chat", 1), ("responses", 0.2), ("messages", 0.2)])
async def test_retry_waits_as_long_as_two_refusals_ask(format_, seconds):
    busy = Reply(fault=Status(429, retry_after=seconds))
    async with retrying(replies(busy, busy, Reply(text="at last")), format_) as (vendor, provider):
        chunks, words = await heard(provider)
    waits = [chunk.seconds for chunk in chunks if isinstance(chunk, Waiting)]
    assert [seconds <= wait <= seconds + 0.1 for wait in waits] == [True, True]
    assert (words, len(vendor.asked)) == ("at last", 3)
    assert not any(isinstance(chunk, Restart) for chunk in chunks)


@pytest.mark.parametrize(
    ("format_", "fault"),
    [
        *((format_, Cut(6)) for format_ in ("chat", "responses", "messages")),
        ("chat", Cut(6, reset=True)),
        ("chat", Malformed(6)),
        ("responses", EndEarly(6)),
        ("responses", Silence(6)),
        ("messages", ErrorEvent(6)),
        ("messages", ErrorEvent(6, "server")),
    ],
)
async def test_retry_after_a_fault_amid_the_stream_leaves_the_text_once(format_, fault):
    torn = Reply(text=PIECES, fault=fault, pause=0.01)
    async with retrying(replies(torn, Reply(text=PIECES)), format_) as (_, provider):
        chunks, words = await heard(provider)
    assert words == "".join(PIECES)
    restarts = [chunk for chunk in chunks if isinstance(chunk, Restart)]
    assert [restart.model for restart in restarts] == [f"{provider.name}/m"]
    assert isinstance(chunks[-1], Finish)


@pytest.mark.parametrize("fault", [Cut(), Status(500), Status(529)])
async def test_retry_after_a_fault_before_the_stream_takes_nothing_back(fault):
    async with retrying(replies(Reply(fault=fault), Reply(text="a"))) as (_, provider):
        chunks, words = await heard(provider)
    assert (words, isinstance(chunks[0], Waiting)) == ("a", True)
    assert not any(isinstance(chunk, Restart) for chunk in chunks)


@pytest.mark.parametrize(("code", "error"), [(401, ProviderRefused), (400, BadRequest)])
async def test_retry_gives_up_at_once_on_what_will_not_change(code, error):
    async with retrying(replies(Reply(fault=Status(code)))) as (vendor, provider):
        with pytest.raises(error):
            await heard(provider)
    assert len(vendor.asked) == 1


async def test_retry_gives_up_after_its_attempts():
    async with retrying(replies(Reply(fault=SOON)), attempts=3) as (vendor, provider):
        with pytest.raises(ProviderBusy):
            await heard(provider)
    assert len(vendor.asked) == 3


async def test_retry_does_not_wait_longer_than_set():
    async with retrying(replies(Reply(fault=Status(429, retry_after=5))), longest_wait=4) as (vendor, provider):
        with pytest.raises(ProviderBusy) as caught:
            await heard(provider)
    assert (caught.value.retry_after, len(vendor.asked)) == (5, 1)


async def test_retry_with_one_attempt_retries_nothing():
    async with retrying(replies(Reply(text=PIECES, fault=Cut(3), pause=0.01)), attempts=1) as (vendor, provider):
        with pytest.raises(ProviderDown):
            await heard(provider)
    assert len(vendor.asked) == 1


async def test_retry_counts_what_the_void_answer_cost():
    torn = Reply(text=PIECES, fault=Cut(6), usage=Usage(input=10, output=9), pause=0.01)
    async with retrying(replies(torn, Reply(text="a", usage=Usage(input=10, output=2))), "messages") as (_, provider):
        chunks, _ = await heard(provider)
    assert [chunk.usage for chunk in chunks if isinstance(chunk, UsageSeen)][-1] == Usage(input=20, output=3)


async def test_retry_cancel_ends_the_wait_and_the_stream():
    async with retrying(replies(Reply(fault=Status(429, retry_after=30)))) as (vendor, provider):
        with trio.CancelScope() as scope:
            async with provider.stream(Request("openai/m", (Message("user", (Text("hi"),)),))) as chunks:
                async for chunk in chunks:
                    assert isinstance(chunk, Waiting)
                    scope.cancel()
        assert scope.cancelled_caught
    assert len(vendor.asked) == 1


async def test_retry_leaving_early_closes_the_connection():
    endless = replies(Reply(text=("a",) * 1000, pause=0.02))
    async with retrying(endless) as (vendor, provider):
        async with provider.stream(Request("openai/m", (Message("user", (Text("hi"),)),))) as chunks:
            await anext(chunks)
        await vendor.until(lambda vendor: vendor.left_early == 1 and vendor.open_connections == 0)


async def test_retry_leaves_other_errors_of_the_reader_alone():
    async def stumble(provider):
        async with provider.stream(Request("openai/m", (Message("user", (Text("hi"),)),))) as chunks:
            await anext(chunks)
            raise ProviderDown("the reader's own")

    async with retrying(replies(Reply(text=PIECES, pause=0.01))) as (vendor, provider):
        with pytest.raises(ProviderDown, match="the reader's own"):
            await stumble(provider)
    assert len(vendor.asked) == 1
