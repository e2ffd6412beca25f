"""The tool fetch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct

from pillion import ConfigError, Tool, TurnInfo, hookimpl

from .fetching import Bounds, Fetch
from .network import Internet, Network
from .place import check

MIB = 1024 * 1024


class Config(Struct, frozen=True, forbid_unknown_fields=True):
    """Hosts are `example.org`, `*.example.org` for all in that domain, or `example.org:8080` for that port alone.

    `allowed`: no others are asked; empty: all. `denied` beat them. `private`: hosts that may be this machine or in a
    private network. `ports` that pages are fetched from. `certificates`: a PEM file with authorities that are trusted
    besides the system's. `seconds` for a page, `megabytes` (MiB) of it that are read, `redirects` within its host.
    """

    allowed: tuple[str, ...] = ()
    denied: tuple[str, ...] = ()
    private: tuple[str, ...] = ()
    ports: tuple[Annotated[int, Meta(ge=1, le=65535)], ...] = (80, 443, 8000, 8080, 8443)
    certificates: str = ""
    seconds: Annotated[float, Meta(gt=0, le=600)] = 30.0
    megabytes: Annotated[float, Meta(gt=0, le=64)] = 2.0
    redirects: Annotated[int, Meta(ge=0, le=20)] = 5


Given = Config  # in the class below, `Config` is its attribute


class Plugin:
    """Fetches pages of the web as text that nobody vouches for: tool fetch."""

    Config = Config

    def __init__(self, config: Given, network: Network | None = None) -> None:
        for key in ("allowed", "denied", "private"):
            for pattern in getattr(config, key):
                if said := check(pattern):
                    hint = 'Hosts are "example.org", "*.example.org" or "example.org:8080".'
                    raise ConfigError(f"{pattern!r} names no host: {said}.", plugin="fetch", key=key, hint=hint)
        if config.certificates and not Path(config.certificates).expanduser().is_file():
            raise ConfigError(f"There is no file {config.certificates}.", plugin="fetch", key="certificates")
        bounds = Bounds(
            config.allowed,
            config.denied,
            config.private,
            config.ports,
            config.seconds,
            int(config.megabytes * MIB),
            config.redirects,
        )
        self._tools: Sequence[Tool] = [Fetch(bounds, network or Internet(), config.certificates)]

    @hookimpl
    def register_tools(self, turn: TurnInfo) -> Sequence[Tool]:
        return self._tools
