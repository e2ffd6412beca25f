"""Settings and registration."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

from msgspec import Meta, Struct

from pillion import ContextProvider, Kernel, Strategy, TurnInfo, hookimpl
from pillion.contracts.compactor import Compactor

from .context import FormContext
from .strategy import Compact
from .summing import Summing

if TYPE_CHECKING:
    from quart import Blueprint

Share = Annotated[float, Meta(gt=0, lt=1)]


class Config(Struct, frozen=True, forbid_unknown_fields=True):
    """`[plugins.compact]`. `at` and `to` are shares of the window, `seconds` what a summary may take."""

    at: Share = 0.8
    to: Share = 0.4
    seconds: Annotated[float, Meta(gt=0)] = 120.0

    def __post_init__(self) -> None:
        if self.to >= self.at:
            raise ValueError("`to` must be less than `at`")


Given = Config  # in the class below, `Config` is its attribute


class Plugin:
    """Makes long conversations shorter before they fill the model's window."""

    Config = Config

    def __init__(self, config: Given) -> None:
        self._compactors: Sequence[Compactor] = [Summing(config.at, config.to, config.seconds)]
        self._contexts: Sequence[ContextProvider] = [FormContext()]

    @hookimpl
    def register_compactors(self, turn: TurnInfo) -> Sequence[Compactor]:
        return self._compactors

    @hookimpl
    def register_contexts(self, turn: TurnInfo) -> Sequence[ContextProvider]:
        return self._contexts

    @hookimpl
    def register_strategies(self) -> Sequence[Strategy]:
        return [Compact()]

    @hookimpl(optionalhook=True)
    def register_routes(self, kernel: Kernel) -> Sequence[Blueprint]:
        from .routes import blueprint  # quart; a run without a server does not need it

        return [blueprint(kernel)]
