"""Does a model get anywhere? Calls that go in circles, and answers that are of no use."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence

from . import events as e
from .contracts.tool import Tool
from .errors import Denied, SetAside, Stuck
from .values import ToolCall

CIRCLES = 3
"""The same call with the same result this often ends the turn."""


class Headway:
    """Of one turn."""

    def __init__(self) -> None:
        self.stumbled = False
        """Could the last answer not be used?"""
        self._circles: dict[tuple[str, str, str], int] = {}

    def take(
        self,
        calls: Sequence[ToolCall],
        results: Sequence[e.ToolFinished],
        tools: Mapping[str, Tool],
        ran: Container[int],
    ) -> None:
        """A step's calls and what came of them; `ran` are the items of those that got as far as their tool. Raises
        Stuck."""
        self.stumbled = bool(results) and all(_is_stumble(result, ran) for result in results)
        for call, result in zip(calls, results, strict=True):
            tool = tools.get(call.name)
            if result.code == SetAside.code:
                continue  # not of the model's doing
            if tool is not None and tool.effect == "write" and not result.error:
                self._circles.clear()  # something changed: asking again is no circle
                continue
            key = (call.name, call.arguments, result.text)
            self._circles[key] = self._circles.get(key, 0) + 1
            if self._circles[key] >= CIRCLES:
                raise Stuck(f"{call.name} was called {CIRCLES} times with the same arguments and the same result.")


def _is_stumble(result: e.ToolFinished, ran: Container[int]) -> bool:
    """Was it no call that a tool could have run?"""
    return result.error and result.item not in ran and result.code not in (SetAside.code, Denied.code)
