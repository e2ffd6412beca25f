"""Searches of workspaces, their indexes kept warm: by words, or by all that says which files matter."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Literal

import trio
from msgspec import Struct

from pillion import Kernel, ToolError, Workspace
from pillion.contracts.code import CodeTable

from .bm25 import Hit, Index
from .churn import GitRanker
from .hookspecs import Ranker
from .ranking import Placed, Ranking, joined, ranking

HEADS = 3
"""Definitions of a piece that are named."""
POOL = 100
"""Files by words that have a place in a joint list."""
SEEDS = 5
"""The first of them, round which other files matter."""
OPEN = 0.5
"""What it counts that somebody has a file open."""
SECONDS = 2.0
"""For each who says what matters; without an answer by then the list is made without it."""

By = Literal["words", "all"]
Note = Callable[[str, float], None]


class Asked(Struct, frozen=True):
    """A search. `files` are what it is about: those that somebody has open. `by`: words alone, or all that is known."""

    question: str
    limit: int = 10
    by: By = "words"
    files: tuple[str, ...] = ()


class Found(Struct, frozen=True):
    """A file with its best piece, lines from 1; 0 and 0: no piece has a word of the question. `words` are those that it
    has, the rarest first; `heads` are of what is defined there; `reasons` say why the file stands where it does."""

    path: str
    first: int
    last: int
    score: float
    words: tuple[str, ...]
    heads: tuple[str, ...]
    reasons: tuple[str, ...]


class Searches:
    """One index a workspace. `kernel` is given by the plugin's lifespan."""

    kernel: Kernel | None = None

    def __init__(self) -> None:
        self._indexes: dict[Path, tuple[trio.Lock, Index]] = {}

    async def find(self, workspace: Workspace, asked: Asked, note: Note | None = None) -> list[Found]:
        """The best first. Raises ToolError where nobody knows the code."""
        table = await self.table(workspace, note)
        pool = asked.limit if asked.by == "words" else max(POOL, asked.limit)
        lock, index = self._indexes.setdefault(workspace.root, (trio.Lock(), Index()))
        async with lock:
            hits = await trio.to_thread.run_sync(_hits, index, table, asked.question, pool)
        if asked.by == "words":
            placed = [Placed(hit.path, hit.score, (_reason(hit),)) for hit in hits]
        else:
            placed = await self._joined(workspace, asked, table, hits)
        return await trio.to_thread.run_sync(_told, table, {hit.path: hit for hit in hits}, placed)

    async def table(self, workspace: Workspace, note: Note | None = None) -> CodeTable:
        """Raises ToolError where nobody knows the code."""
        code = self.kernel.catalog.code() if self.kernel else None
        if code is None:
            raise ToolError("Nobody knows the code of this workspace: the plugin syntax is off.")
        return await code.table(workspace, note)

    async def _joined(self, workspace: Workspace, asked: Asked, table: CodeTable, hits: Sequence[Hit]) -> list[Placed]:
        opened = [path for path in dict.fromkeys(asked.files) if path in table.hashes]
        near = list(dict.fromkeys((*opened, *(hit.path for hit in hits[:SEEDS]))))
        found: dict[str, Mapping[str, tuple[float, str]]] = {}
        assert self.kernel is not None
        brought = [one for _, some in self.kernel.host.ask("register_rankers") for one in some]
        rankers: list[Ranker] = [*brought, GitRanker(self.kernel)]
        async with trio.open_nursery() as nursery:
            for ranker in rankers:
                nursery.start_soon(_asked, ranker, workspace, near, asked.question, found)
        by_words = Ranking("words", 1.0, [hit.path for hit in hits], {hit.path: _reason(hit) for hit in hits})
        by_open = Ranking("open", OPEN, opened, dict.fromkeys(opened, "open"))
        others = [
            ranking(ranker.name, ranker.weight, {path: one for path, one in said.items() if path in table.hashes})
            for ranker in rankers
            if (said := found.get(ranker.name))
        ]
        return joined([by_words, by_open, *others], asked.limit)


async def _asked(
    ranker: Ranker,
    workspace: Workspace,
    near: Sequence[str],
    question: str,
    found: dict[str, Mapping[str, tuple[float, str]]],
) -> None:
    with trio.move_on_after(SECONDS), suppress(ToolError):  # it knows nothing of this workspace
        found[ranker.name] = await ranker.rank(workspace, near, question)


def _hits(index: Index, table: CodeTable, question: str, limit: int) -> list[Hit]:
    index.update(table)
    return index.search(question, limit)


def _told(table: CodeTable, hits: dict[str, Hit], placed: Iterable[Placed]) -> list[Found]:
    found = []
    for one in placed:
        hit = hits.get(one.path) or Hit(one.path, 0, 0, 0.0, ())
        heads = _heads(table, hit)
        found.append(Found(one.path, hit.first, hit.last, one.score, hit.words, heads, one.reasons))
    return found


def _heads(table: CodeTable, hit: Hit) -> tuple[str, ...]:
    file = table.file(hit.path)
    symbols = file.symbols if file else ()
    if not hit.first:
        return tuple(one.head for one in symbols if not one.owner and one.kind not in ("field", "variable"))[:HEADS]
    inside = [one for one in symbols if hit.first <= one.line <= hit.last and one.kind not in ("field", "variable")]
    around = [one for one in symbols if one.first < hit.first and hit.last <= one.last]
    return tuple(one.head for one in (inside[:HEADS] or around[-1:]))


def _reason(hit: Hit) -> str:
    return f"words: {', '.join(hit.words)}"
