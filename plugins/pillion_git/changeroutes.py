"""What a person changes in a session's repository over HTTP: what is staged, commits, stashes.

It is the person's own work: nobody is asked, and files that it changes stand in the log as `file.changed`, in no turn.
"""

from __future__ import annotations

import time
from typing import Annotated

from msgspec import Meta, Struct
from quart import Blueprint, Response

from pillion import Kernel
from pillion_http.routes import read_body, read_query

from .asked import AskedCommit, AskedStage, RelativePath
from .ground import SessionGround
from .repository import Git
from .routes import Answers
from .stashes import Stashes
from .values import Done
from .values import Stashes as Listed

STASH = {"stash": "How the hash of its commit begins."}


class NewStaged(Struct, frozen=True, forbid_unknown_fields=True):
    """POST …/git/stage. Files and folders, none for the whole workspace. `undo`: they are taken out of what is staged,
    and stay as they are."""

    paths: Annotated[tuple[RelativePath, ...], Meta(max_length=1000)] = ()
    undo: bool = False


class NewCommit(Struct, frozen=True, forbid_unknown_fields=True):
    """POST …/git/commits. A title in one line; more behind a blank line."""

    message: Annotated[str, Meta(min_length=1, max_length=20_000)]


class NewStash(Struct, frozen=True, forbid_unknown_fields=True):
    """POST …/git/stashes. What it is, in one line; without it git's own words."""

    message: Annotated[str, Meta(max_length=500)] = ""


class UnstashQuery(Struct, frozen=True):
    """POST …/git/stashes/{stash}/apply. `keep`: it stays among the stashes, too."""

    keep: bool = False


def blueprint(kernel: Kernel, git: Git, seconds: float) -> Blueprint:
    routes = Blueprint("git_changes", __name__, url_prefix="/api/sessions/<id>/git")
    answered, kept = Answers(kernel, seconds), Stashes(git)

    async def post_stage(id: str) -> Response:
        """Stages files as they are now, or takes them out of what is staged. Protected files are left out."""
        given = await read_body(NewStaged, empty=NewStaged())

        async def work(ground: SessionGround) -> Done:
            files = await git.select(ground, given.paths, undo=given.undo)
            return await git.stage(ground, AskedStage(tuple(files), given.undo))

        return await answered(id, work)

    async def post_commit(id: str) -> Response:
        """Commits what is staged, on the branch that is checked out. No hook runs, and nothing is signed."""
        given = await read_body(NewCommit)
        zone = time.localtime(now := time.time()).tm_gmtoff // 60
        return await answered(id, lambda ground: git.commit(ground, AskedCommit(given.message, int(now), zone)), 201)

    async def list_stashes(id: str) -> Response:
        """What has been put aside, the newest first."""
        return await answered(id, kept.list)

    async def post_stash(id: str) -> Response:
        """Puts aside what is staged and changed: the files are then as the last commit has them."""
        given = await read_body(NewStash, empty=NewStash())
        return await answered(id, lambda ground: kept.save(ground, " ".join(given.message.split())), 201)

    async def apply_stash(id: str, stash: str) -> Response:
        """Puts a stash back, all of it or, where a file has changed since, nothing; then it is forgotten."""
        query = read_query(UnstashQuery)
        return await answered(id, lambda ground: kept.put_back(ground, stash, keep=query.keep))

    async def delete_stash(id: str, stash: str) -> Response:
        """Forgets a stash. What it held is gone."""
        return await answered(id, lambda ground: kept.drop(ground, stash))

    said = {"errors": (403, 409, 422)}
    post_stage.openapi = said | {"body": NewStaged, "body_optional": True, "answers": {200: Done}}  # type: ignore[attr-defined]
    post_commit.openapi = said | {"body": NewCommit, "answers": {201: Done}}  # type: ignore[attr-defined]
    list_stashes.openapi = said | {"answers": {200: Listed}}  # type: ignore[attr-defined]
    post_stash.openapi = said | {"body": NewStash, "body_optional": True, "answers": {201: Done}}  # type: ignore[attr-defined]
    apply_stash.openapi = said | {"path": STASH, "query": UnstashQuery, "answers": {200: Done}}  # type: ignore[attr-defined]
    delete_stash.openapi = said | {"path": STASH, "answers": {200: Done}}  # type: ignore[attr-defined]
    routes.post("/stage")(post_stage)
    routes.post("/commits")(post_commit)
    routes.get("/stashes")(list_stashes)
    routes.post("/stashes")(post_stash)
    routes.post("/stashes/<stash>/apply")(apply_stash)
    routes.delete("/stashes/<stash>")(delete_stash)
    return routes
