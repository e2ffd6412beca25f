"""Both strategies keep the contract of strategies."""

from __future__ import annotations

from pillion.contracts.strategy import Strategy
from pillion.testing.contracts import StrategyContract
from pillion_agent.agent import Agent
from pillion_agent.chat import Chat


class TestAgent(StrategyContract):
    def strategy(self) -> Strategy:
        return Agent()


class TestChat(StrategyContract):
    def strategy(self) -> Strategy:
        return Chat()
