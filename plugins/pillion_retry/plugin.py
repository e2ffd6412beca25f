"""Settings and registration."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from pillion.contracts.provider import Provider
from pillion.hookspecs import hookimpl

from .provider import RetryingProvider


class Config(Struct, frozen=True, forbid_unknown_fields=True):
    """`[plugins.retry]`. `attempts` counts the first one, too; `longest_wait` is in seconds."""

    attempts: Annotated[int, Meta(ge=1)] = 4
    longest_wait: Annotated[float, Meta(ge=0)] = 60.0


Given = Config  # in the class below, `Config` is its attribute


class Plugin:
    """Asks a model again after 429, overload, server errors and cut connections."""

    Config = Config
    wrap_order = 40

    def __init__(self, config: Given) -> None:
        self._config = config

    @hookimpl
    def wrap_provider(self, provider: Provider) -> Provider:
        """Every provider: the kernel itself retries nothing."""
        return RetryingProvider(provider, self._config.attempts, self._config.longest_wait)
