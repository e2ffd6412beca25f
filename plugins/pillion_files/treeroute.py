"""The names of a session's files over HTTP."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Annotated, Literal

import trio
from msgspec import Meta, Struct
from quart import Blueprint, Response

from pillion import Kernel, ToolError
from pillion_http.routes import answer, read_query

from .ground import SessionGround
from .listing import SECONDS, Tree, tree
from .ripgrep import Ripgrep

View = Callable[[str], Awaitable[Response]]


class TreeQuery(Struct, frozen=True):
    """GET …/tree. `depth` levels of `folder`; `hidden` and `ignored`: such files, too."""

    folder: str = ""
    depth: Annotated[int, Meta(ge=1, le=20)] = 2
    hidden: bool = False
    ignored: bool = False
    limit: Annotated[int, Meta(ge=1, le=5000)] = 1000
    cursor: str = ""


class TreeEntry(Struct, frozen=True):
    """`files`: of a folder, how many are below it that this answer does not name, since they lie deeper."""

    path: str
    kind: Literal["file", "folder"]
    files: int = 0


class TreePage(Struct, frozen=True):
    """By path. Not `complete`: there are so many files that not all were looked at."""

    folder: str
    data: Sequence[TreeEntry]
    complete: bool
    next_cursor: str | None


def blueprint(kernel: Kernel, ripgrep: Ripgrep) -> Blueprint:
    routes = Blueprint("workspace_tree", __name__, url_prefix="/api/sessions/<id>/tree")
    routes.get("")(_tree(kernel, ripgrep))
    return routes


def _tree(kernel: Kernel, ripgrep: Ripgrep) -> View:
    async def show_tree(id: str) -> Response:
        """Files and folders, page by page, without those that ignore rules name; what editors hold is among them."""
        query = read_query(TreeQuery)
        ground = SessionGround(kernel, await kernel.session(id))
        with trio.move_on_after(SECONDS):
            hidden, ignored = query.hidden, query.ignored
            found = await tree(ripgrep, ground, query.folder, query.depth, hidden=hidden, ignored=ignored)
            return _page(found, query)
        raise ToolError(f"Looking at the files took more than {SECONDS:g} s.")

    show_tree.openapi = {  # type: ignore[attr-defined]
        "query": TreeQuery,
        "answers": {200: TreePage},
        "errors": (409,),
    }
    return show_tree


def _page(found: Tree, query: TreeQuery) -> Response:
    entries = sorted({entry.path: entry for entry in _entries(found)}.values(), key=lambda entry: entry.path)
    start = bisect_right(entries, query.cursor, key=lambda entry: entry.path)
    page = entries[start : start + query.limit]
    more = start + query.limit < len(entries)
    said = TreePage(found.folder, page, found.complete, page[-1].path if more else None)
    return answer(said)


def _entries(found: Tree) -> Iterator[TreeEntry]:
    """The folders on the way first, so that what is known of one itself takes their place."""
    folders = {name[:at] for name in found.names for at, sign in enumerate(name) if sign == "/"}
    below = found.folder + "/" if found.folder else ""
    yield from (TreeEntry(path, "folder") for path in folders if path.startswith(below) and path != found.folder)
    for name, files in found.names.items():
        yield TreeEntry(name.rstrip("/"), "folder", files) if name.endswith("/") else TreeEntry(name, "file")
