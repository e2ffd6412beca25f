"""The strategies `chat` and `agent`."""

from __future__ import annotations

from collections.abc import Sequence

from pillion.contracts.strategy import Strategy
from pillion.hookspecs import hookimpl

from .agent import Agent
from .chat import Chat


class Plugin:
    """Chat: one answer. Agent: works with tools until the task is done."""

    @hookimpl
    def register_strategies(self) -> Sequence[Strategy]:
        return [Agent(), Chat()]
