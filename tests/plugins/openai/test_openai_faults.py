"""Every fault of the vendor server becomes the right ProviderError, on both wire formats."""

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
)
from pillion.secrets import Secrets
from pillion.settings import Deadlines, Environment
from pillion.streamguard import GuardedProvider
from pillion.values import Message, Text
from pillion_openai.plugin import Config, Plugin
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

BOTH = pytest.mark.parametrize("api", ["chat", "responses"])
ASK = Request("openai/m", (Message("user", (Text("hi"),)),))


@asynccontextmanager
async def faulty(fault, api, **reply):
    """A provider whose vendor answers `one two three` with that fault; each test ends within 30 s."""
    with trio.fail_after(30):
        async with vendor_server(replies(Reply(text=("one", "two", "three"), fault=fault, **reply))) as vendor:
            plugin = Plugin(Config(base_url=f"{vendor.url}/v1", api=api))
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


@BOTH
@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Status(429, retry_after=7), ProviderBusy),
        (Status(529), ProviderBusy),
        (Status(503), ProviderBusy),
        (Status(500), ProviderDown),
        (Status(401), ProviderRefused),
        (Status(403), ProviderRefused),
        (Status(429, kind="quota"), QuotaSpent),
        (Status(404), BadRequest),
        (Status(400), BadRequest),
        (Status(400, kind="context"), ContextOverflow),
        (Status(400, message="This model's maximum context length is 8192 tokens."), ContextOverflow),
        (Cut(), ProviderDown),
        (Cut(0), ProviderDown),
    ],
)
async def test_openai_fault_before_the_stream(api, fault, kind):
    async with faulty(fault, api) as (_, provider):
        words, error = await heard(provider)
    assert (words, type(error)) == ("", kind)


@BOTH
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
async def test_openai_fault_amid_the_stream(api, fault, kind):
    async with faulty(fault, api, pause=0.02) as (_, provider):
        words, error = await heard(provider)
    assert (words, type(error)) == ("onetwo", kind)


@BOTH
async def test_openai_busy_says_how_long(api):
    async with faulty(Status(429, retry_after=7, message="Slow down."), api) as (_, provider):
        _, error = await heard(provider)
    assert error.retry_after == 7
    assert str(error) == "openai answered 429: Slow down."


@BOTH
async def test_openai_refused_names_the_variable_of_the_key(api):
    async with faulty(Status(401, message="Wrong key."), api) as (_, provider):
        _, error = await heard(provider)
    assert str(error) == "openai answered 401: Wrong key. Check the key in $OPENAI_API_KEY."


@BOTH
@pytest.mark.parametrize("fault", [Silence(None), Silence(0), Silence(2)])
async def test_openai_silence_ends_at_the_deadline_and_lets_go(api, fault):
    async with faulty(fault, api) as (vendor, provider):
        await provider._opened()  # the import is not to count
        _, error = await heard(GuardedProvider(provider, Deadlines(first_byte=0.3, between=0.3)))
        await vendor.until(lambda vendor: vendor.left_early == 1)
    assert type(error) is ProviderDown


@BOTH
async def test_openai_waits_for_a_slow_first_byte(api):
    async with faulty(None, api, delay=0.2) as (_, provider), provider.stream(ASK) as chunks:
        assert await anext(chunks) == Text("one")


async def test_openai_without_a_server_is_down():
    plugin = Plugin(Config(base_url="http://127.0.0.1:1/v1"))
    (provider,) = plugin.register_providers(Environment(KEYS, Secrets()))
    with trio.fail_after(10):
        async with plugin.lifespan():
            _, error = await heard(provider)
    assert type(error) is ProviderDown
