"""A strategy runs a turn: it decides what the model is asked, and when the turn is done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from ..turn import Turn


@runtime_checkable
class Strategy(Protocol):
    """`run` returns the turn's reason to end: None or `done`, or `question` when it waits for the person."""

    @property
    def name(self) -> str: ...
    @property
    def description(self) -> str: ...

    async def run(self, turn: Turn, /) -> str | None: ...
