"""What other plugins may bring to a search: which files matter to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from pillion import Workspace, hookspec

from .embedding import Embedder


class Ranker(Protocol):
    """Knows of files how much they matter, for a reason that has nothing to do with their words.

    `weight`: what being its first counts for, where being the first by words counts 1. A search waits for it 2 seconds
    at most.
    """

    @property
    def name(self) -> str: ...
    @property
    def weight(self) -> float: ...

    async def rank(
        self, workspace: Workspace, near: Sequence[str], question: str, /
    ) -> Mapping[str, tuple[float, str]]:
        """By path how much it matters, in any measure, and why, in a few words or "" where that goes without saying;
        files that it knows nothing of are left out. `near` are those that somebody has open, or that a search by words
        has found. Raises ToolError."""
        ...


class IndexHooks:
    """Asked at each search."""

    @hookspec
    def register_embedders(self) -> Sequence[Embedder]:
        """Who makes vectors of texts, for searches by meaning: objects with `name`, in which its version is,
        `dimensions`, and `async embed(texts) -> [vector]`, each of length 1 as 32-bit numbers, the low byte first. The
        first one counts.

        It is given a few texts at a time, in the background, and what it makes is kept by the content of files.
        """

    @hookspec
    def register_rankers(self) -> Sequence[Ranker]:
        """Who says which files matter for a task: objects with `name`, `weight` and
        `async rank(workspace, near, question) -> {path: (how much, why)}`.

        A plugin that also works without this one marks its answer with `@hookimpl(optionalhook=True)`.
        """
