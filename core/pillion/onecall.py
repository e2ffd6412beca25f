"""A turn without a model: one tool call that somebody outside asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from .turn import Turn


class OneCall:
    """Runs the call that its prompt names, under the same policies, log and deadlines as a model's."""

    name = "tool"
    description = "Runs one tool call."

    async def run(self, turn: Turn) -> str | None:
        await turn.call_tool(turn.prompt.tool, msgspec.json.decode(turn.prompt.arguments))
        return None
