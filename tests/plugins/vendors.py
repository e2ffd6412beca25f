"""A session whose model is behind a loopback vendor server, with the retry plugin on, on each wire format."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from pillion.settings import load
from pillion.testing.kit import Host, kernel_host
from pillion_anthropic.plugin import Config as Anthropic
from pillion_anthropic.plugin import Plugin as AnthropicPlugin
from pillion_openai.plugin import Config as OpenAI
from pillion_openai.plugin import Plugin as OpenAIPlugin
from pillion_retry.plugin import Config, Plugin
from pillion_runtime.hookspecs import HostHooks
from pillion_runtime.testing import Program, Vendor, vendor_server

from ..canaries import KEYS as KEYS

BOUND = 30
"""Seconds that each of these tests may take."""


def vendor_plugin(format_: str, url: str, **config: Any) -> tuple[str, Any]:
    """The name of the provider that speaks the format, and its plugin."""
    if format_ == "messages":
        return "anthropic", AnthropicPlugin(Anthropic(base_url=url, **config))
    api: Any = format_
    return "openai", OpenAIPlugin(OpenAI(base_url=f"{url}/v1", api=api, **config))


@asynccontextmanager
async def sessions_of(
    folder: Path,
    format_: str,
    program: Program,
    *tools: Any,
    attempts: int = 3,
    environ: Mapping[str, str] = KEYS,
    more: Mapping[str, object] = {},
    flags: Mapping[str, Any] = {},
    **config: Any,
) -> AsyncIterator[tuple[Vendor, Host]]:
    """The default model is `scripted` of that vendor; it has the given tools, `more` are further plugins."""
    async with vendor_server(program) as vendor:
        name, plugin = vendor_plugin(format_, vendor.url, **config)
        chosen = {"defaults.strategy": "loop", "defaults.model": f"{name}/scripted", **flags}
        settings = load(data_dir=folder, flags=chosen, environ=environ, shipped=False)
        plugins = {name: plugin, "retry": Plugin(Config(attempts=attempts)), **more}
        async with kernel_host(folder, *tools, plugins=plugins, settings=settings, hookspecs=(HostHooks,)) as host:
            yield vendor, host
