"""A kernel that nobody serves has all that plugins bring but routes and commands."""

from __future__ import annotations

from pathlib import Path

from pillion.testing.kit import kernel_host
from pillion_compact.plugin import Config as CompactConfig
from pillion_compact.plugin import Plugin as Compact
from pillion_notes.plugin import Plugin as Notes
from pillion_usage.plugin import Config as UsageConfig
from pillion_usage.plugin import Plugin as Usage


async def test_plugins_with_routes_are_on_where_there_is_no_server(tmp_path: Path) -> None:
    plugins = {"compact": Compact(CompactConfig()), "notes": Notes(), "usage": Usage(UsageConfig())}
    async with kernel_host(tmp_path, plugins=plugins) as host:
        assert {name: host.kernel.host.state(name) for name in plugins} == dict.fromkeys(plugins, "on")
