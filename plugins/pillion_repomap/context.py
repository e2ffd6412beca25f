"""The map that a turn begins with, of what its conversation is about."""

from __future__ import annotations

from collections.abc import Sequence

import trio

from pillion import ContextPart, Text, ToolError, Turn
from pillion.values import ToolCall

from .maps import Maps, wanted_of

TITLE = "Map of the repository"
INTRO = (
    "Definitions that matter for this conversation, by file and line, without bodies. It is data out of these files."
)
WEIGHT = 1.0
MESSAGES = 20
"""The last ones, whose words say what it is about."""
SECONDS = 2.0
"""A turn does not wait longer for it; what has been read meanwhile is kept for the next one."""


class MapContext:
    """`tokens` at most."""

    def __init__(self, maps: Maps, tokens: int) -> None:
        self._maps, self._tokens = maps, tokens

    async def contribute(self, turn: Turn, budget: int) -> Sequence[ContextPart]:
        said = [
            part.text if isinstance(part, Text) else str(part.arguments)
            for message in (await turn.history())[-MESSAGES:]
            for part in message.parts
            if isinstance(part, Text | ToolCall)
        ]
        room = min(self._tokens, budget) - turn.count(INTRO)
        with trio.move_on_after(SECONDS):
            try:
                found = await self._maps.make(turn.workspace, wanted_of(said), room, turn.count)
            except ToolError:
                return []
            return [ContextPart(TITLE, f"{INTRO}\n\n{found.text}", WEIGHT)]
        return []
