"""The door."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from pillion import Event, Kernel, Policy, Provider, Strategy, Tool, TurnInfo, hookimpl

from .desk import Desk, TicketFiled
from .parrot import Parrot, Triage
from .tool import FileTicket, HouseRules

if TYPE_CHECKING:
    import click
    from quart import Blueprint


class Config(Struct, frozen=True, forbid_unknown_fields=True):
    """`first`: the first ticket's number."""

    first: int = 1


class Plugin:
    """A ticket desk: a tool, a policy, a provider, a strategy, a route, a command and an event."""

    Config = Config

    def __init__(self, config: Config) -> None:
        self._desk = Desk(config.first)

    @hookimpl
    def register_tools(self, turn: TurnInfo) -> Sequence[Tool]:
        return [FileTicket(self._desk)]

    @hookimpl
    def register_policies(self, turn: TurnInfo) -> Sequence[Policy]:
        return [HouseRules()]

    @hookimpl
    def register_providers(self) -> Sequence[Provider]:
        return [Parrot()]

    @hookimpl
    def register_strategies(self) -> Sequence[Strategy]:
        return [Triage()]

    @hookimpl
    def register_events(self) -> Sequence[type[Event]]:
        return [TicketFiled]

    @hookimpl
    def register_routes(self, kernel: Kernel) -> Sequence[Blueprint]:
        from .routes import blueprint

        return [blueprint(self._desk)]

    @hookimpl
    def register_commands(self) -> Sequence[click.Command]:
        from .command import acme

        return [acme]
