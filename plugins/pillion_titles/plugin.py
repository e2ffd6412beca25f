"""Titles for sessions that nobody has named."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from msgspec import Struct

from pillion import Kernel, Observer, hookimpl

from .titles import Ask, Titles


class Config(Struct, frozen=True, forbid_unknown_fields=True):
    """`[plugins.titles]`. Whom to `ask` for a title: `named`, the model that somebody has named for the role `title` or
    `fast`, and else nobody; `always`, in that case the session's own; `never`. Else it is the prompt's first words."""

    ask: Ask = "named"


Given = Config  # in the class below, `Config` is its attribute


class Plugin:
    """Gives sessions a title when their first turn has finished."""

    Config = Config

    def __init__(self, config: Given) -> None:
        self._titles = Titles(config.ask)

    @hookimpl
    @asynccontextmanager
    async def lifespan(self, kernel: Kernel) -> AsyncIterator[None]:
        self._titles.kernel = kernel
        yield

    @hookimpl
    def register_observers(self) -> Sequence[Observer]:
        return [self._titles]
