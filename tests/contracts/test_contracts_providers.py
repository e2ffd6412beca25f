"""The vendors' providers keep the contract, on each wire format, against a server on loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import trio

from pillion import Message, Request, Text, ToolSpec
from pillion.contracts.provider import Provider
from pillion.secrets import Secrets
from pillion.settings import Environment
from pillion.testing.contracts import ProviderContract
from pillion_anthropic import plugin as anthropic
from pillion_openai import plugin as openai
from pillion_retry import plugin as retry
from pillion_runtime.testing import (
    Asked,
    Cut,
    EndEarly,
    ErrorEvent,
    Malformed,
    Reply,
    Status,
    Vendor,
    call,
    vendor_server,
)  # fmt: skip

from ..canaries import KEYS

LOOK = ToolSpec("look", "Looks at a file.", {"type": "object", "properties": {"path": {"type": "string"}}})
FAULTS = {
    "refused": Status(401),
    "busy": Status(429, retry_after=1),
    "overloaded": Status(529),
    "broken": Status(500),
    "cut": Cut(1),
    "reset": Cut(1, reset=True),
    "early": EndEarly(1),
    "malformed": Malformed(1),
    "event": ErrorEvent(1),
}
ENVIRONMENT = Environment(KEYS, Secrets())


def program(asked: Asked) -> Reply:
    """Fails as the prompt says, calls a tool where there is one, else speaks."""
    fault = FAULTS.get(asked.prompt)
    if fault is not None:
        return Reply(text=("half", " an answer"), fault=fault)
    if asked.tools:
        return Reply(calls=(call("look", path="a"), call("look", path="b")))
    return Reply(text=("Hello ", "wide ", "world"))


def asking(provider: Provider, words: str, *tools: ToolSpec) -> Request:
    return Request(provider.models()[0].name, (Message("user", (Text(words),)),), tools=tools)


class OfVendor(ProviderContract):
    seconds = 20.0

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Provider]:
        async with vendor_server(program) as vendor:
            self.vendor = vendor
            plugin = self.plugin(vendor)
            (provider, *_) = plugin.register_providers(ENVIRONMENT)
            async with plugin.lifespan():
                yield provider

    def plugin(self, vendor: Vendor) -> openai.Plugin | anthropic.Plugin:
        raise NotImplementedError

    def request_with_tools(self, provider: Provider) -> Request:
        return asking(provider, "Look at both.", LOOK)

    def failing(self, provider: Provider) -> Sequence[Request]:
        return [asking(provider, word) for word in FAULTS]


class TestOpenAIResponses(OfVendor):
    def plugin(self, vendor: Vendor) -> openai.Plugin:
        return openai.Plugin(openai.Config(base_url=f"{vendor.url}/v1", api="responses"))


class TestOpenAIChat(OfVendor):
    def plugin(self, vendor: Vendor) -> openai.Plugin:
        return openai.Plugin(openai.Config(base_url=f"{vendor.url}/v1", api="chat"))


class TestRetried(TestOpenAIChat):
    """A wrapper keeps the contract of what it wraps."""

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Provider]:
        async with super().opened() as provider:
            wrapped = retry.Plugin(retry.Config(attempts=2)).wrap_provider(provider)
            assert wrapped is not None
            yield wrapped

    def failing(self, provider: Provider) -> Sequence[Request]:
        return [asking(provider, "refused")]


class TestAnthropic(OfVendor):
    def plugin(self, vendor: Vendor) -> anthropic.Plugin:
        return anthropic.Plugin(anthropic.Config(base_url=vendor.url))

    async def test_the_server_sees_the_connection_close(self) -> None:
        async with self.opened() as provider:
            async with provider.stream(asking(provider, "hi")) as chunks:
                await chunks.__anext__()
            with trio.fail_after(5):
                await self.vendor.until(lambda vendor: vendor.open_streams == 0)
