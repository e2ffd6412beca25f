"""Commands that plugins bring. Only a name that Pillion has not, and `plugins commands`, bring the plugins in."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from pillion.errors import PillionError
from pillion.plugins import PluginHost
from pillion.settings import load

from ..hookspecs import HostHooks
from . import options
from .main import COMMANDS


def commands() -> Mapping[str, click.Command]:
    """By name; none while the settings are wrong, which every other command says."""
    try:
        host = PluginHost(load(), (HostHooks,))
    except PillionError:
        return {}
    host.load()
    found: dict[str, click.Command] = {}
    for plugin, answer in host.ask("register_commands", load=_loaded):
        for command in _checked(host, plugin, answer):
            if command.name in found or command.name in COMMANDS:
                host.fault(plugin, f"Its command {command.name!r} is left out: there is one of that name.")
            else:
                found[str(command.name)] = command
    return found


def is_off(name: str) -> bool:
    """Is there a plugin of that name, which brings nothing since it is switched off?"""
    try:
        section = load().plugins.get(name)
    except PillionError:
        return False
    return section is not None and not section.enabled


def _loaded(config: Path | None, data_dir: Path | None) -> PluginHost:
    """The plugins that settings with these options bring. Raises ConfigError."""
    host = PluginHost(options.load_settings(config, data_dir), (HostHooks,))
    host.load()
    return host


def _checked(host: PluginHost, plugin: str, answer: Any) -> list[click.Command]:
    if isinstance(answer, (list, tuple)) and all(isinstance(one, click.Command) and one.name for one in answer):
        return list(answer)
    host.fault(plugin, "Its hook register_commands must return a list of click commands with names.")
    return []
