"""repo_map: what matters in the workspace for some files and names."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from pillion.contracts.tool import Call, Effect

from .maps import Maps, Wanted

SECONDS = 600.0
"""For the first look at a large workspace."""


class MapArguments(Struct, frozen=True, forbid_unknown_fields=True):
    files: Annotated[list[str], Meta(description="Paths that it is about; they are left out of it themselves.")] = []
    names: Annotated[list[str], Meta(description="Names of classes, functions, … that it is about.")] = []


class RepoMap:
    """About `tokens` of it."""

    name = "repo_map"
    description = (
        "Show the definitions of the workspace that matter most for some files and names, by file and line, ranked by "
        "who uses what. With neither: those that matter most of all."
    )
    effect: Effect = "read"
    Arguments = MapArguments

    def __init__(self, maps: Maps, tokens: int) -> None:
        self._maps, self._tokens = maps, tokens

    def seconds(self, arguments: MapArguments) -> float:
        return SECONDS

    async def run(self, arguments: MapArguments, call: Call) -> str:
        budget = min(self._tokens, call.max_output // 4)
        wanted = Wanted(tuple(arguments.files), tuple(arguments.names))
        return (await self._maps.make(call.workspace, wanted, budget, quarter, call.progress)).text


def quarter(text: str) -> int:
    """About how many tokens a text is: a quarter of its characters."""
    return (len(text) + 3) // 4
