"""Checks that a plugin's author runs in their own tests, one class a contract.

Subclass one under a name that pytest collects, override what the class asks for, and have `pytest-trio` installed:

    class TestMyTool(ToolContract):
        def tool(self):
            return MyTool()

        def arguments(self):
            return {"text": "hello"}
"""

from .policy import PolicyContract
from .provider import ProviderContract
from .store import StoreContract
from .strategy import StrategyContract
from .tool import ToolContract

__all__ = ["PolicyContract", "ProviderContract", "StoreContract", "StrategyContract", "ToolContract"]
