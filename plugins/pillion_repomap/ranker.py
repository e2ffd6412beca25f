"""For searches: how much each file matters for what is asked, by who uses whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pillion import Workspace

from .maps import Maps, wanted_of


class MapRanker:
    """Files by their rank in the map's graph."""

    name = "map"
    weight = 0.5

    def __init__(self, maps: Maps) -> None:
        self._maps = maps

    async def rank(self, workspace: Workspace, near: Sequence[str], question: str) -> Mapping[str, tuple[float, str]]:
        """Raises ToolError where nobody knows the code."""
        ranked = await self._maps.ranks(workspace, wanted_of([question], near))
        return {path: (rank, "" if path in near else _why(users)) for path, rank, users in ranked}


def _why(users: Sequence[str]) -> str:
    return f"used by {', '.join(users)}" if users else "used further on"
