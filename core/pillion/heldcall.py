"""What a tool holds of its call from the first word of it on (contracts/tool.py: Heard)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import events as e
from .contracts.workspace import Workspace

if TYPE_CHECKING:
    from .turn import Turn


class HeldCall:
    """One of `turn`; `id` is the call's."""

    def __init__(self, turn: Turn, id: str) -> None:
        self._turn, self.id = turn, id

    @property
    def session(self) -> str:
        return self._turn.session.id

    @property
    def turn(self) -> str:
        return self._turn.id

    @property
    def workspace(self) -> Workspace:
        return self._turn.workspace

    def progress(self, note: str, done: float | None = None, /) -> None:
        self._turn.pass_by(e.ToolProgress(step=self._turn.steps, call=self.id, note=note, done=done))
