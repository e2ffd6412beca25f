"""Money and tokens: what every model call used, by route and command."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pillion import Kernel, Observer, hookimpl

from .accounts import Accounts

if TYPE_CHECKING:
    import click
    from quart import Blueprint

    from pillion.plugins import PluginHost


class Plugin:
    """What models used, and what it cost."""

    def __init__(self) -> None:
        self._accounts = Accounts()

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
