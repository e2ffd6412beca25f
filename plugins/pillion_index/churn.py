"""Files by how often and how lately they were committed, where git's statistics are kept."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from pillion import Kernel, NotFound, StoreFailed, Workspace
from pillion_git.scores import FileScore, scores

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


def _why(one: FileScore, now: float) -> str:
    days = max(0, int((now - one.time) // DAY))
    ago = "today" if not days else "yesterday" if days == 1 else f"{days} days ago"
    return f"{one.commits} commit{'s' if one.commits > 1 else ''}, the last {ago}"
