"""The strategies `chat`, `agent` and `architect`."""

from __future__ import annotations

from collections.abc import Sequence

from pillion import Event
from pillion.contracts.strategy import Strategy
from pillion.hookspecs import hookimpl

from .agent import Agent
from .architect import Architect, TaskGiven
from .chat import Chat


class Plugin:
    """Chat: one answer. Agent: works with tools until the task is done. Architect: has one model plan, another work."""

    @hookimpl
    def register_strategies(self) -> Sequence[Strategy]:
        return [Agent(), Chat(), Architect()]

    @hookimpl
    def register_events(self) -> Sequence[type[Event]]:
        return [TaskGiven]
