"""Makes a session's conversation shorter because somebody asks: a turn without words."""

from __future__ import annotations

from pillion import Turn


class Compact:
    """`POST …/compact`. What it does is told by `history.compacted`."""

    name = "compact"
    description = "Makes what models are sent of the conversation shorter, at once."

    async def run(self, turn: Turn) -> str | None:
        """Raises what keeps it from that."""
        await turn.compact()
        return None
