"""The door to how often and how lately each file of a workspace was committed, and with which others, for plugins that
rank files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from pillion import Kernel


class FileScore(Struct, frozen=True):
    """A file that is there. `commits` touched it, the last at `time` (seconds since 1970). `activity` and `recency` are
    its rank by these among all files with a history, from 1/n to 1, files that are equal sharing the higher one;
    `score` is the mean of both."""

    path: str
    commits: int
    insertions: int
    deletions: int
    time: int
    activity: float
    recency: float
    score: float


class FileTogether(Struct, frozen=True):
    """A file that was committed with another one, by so many `commits`; in `share` each of them counts less the more
    files it has."""

    path: str
    commits: int
    share: float


LARGEST = 30
"""Files of a commit that says something of which belong together."""


async def together(
    kernel: Kernel, workspace: str, paths: Sequence[str], seconds: float = 0.0
) -> Mapping[str, Sequence[FileTogether]]:
    """By each of these paths the files of the folder (absolute) that were committed with it, in commits of at most
    LARGEST files; also such as are gone. `seconds`, and what is empty, as of `scores`.
    Raises NotFound where the folder is gone, StoreFailed.
    """
    running = getattr(kernel.host.plugins().get("git"), "statistics", None)
    if running is None:
        return {}
    found: Mapping[str, Sequence[FileTogether]] = await running.together(workspace, paths, LARGEST, seconds)
    return found


async def scores(kernel: Kernel, workspace: str, seconds: float = 0.0) -> Sequence[FileScore]:
    """The files of a folder (absolute) that are there and have been committed, the highest score first, paths relative
    to it.

    They come from the database, so a call costs no look into the history: what has been committed since is counted
    beside it, and is in the next answer, or in this one where it takes no longer than `seconds`. Empty where there are
    none: the plugin is off, the store is no database, or the folder is in no repository that can be read.
    Raises NotFound where the folder is gone, StoreFailed.
    """
    running = getattr(kernel.host.plugins().get("git"), "statistics", None)
    if running is None:
        return ()
    found: Sequence[FileScore] = await running.scores(workspace, seconds)
    return found
