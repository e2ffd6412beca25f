"""GET /api/git/statistics."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated

import msgspec
import trio
from msgspec import Meta, Struct
from quart import Blueprint, Response

from pillion import ConfigError, Kernel
from pillion_http.routes import JSON, read_query

from .repository import FolderGround
from .scores import FileScore
from .statistics import Statistics, below


class StatisticsQuery(Struct, frozen=True):
    """`workspace` is a folder, absolute. `commits` and `files`: of how many is told. `wait`: so many seconds, then what
    is known by then is told."""

    workspace: Annotated[str, Meta(min_length=1, max_length=4096)]
    commits: Annotated[int, Meta(ge=0, le=1000)] = 50
    files: Annotated[int, Meta(ge=0, le=5000)] = 200
    wait: Annotated[float, Meta(ge=0, le=300)] = 30.0


class CommitShown(Struct, frozen=True):
    """`time` is the committer's, seconds since 1970; lines are seen from the first parent."""

    commit: str
    author: str
    email: str
    time: int
    title: str
    body: str
    files: int
    insertions: int
    deletions: int


class StatisticsPage(Struct, frozen=True):
    """`counted` of the `commits_in_all` that are looked at; not `complete`: it goes on. `commits`: the newest;
    `files`: those with the highest score."""

    workspace: str
    complete: bool
    counted: int
    commits_in_all: int
    commits: Sequence[CommitShown]
    files: Sequence[FileScore]


def blueprint(kernel: Kernel, running: Callable[[], Statistics | None]) -> Blueprint:
    routes = Blueprint("git_statistics", __name__)

    async def show_statistics() -> Response:
        """What the commits of a folder's repository changed, and which files change often and lately.

        Counted are the commits on the row of first parents; what is counted once is kept. 422 `config` where the store
        is no database.
        """
        query = read_query(StatisticsQuery)
        statistics = running()
        if statistics is None:
            raise ConfigError("There are no statistics: the store is no database.", key="defaults.store")
        ground = FolderGround(kernel, query.workspace)
        top, progress = await statistics.update(ground, query.wait)
        root = str(ground.workspace.root)
        commits = [
            CommitShown(c.commit, c.author, c.email, c.time, c.title, c.body, c.files, c.insertions, c.deletions)
            for c in await statistics.newest(top, query.commits)
        ]
        files = (await statistics.files(top, below(top, root)))[: query.files]
        said = StatisticsPage(root, progress.complete, progress.done, progress.commits, commits, files)
        body = await trio.to_thread.run_sync(msgspec.json.encode, said)
        return Response(kernel.secrets.redact_bytes(body), content_type=JSON)

    show_statistics.openapi = {  # type: ignore[attr-defined]
        "query": StatisticsQuery,
        "answers": {200: StatisticsPage},
        "errors": (404, 422, 503),
    }
    routes.get("/api/git/statistics")(show_statistics)
    return routes
