"""Settings and registration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from msgspec import Meta, Struct

from pillion.contracts.provider import Provider
from pillion.hookspecs import hookimpl

from .account import Account
from .provider import LimitedProvider

AMinute = Annotated[int, Meta(ge=1)] | None


class KeyLimits(Struct, frozen=True, forbid_unknown_fields=True):
    """`[plugins.limits.keys.PROVIDER]`: what its key may be used for in a minute, for all models together. `tokens` are
    those in and out."""

    requests: AMinute = None
    tokens: AMinute = None


class Config(Struct, frozen=True, forbid_unknown_fields=True):
    """`[plugins.limits]`. `learn`: what vendors say of a key in their answers holds, too. `longest_wait`, in seconds: a
    call that would have to wait longer is refused as busy."""

    learn: bool = True
    longest_wait: Annotated[float, Meta(ge=0)] = 600.0
    keys: Mapping[str, KeyLimits] = {}


Given = Config  # in the class below, `Config` is its attribute


class Plugin:
    """Keeps model calls within what their keys may be used for. What it knows of them lasts as long as it does."""

    Config = Config
    wrap_order = 45

    def __init__(self, config: Given) -> None:
        self._config = config
        self._accounts: dict[str, Account] = {}

    @hookimpl
    def wrap_provider(self, provider: Provider, bare: Provider) -> Provider | None:
        """Those whose vendor may tell its limits, and those of which the settings say some."""
        config, name = self._config, provider.name
        learns = config.learn and hasattr(bare, "account")
        if not learns and name not in config.keys:
            return None
        return LimitedProvider(provider, lambda: self._account(bare), config.longest_wait, learns=learns)

    def _account(self, bare: Provider) -> Account:
        """The key's. Providers that have no word for it have one of their own."""
        name = str(getattr(bare, "account", bare.name))
        account = self._accounts.get(name)
        if account is None:
            account = self._accounts[name] = Account(self._config.longest_wait)
        limits = self._config.keys.get(bare.name)
        if limits is not None:
            account.limit({"requests": limits.requests, "tokens": limits.tokens})
        return account
