"""Every fault of the vendor server becomes the right ProviderError."""

from contextlib import asynccontextmanager

import pytest
import trio

from pillion.contracts.provider import Request
from pillion.errors import (
    BadRequest,
    ContextOverflow,
    ProviderBusy,
    ProviderDown,
    ProviderError,
    ProviderRefused,
    QuotaSpent,
    RequestTooLarge,
)
from pillion.secrets import Secrets
from pillion.settings import Deadlines, Environment
from pillion.streamguard import GuardedProvider
from pillion.values import Message, Text
from pillion_anthropic.plugin import Config, Plugin
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

ASK = Request("anthropic/m", (Message("user", (Text("hi"),)),))


@asynccontextmanager
async def faulty(fault, **reply):
    """A provider whose vendor answers `one two three` with that fault; each test ends within 30 s."""
    with trio.fail_after(30):
        async with vendor_server(replies(Reply(text=("one", "two", "three"), fault=fault, **reply))) as vendor:
            plugin = Plugin(Config(base_url=vendor.url))
            (provider,) = plugin.register_providers(Environment(KEYS, Secrets()))
            async with plugin.lifespan():
                yield vendor, provider


async def heard(provider):
    """The words that came, and what ended them."""
    words = ""
    try:
        async with provider.stream(ASK) as chunks:
            async for chunk in chunks:
                words += getattr(chunk, "text", "")
    except ProviderError as error:
        return words, error
    raise AssertionError(f"no error after {words!r}")


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Status(429, retry_after=7), ProviderBusy),
        (Status(529), ProviderBusy),
        (Status(500), ProviderDown),
        (Status(401), ProviderRefused),
        (Status(402), QuotaSpent),
        (Status(404), BadRequest),
        (Status(400), BadRequest),
        (Status(400, kind="context"), ContextOverflow),
        (Status(400, message="Your credit balance is too low."), QuotaSpent),
        (Status(413), RequestTooLarge),
        (Cut(), ProviderDown),
        (Cut(0), ProviderDown),
    ],
)
async def test_anthropic_fault_before_the_stream(fault, kind):
    async with faulty(fault) as (_, provider):
        words, error = await heard(provider)
    assert (words, type(error)) == ("", kind)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Cut(2), ProviderDown),
        (Cut(2, reset=True), ProviderDown),
        (EndEarly(2), ProviderDown),
        (Malformed(2), ProviderDown),
        (ErrorEvent(2, "server"), ProviderDown),
        (ErrorEvent(2, "overloaded"), ProviderBusy),
        (ErrorEvent(2, "rate_limit"), ProviderBusy),
        (ErrorEvent(2, "quota"), QuotaSpent),
        (ErrorEvent(2, "context"), ContextOverflow),
        (ErrorEvent(2, "invalid"), BadRequest),
    ],
)
async def test_anthropic_fault_amid_the_stream(fault, kind):
    async with faulty(fault, pause=0.02) as (_, provider):
        words, error = await heard(provider)
    assert (words, type(error)) == ("onetwo", kind)


async def test_anthropic_busy_says_how_long():
    async with faulty(Status(429, retry_after=7, message="Slow down.")) as (_, provider):
        _, error = await heard(provider)
    assert error.retry_after == 7
    assert str(error) == "anthropic answered 429: Slow down."


async def test_anthropic_refused_names_the_variable_of_the_key():
    async with faulty(Status(401, message="Wrong key.")) as (_, provider):
        _, error = await heard(provider)
    assert str(error) == "anthropic answered 401: Wrong key. Check the key in $ANTHROPIC_API_KEY."


@pytest.mark.parametrize("fault", [Silence(None), Silence(0), Silence(2)])
async def test_anthropic_silence_ends_at_the_deadline_and_lets_go(fault):
    async with faulty(fault) as (vendor, provider):
        await provider._opened()  # the import is not to count
        _, error = await heard(GuardedProvider(provider, Deadlines(first_byte=0.3, between=0.3)))
        await vendor.until(lambda vendor: vendor.left_early == 1)
    assert type(error) is ProviderDown


async def test_anthropic_waits_for_a_slow_first_byte():
    async with faulty(None, delay=0.2) as (_, provider), provider.stream(ASK) as chunks:
        assert Text("one") in [chunk async for chunk in chunks]


async def test_anthropic_without_a_server_is_down():
    plugin = Plugin(Config(base_url="http://127.0.0.1:1"))
    (provider,) = plugin.register_providers(Environment(KEYS, Secrets()))
    with trio.fail_after(10):
        async with plugin.lifespan():
            _, error = await heard(provider)
    assert type(error) is ProviderDown
