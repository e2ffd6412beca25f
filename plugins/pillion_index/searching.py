"""find_code: pieces of the workspace's code by words; and the indexes, kept warm."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import trio
from msgspec import Meta, Struct

from pillion import Kernel, ToolError, Workspace
from pillion.contracts.code import CodeTable
from pillion.contracts.tool import Call, Effect

from .bm25 import Hit, Index

SECONDS = 600.0
"""For the first look at a large workspace."""
HEADS = 3
"""Definitions of a piece that are named."""

Note = Callable[[str, float], None]


class Named(Struct, frozen=True):
    """A hit, and the heads of what is defined in it, or of what it stands in."""

    hit: Hit
    heads: tuple[str, ...]


class Searches:
    """One index a workspace. `kernel` is given by the plugin's lifespan."""

    kernel: Kernel | None = None

    def __init__(self) -> None:
        self._indexes: dict[Path, tuple[trio.Lock, Index]] = {}

    async def find(self, workspace: Workspace, question: str, limit: int, note: Note | None = None) -> list[Named]:
        """Raises ToolError where nobody knows the code."""
        code = self.kernel.catalog.code() if self.kernel else None
        if code is None:
            raise ToolError("Nobody knows the code of this workspace: the plugin syntax is off.")
        table = await code.table(workspace, note)
        lock, index = self._indexes.setdefault(workspace.root, (trio.Lock(), Index()))
        async with lock:
            return await trio.to_thread.run_sync(_found, index, table, question, limit)


def _found(index: Index, table: CodeTable, question: str, limit: int) -> list[Named]:
    index.update(table)
    return [Named(hit, _heads(table, hit)) for hit in index.search(question, limit)]


def _heads(table: CodeTable, hit: Hit) -> tuple[str, ...]:
    file = table.file(hit.path)
    symbols = file.symbols if file else ()
    inside = [one for one in symbols if hit.first <= one.line <= hit.last and one.kind not in ("field", "variable")]
    around = [one for one in symbols if one.first < hit.first and hit.last <= one.last]
    return tuple(one.head for one in (inside[:HEADS] or around[-1:]))


class SearchArguments(Struct, frozen=True, forbid_unknown_fields=True):
    question: Annotated[str, Meta(min_length=1, description="Words: what the code is about, names, parts of names.")]
    limit: Annotated[int, Meta(ge=1, le=50, description="Files.")] = 10


class FindCode:
    """Files by words, the best first."""

    name = "find_code"
    description = (
        "Find the files of the workspace that are about some words, the best first, each with its best lines. Names "
        "count by their parts, so `retry policy` finds RetryPolicy. For an exact text or pattern use search."
    )
    effect: Effect = "read"
    Arguments = SearchArguments

    def __init__(self, searches: Searches) -> None:
        self._searches = searches

    def seconds(self, arguments: SearchArguments) -> float:
        return SECONDS

    async def run(self, arguments: SearchArguments, call: Call) -> str:
        found = await self._searches.find(call.workspace, arguments.question, arguments.limit, call.progress)
        return "\n".join(_told(one) for one in found)[: call.max_output] or "[nothing is about that]"


def _told(one: Named) -> str:
    hit = one.hit
    return "\n    ".join([f"{hit.path}:{hit.first}-{hit.last} ({', '.join(hit.words)})", *one.heads])
