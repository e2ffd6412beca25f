"""Maps of workspaces, kept warm: one graph each."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from heapq import nlargest
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import trio
from msgspec import Struct

from pillion import Kernel, ToolError, Workspace
from pillion.contracts.code import CodeTable, Symbol

from .ranked import Ranked
from .rendering import HOLDERS, Count, rendered

if TYPE_CHECKING:
    from .graph import Graph

Note = Callable[[str, float], None]
MOST = 100
"""Files that a search is told of."""
_WORD = re.compile(r"[A-Za-z_]\w{2,}")
_PATH = re.compile(r"[\w./-]+\.\w+")


class Wanted(Struct, frozen=True):
    """What a map is for: files, which are left out of it themselves, and names."""

    files: tuple[str, ...] = ()
    names: tuple[str, ...] = ()


class Map(Struct, frozen=True):
    """`files` are those of the workspace, `shown` the paths in the text, in order of what matters."""

    text: str
    files: int
    shown: tuple[str, ...]


class Maps:
    """One for all sessions. `kernel` is given by the plugin's lifespan."""

    kernel: Kernel | None = None

    def __init__(self) -> None:
        self._graphs: dict[Path, tuple[trio.Lock, Graph]] = {}

    async def make(
        self, workspace: Workspace, wanted: Wanted, budget: int, count: Count, note: Note | None = None
    ) -> Map:
        """Raises ToolError where nobody knows the code, or there is none."""
        table = await self._table(workspace, note)
        lock, graph = await self._graph(workspace)
        async with lock:
            return await trio.to_thread.run_sync(_make, graph, table, wanted, budget, count)

    async def ranks(self, workspace: Workspace, wanted: Wanted) -> list[tuple[str, float, list[str]]]:
        """The files that matter most for what is wanted, how much of 1 each does, and which of the wanted files use it.
        Raises ToolError where nobody knows the code."""
        table = await self._table(workspace, None)
        lock, graph = await self._graph(workspace)
        async with lock:
            return await trio.to_thread.run_sync(_ranks, graph, table, wanted)

    async def _table(self, workspace: Workspace, note: Note | None) -> CodeTable:
        code = self.kernel.catalog.code() if self.kernel else None
        if code is None:
            raise ToolError("Nobody knows the code of this workspace: the plugin syntax is off.")
        return await code.table(workspace, note)

    async def _graph(self, workspace: Workspace) -> tuple[trio.Lock, Graph]:
        if workspace.root not in self._graphs:
            fresh = await trio.to_thread.run_sync(_fresh)
            self._graphs.setdefault(workspace.root, (trio.Lock(), fresh))
        return self._graphs[workspace.root]

    def is_warm(self, workspace: Workspace) -> bool:
        return workspace.root in self._graphs


def _fresh() -> Graph:
    graph: Graph = import_module(f"{__package__}.graph").Graph()  # numpy, which is large
    return graph


def _make(graph: Graph, table: CodeTable, wanted: Wanted, budget: int, count: Count) -> Map:
    graph.update(table)
    some = graph.ranked(wanted.files, wanted.names, max(50, budget))  # one has more than one token
    text = rendered(some, _holders(table, some), budget, count)
    if not text:
        raise ToolError("There is no map: no source file of the workspace defines anything, or nothing fits.")
    lines = {line[:-1] for line in text.split("\n") if line.endswith(":") and not line.startswith(" ")}
    order = dict.fromkeys(one.path for one in some if one.path in lines)
    return Map(text, graph.files, tuple(order))


def _ranks(graph: Graph, table: CodeTable, wanted: Wanted) -> list[tuple[str, float, list[str]]]:
    graph.update(table)
    ranks = graph.ranks(wanted.files, wanted.names)
    best = nlargest(MOST, ((rank, path) for path, rank in ranks.items() if rank > 0))
    users = graph.users(wanted.files)
    return [(path, rank, users.get(path, [])) for rank, path in best]


def _holders(table: CodeTable, ranked: Iterable[Ranked]) -> dict[str, Sequence[Symbol]]:
    found: dict[str, Sequence[Symbol]] = {}
    for one in ranked:
        if one.path not in found:
            file = table.file(one.path)
            found[one.path] = [symbol for symbol in file.symbols if symbol.kind in HOLDERS] if file else []
    return found


def wanted_of(texts: Iterable[str], paths: Iterable[str] = ()) -> Wanted:
    """The names and paths that are spoken of."""
    names: dict[str, None] = {}
    files = dict.fromkeys(paths)
    for text in texts:
        files |= dict.fromkeys(_PATH.findall(text))
        names |= dict.fromkeys(_WORD.findall(text))
    return Wanted(tuple(files), tuple(names))
