"""Money and tokens: what every model call used, by route and command, and budgets that are kept."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pillion import Event, Kernel, Observer, Provider, hookimpl

from .accounts import Accounts
from .budgets import BudgetReached, Budgets, Config
from .provider import BudgetedProvider

if TYPE_CHECKING:
    import click
    from quart import Blueprint

    from pillion.plugins import PluginHost


Given = Config  # in the class below, `Config` is its attribute


class Plugin:
    """What models used, and what it cost; budgets for sessions and days."""

    Config = Config
    wrap_order = 20

    def __init__(self, config: Given) -> None:
        self._accounts = Accounts()
        self._budgets = Budgets(config, self._accounts)

    @hookimpl
    def wrap_provider(self, provider: Provider) -> Provider | None:
        return BudgetedProvider(provider, self._budgets) if self._budgets.config.keeps else None

    @hookimpl
    def register_events(self) -> Sequence[type[Event]]:
        return [BudgetReached]

    @hookimpl
    @asynccontextmanager
    async def lifespan(self, kernel: Kernel) -> AsyncIterator[None]:
        self._accounts.begin(kernel)
        yield

    @hookimpl
    def register_observers(self) -> Sequence[Observer]:
        return [self._accounts.ledger]

    @hookimpl(optionalhook=True)
    def register_routes(self) -> Sequence[Blueprint]:
        from .routes import blueprint  # quart; a run without a server does not need it

        return [blueprint(self._accounts)]

    @hookimpl(optionalhook=True)
    def register_commands(self, load: Callable[[Path | None, Path | None], PluginHost]) -> Sequence[click.Command]:
        from .command import usage_command

        return [usage_command(load)]
