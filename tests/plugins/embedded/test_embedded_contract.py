"""The embedded provider keeps the contract of providers, with its real model."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import msgspec
import pytest

from pillion.contracts.provider import Provider, Request
from pillion.testing.contracts import ProviderContract
from pillion.values import Message, Text, ToolSpec
from pillion_embedded.plugin import Plugin

MODEL = "embedded/smollm2-135m"


class Reading(msgspec.Struct):
    path: str


@pytest.mark.usefixtures("installed")
class TestEmbeddedProvider(ProviderContract):
    """Short answers: the model is the real one."""

    seconds = 120.0

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Provider]:
        plugin = Plugin(Plugin.Config())
        async with plugin.lifespan():
            yield plugin.register_providers()[0]

    def request(self, provider: Provider) -> Request:
        return Request(MODEL, (Message("user", (Text("Say hello to the world."),)),), max_output=12)

    def request_with_tools(self, provider: Provider) -> Request:
        tool = ToolSpec("read_file", "Reads a file of the project.", msgspec.json.schema(Reading))
        return Request(MODEL, (Message("user", (Text("Read the file README.md"),)),), tools=(tool,), max_output=200)

    def failing(self, provider: Provider) -> Sequence[Request]:
        long = (Message("user", (Text("word " * 9000),)),)
        return [Request("embedded/nix", long), Request(MODEL, long), Request(MODEL, long[:0], schema={"$ref": "#/nix"})]
