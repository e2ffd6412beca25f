"""`pillion plugins check`: loads plugins as a server would, and tells what each brings and what is wrong with it."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import trio
from msgspec import Struct

from pillion.hookspecs import TurnInfo
from pillion.kernel import open_kernel
from pillion.localworkspace import LocalWorkspace
from pillion.plugins import PluginState
from pillion.settings import Settings

from .. import hostsettings
from ..app import create_app
from ..hookspecs import HostHooks
from ..host import Host
from . import options
from .listing import UNSTORED
from .screen import clean

PLURALS = {"strategy": "strategies"}


class Report(Struct, frozen=True):
    """`brings`: names by what they are of. `checks`: its health checks, `""` when well."""

    name: str
    state: str
    reason: str
    hooks: Sequence[str]
    brings: Mapping[str, Sequence[str]]
    checks: Mapping[str, str]

    @property
    def wrong(self) -> list[str]:
        """Sentences."""
        failed = [f"Its check {name!r} says: {said}" for name, said in self.checks.items() if said]
        return [*([self.reason] if self.reason else []), *failed]

    def line(self) -> str:
        """For people."""
        if self.wrong:
            return clean(f"{self.name} is {self.state}: {' '.join(self.wrong)}")
        brings = [f"{PLURALS.get(what, f'{what}s')}: {', '.join(names)}" for what, names in self.brings.items()]
        brings += [f"hooks: {', '.join(self.hooks)}"] if self.hooks and not brings else []
        return clean(f"{self.name} is {self.state}. {'; '.join(brings)}".rstrip())

    def told(self) -> dict[str, Any]:
        return dict(msgspec.to_builtins(self)) | {"ok": not self.wrong}


def examine(wanted: str, config: Path | None, data_dir: Path | None) -> list[Report]:
    """`wanted` is a plugin's name, or where one is: `FILE.py`, `FILE.py:Class`, `module:Class`; `""` is all that the
    settings list. Raises ConfigError."""
    name, flags = _flags(wanted)
    settings = options.load_settings(config, data_dir, flags, quiet=True)
    reports = trio.run(_examine, settings)
    return [report for report in reports if name in ("", report.name)]


def _flags(wanted: str) -> tuple[str, dict[str, Any]]:
    """The plugin's name and the settings that switch it on. Sessions are not opened, so no store is."""
    flags: dict[str, Any] = dict(UNSTORED)
    place, colon, attribute = wanted.partition(":")
    if place.endswith(".py"):
        name, use = Path(place).stem, f"{Path(place).resolve()}:{attribute or 'Plugin'}"
    elif colon:
        name, use = place.partition(".")[0], wanted
    else:
        return wanted, flags | ({f"plugins.{wanted}.enabled": True} if wanted else {})
    return name, flags | {f"plugins.{name}.use": use, f"plugins.{name}.enabled": True}


async def _examine(settings: Settings) -> list[Report]:
    async with open_kernel(settings, hookspecs=(HostHooks,)) as kernel:
        create_app(Host(kernel, hostsettings.read(settings)))  # routes that can't stand
        kernel.switchboard.settle()
        said = await kernel.checks()
        brought = kernel.catalog.names(TurnInfo("", "", "", None, LocalWorkspace(Path(tempfile.gettempdir())), False))
        return [_report(state, brought.get(state.name, {}), said) for state in kernel.host.states()]


def _report(state: PluginState, brings: Mapping[str, Sequence[str]], said: Mapping[str, str]) -> Report:
    checks = {name: said[name] for name in brings.get("check", ()) if name in said}
    return Report(state.name, state.state, state.reason, state.hooks, brings, checks)
