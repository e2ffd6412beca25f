"""A session's repository over HTTP."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import msgspec
import trio
from msgspec import Meta, Struct
from quart import Blueprint, Response

from pillion import Kernel, ToolError
from pillion_http.routes import JSON, read_query

from .asked import AskedBlame, AskedBranches, AskedDiff, AskedLog, AskedShow, AskedStatus, RelativePath, Revision
from .ground import SessionGround
from .repository import Git
from .values import Blame, Branches, Diff, Log, Shown, Status

PATH = {"path": "The file, relative to the session's workspace."}
Ask = Callable[[SessionGround], Awaitable[Any]]


class StatusQuery(Struct, frozen=True):
    """GET …/git/status. `each`: every untracked file, also in folders that are untracked whole."""

    each: bool = False


class DiffQuery(Struct, frozen=True):
    """GET …/git/diff. The folder and what is staged; `staged`: that and the last commit, or `base`; with `base` alone
    the folder and that commit, with `to` both commits."""

    path: RelativePath = ""
    staged: bool = False
    base: Revision = ""
    to: Revision = ""


class LogQuery(Struct, frozen=True):
    """GET …/git/log. From `revision` on, by default the last commit."""

    path: RelativePath = ""
    revision: Revision = ""
    limit: Annotated[int, Meta(ge=1, le=1000)] = 50
    skip: Annotated[int, Meta(ge=0, le=1_000_000)] = 0


class PathQuery(Struct, frozen=True):
    """GET …/git/commits/{revision}. `path`: only that file or folder of its diff."""

    path: RelativePath = ""


class BlameQuery(Struct, frozen=True):
    """GET …/git/blame/{path}. As the file is in the folder, or in `revision`; lines from 1, `end` 0: to the last."""

    revision: Revision = ""
    start: Annotated[int, Meta(ge=1)] = 1
    end: Annotated[int, Meta(ge=0)] = 0


class BranchesQuery(Struct, frozen=True):
    """GET …/git/branches. `remote`: those of remotes, too, as they were last fetched."""

    remote: bool = False


class Answers:
    """What a repository says to a route. `seconds` that it may take."""

    def __init__(self, kernel: Kernel, seconds: float) -> None:
        self._kernel, self._seconds = kernel, seconds

    async def __call__(self, id: str, ask: Ask, status: int = 200) -> Response:
        ground = SessionGround(self._kernel, await self._kernel.session(id))
        with trio.move_on_after(self._seconds):
            said = await trio.to_thread.run_sync(msgspec.json.encode, await ask(ground))
            return Response(self._kernel.secrets.redact_bytes(said), status, content_type=JSON)
        raise ToolError(f"The repository took more than {self._seconds:g} s.")


def blueprint(kernel: Kernel, git: Git, seconds: float) -> Blueprint:
    routes = Blueprint("git", __name__, url_prefix="/api/sessions/<id>/git")
    answered = Answers(kernel, seconds)

    async def show_status(id: str) -> Response:
        """What differs between the last commit, the index and the folder."""
        query = read_query(StatusQuery)
        return await answered(id, lambda ground: git.status(ground, AskedStatus(query.each)))

    async def show_git_diff(id: str) -> Response:
        """A patch of each file that differs. Of protected files only the names. Known secrets are masked."""
        query = read_query(DiffQuery)
        wanted = AskedDiff(query.staged, query.base, query.to, query.path)
        return await answered(id, lambda ground: git.diff(ground, wanted))

    async def show_log(id: str) -> Response:
        """Commits, the newest first."""
        query = read_query(LogQuery)
        wanted = AskedLog(query.revision, query.path, query.limit, query.skip)
        return await answered(id, lambda ground: git.log(ground, wanted))

    async def show_commit(id: str, revision: str) -> Response:
        """A commit, and what it changed, seen from its first parent."""
        query = read_query(PathQuery)
        wanted = AskedShow(revision, query.path)
        return await answered(id, lambda ground: git.show(ground, wanted))

    async def show_blame(id: str, path: str) -> Response:
        """Which commit the lines of a file come from."""
        query = read_query(BlameQuery)
        wanted = AskedBlame(path, query.revision, query.start, query.end)
        return await answered(id, lambda ground: git.blame(ground, wanted))

    async def list_branches(id: str) -> Response:
        """Branches with their last commits."""
        query = read_query(BranchesQuery)
        return await answered(id, lambda ground: git.branches(ground, AskedBranches(query.remote)))

    views: list[tuple[str, Any, type[Struct], type[Struct], dict[str, str]]] = [
        ("/status", show_status, StatusQuery, Status, {}),
        ("/diff", show_git_diff, DiffQuery, Diff, {}),
        ("/log", show_log, LogQuery, Log, {}),
        ("/commits/<path:revision>", show_commit, PathQuery, Shown, {"revision": "A branch, a tag or a hash."}),
        ("/blame/<path:path>", show_blame, BlameQuery, Blame, PATH),
        ("/branches", list_branches, BranchesQuery, Branches, {}),
    ]
    for rule, view, query, answer, path in views:
        view.openapi = {"query": query, "answers": {200: answer}, "errors": (409, 422)} | (
            {"path": path} if path else {}
        )
        routes.get(rule)(view)
    return routes
