"""Searches of workspaces, their indexes kept warm: by words, or by all that says which files matter."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import trio
from msgspec import Struct

from pillion import Kernel, ToolError, Workspace
from pillion.contracts.code import CodeTable

from .bm25 import Hit, Index
from .churn import GitRanker, TogetherRanker
from .embedding import Embedder, Embedding
from .hookspecs import Ranker
from .ranking import Placed, Ranking, joined, ranking

if TYPE_CHECKING:
    from .vectors import Near

HEADS = 3
"""Definitions of a piece that are named."""
POOL = 100
"""Files by words that have a place in a joint list."""
SEEDS = 5
"""The first of them, round which other files matter."""
ALIKE = 0.15
"""A cosine below which a piece has nothing to do with the question."""
MEANT = 1.0
"""What it counts to be the closest by vectors."""
OPEN = 0.5
"""What it counts that somebody has a file open."""
SECONDS = 2.0
"""For each who says what matters; without an answer by then the list is made without it."""

By = Literal["words", "meaning", "all"]
Note = Callable[[str, float], None]


class Asked(Struct, frozen=True):
    """A search. `files` are what it is about: those that somebody has open. `by`: words alone, words
    and vectors, or all that is known."""

    question: str
    limit: int = 10
    by: By = "words"
    files: tuple[str, ...] = ()


class Found(Struct, frozen=True):
    """A file with its best piece, lines from 1; 0 and 0: none has a word of the question, or a vector. `words` are
    those that it has, the rarest first; `heads` are of what is defined there; `reasons` say why the file stands where
    it does."""

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
        self.embedding = Embedding()

    async def find(self, workspace: Workspace, asked: Asked, note: Note | None = None) -> list[Found]:
        """The best first. Raises ToolError where nobody knows the code, or `meaning` is asked for and nobody makes
        vectors."""
        table = await self.table(workspace, note)
        pool = asked.limit if asked.by == "words" else max(POOL, asked.limit)
        lock, index = self._indexes.setdefault(workspace.root, (trio.Lock(), Index()))
        async with lock:
            hits = await trio.to_thread.run_sync(_hits, index, table, asked.question, pool)
        if asked.by == "words":
            placed = [Placed(hit.path, hit.score, (_reason(hit),)) for hit in hits]
        else:
            near = await self._meant(workspace, asked, table, hits)
            placed = await self._joined(workspace, asked, table, hits, near)
            hits += [Hit(one.path, one.first, one.last, 0.0, ()) for one in near]
        return await trio.to_thread.run_sync(_told, table, hits, placed)

    def embedder(self) -> Embedder | None:
        """Who makes vectors; the first that plugins bring."""
        brought = self.kernel.host.ask("register_embedders") if self.kernel else ()
        return next((one for _, some in brought for one in some), None)

    async def embedded(self, workspace: Workspace) -> float | None:
        """Which share of the files has vectors; None: nobody makes any. Raises ToolError."""
        embedder = self.embedder()
        if embedder is None:
            return None
        return self.embedding.share(embedder, workspace, await self.table(workspace))

    async def table(self, workspace: Workspace, note: Note | None = None) -> CodeTable:
        """Raises ToolError where nobody knows the code."""
        code = self.kernel.catalog.code() if self.kernel else None
        if code is None:
            raise ToolError("Nobody knows the code of this workspace: the plugin syntax is off.")
        return await code.table(workspace, note)

    async def _meant(self, workspace: Workspace, asked: Asked, table: CodeTable, hits: Sequence[Hit]) -> list[Near]:
        embedder = self.embedder() if asked.question.strip() else None
        if embedder is None:
            if asked.by == "meaning":
                raise ToolError("Nobody makes vectors of code: the plugin minilm is off, or its model not installed.")
            return []
        try:
            first = [hit.path for hit in hits]
            must = asked.by == "meaning"
            near = await self.embedding.nearest(embedder, workspace, table, asked.question, first, POOL, must=must)
        except ToolError:
            if asked.by == "meaning":
                raise
            return []
        return [one for one in near if one.alike >= ALIKE]

    async def _joined(
        self, workspace: Workspace, asked: Asked, table: CodeTable, hits: Sequence[Hit], alike: Sequence[Near]
    ) -> list[Placed]:
        by_words = Ranking("words", 1.0, [hit.path for hit in hits], {hit.path: _reason(hit) for hit in hits})
        by_meaning = Ranking(
            "meaning", MEANT, [one.path for one in alike], {one.path: f"alike by {one.alike:.2f}" for one in alike}
        )
        if asked.by == "meaning":
            return joined([by_words, by_meaning], asked.limit)
        opened = [path for path in dict.fromkeys(asked.files) if path in table.hashes]
        near = list(dict.fromkeys((*opened, *(hit.path for hit in hits[:SEEDS]))))
        found: dict[str, Mapping[str, tuple[float, str]]] = {}
        assert self.kernel is not None
        brought = [one for _, some in self.kernel.host.ask("register_rankers") for one in some]
        rankers: list[Ranker] = [*brought, GitRanker(self.kernel), TogetherRanker(self.kernel)]
        async with trio.open_nursery() as nursery:
            for ranker in rankers:
                nursery.start_soon(_asked, ranker, workspace, near, asked.question, found)
        by_open = Ranking("open", OPEN, opened, dict.fromkeys(opened, "open"))
        others = [
            ranking(ranker.name, ranker.weight, {path: one for path, one in said.items() if path in table.hashes})
            for ranker in rankers
            if (said := found.get(ranker.name))
        ]
        return joined([by_words, by_meaning, by_open, *others], asked.limit)


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


def _told(table: CodeTable, hits: Iterable[Hit], placed: Iterable[Placed]) -> list[Found]:
    """`hits`: of one file the first counts."""
    best: dict[str, Hit] = {}
    for hit in hits:
        best.setdefault(hit.path, hit)
    found = []
    for one in placed:
        hit = best.get(one.path) or Hit(one.path, 0, 0, 0.0, ())
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
