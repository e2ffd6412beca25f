"""Files by how often and how lately they were committed, and by what they were committed with, where git's statistics
are kept."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence

from pillion import Kernel, NotFound, StoreFailed, Workspace
from pillion_git.scores import FileScore, scores, together

SECONDS = 1.0
"""For counting what has been committed since; of a small repository that is all."""
MOST = 100
DAY = 24 * 3600


class GitRanker:
    """The door of the plugin git as a Ranker; where that is off, nothing."""

    name = "git"
    weight = 0.25

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel

    async def rank(self, workspace: Workspace, near: Sequence[str], question: str) -> Mapping[str, tuple[float, str]]:
        try:
            found = await scores(self._kernel, str(workspace.root), SECONDS)
        except (NotFound, StoreFailed):
            return {}
        return {one.path: (one.score, _why(one, time.time())) for one in found[:MOST]}


class TogetherRanker:
    """Those that were committed with the files in question: they change with them, whatever uses whom."""

    name = "together"
    weight = 0.5

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel

    async def rank(self, workspace: Workspace, near: Sequence[str], question: str) -> Mapping[str, tuple[float, str]]:
        try:
            found = await together(self._kernel, str(workspace.root), near, SECONDS)
        except (NotFound, StoreFailed):
            return {}
        shares: dict[str, float] = defaultdict(float)
        best: dict[str, tuple[float, str]] = {}
        for path, others in found.items():
            for one in others:
                shares[one.path] += one.share
                if one.share > best.get(one.path, (0.0, ""))[0]:
                    best[one.path] = one.share, f"{_times(one.commits)} with {path}"
        order = sorted(shares, key=lambda path: (-shares[path], path))[:MOST]
        return {path: (shares[path], best[path][1]) for path in order}


def _times(commits: int) -> str:
    return f"{commits} commit{'s' if commits > 1 else ''}"


def _why(one: FileScore, now: float) -> str:
    days = max(0, int((now - one.time) // DAY))
    ago = "today" if not days else "yesterday" if days == 1 else f"{days} days ago"
    return f"{_times(one.commits)}, the last {ago}"
