"""GET /api/sessions/{id}/symbols."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated

import trio
from msgspec import Meta, Struct
from quart import Blueprint, Response

from pillion import Kernel
from pillion_http.routes import answer, read_query

from .indexing import Indexes, Table
from .matching import definitions, uses
from .routes import ground

View = Callable[[str], Awaitable[Response]]


class SymbolsQuery(Struct, frozen=True):
    """GET …/symbols. `name`, or `Owner.name`, or a part of one; "" for all. `path`: only of that file, or folder."""

    name: str = ""
    kind: str = ""
    path: str = ""
    uses: bool = False
    limit: Annotated[int, Meta(ge=1, le=5000)] = 1000


class SymbolView(Struct, frozen=True):
    """`first` to `last` are its lines from 1, `line` that of its name; `head`: what it begins with."""

    path: str
    kind: str
    name: str
    owner: str
    first: int
    last: int
    line: int
    head: str


class UseView(Struct, frozen=True):
    """`kind`: call, type, import, name; or local, which means a parameter or variable of a function."""

    path: str
    kind: str
    lines: Sequence[int]


class SymbolsView(Struct, frozen=True):
    """`uses` are of the name alone, whatever object it is of: candidates for a new name. Not `complete`: of either
    there are more than `limit`. `files` have been looked at."""

    data: Sequence[SymbolView]
    uses: Sequence[UseView]
    complete: bool
    files: int


def blueprint(kernel: Kernel, indexes: Indexes) -> Blueprint:
    routes = Blueprint("symbols", __name__, url_prefix="/api/sessions/<id>")
    routes.get("/symbols")(_symbols(kernel, indexes))
    return routes


def _symbols(kernel: Kernel, indexes: Indexes) -> View:
    async def show_symbols(id: str) -> Response:
        """What the workspace's source files define, by name; and who uses that name.

        What an editor holds unsaved counts. The first time in a large folder takes long; what was read then is kept.
        """
        query = read_query(SymbolsQuery)
        table = await indexes.table(await ground(kernel, id))
        body = await trio.to_thread.run_sync(_view, table, query)
        return answer(body)

    show_symbols.openapi = {  # type: ignore[attr-defined]
        "query": SymbolsQuery,
        "answers": {200: SymbolsView},
        "errors": (409, 422),
    }
    return show_symbols


def _view(table: Table, query: SymbolsQuery) -> SymbolsView:
    if query.name:
        found = definitions(table, query.name, query.kind)
    else:
        files = [table.file(path) for path in sorted(table.hashes) if _within(path, query.path)]
        found = [
            (file.path, one) for file in files if file for one in file.symbols if query.kind in ("", one.kind)
        ]  # fmt: skip
    data = [
        SymbolView(path, one.kind, one.name, one.owner, one.first, one.last, one.line, one.head)
        for path, one in found
        if _within(path, query.path)
    ]
    used = [
        UseView(path, one.kind, one.lines)
        for path, some in (uses(table, query.name) if query.uses and query.name else ())
        for one in some
        if _within(path, query.path)
    ]
    limit = query.limit
    complete = len(data) <= limit and len(used) <= limit
    return SymbolsView(data[:limit], used[:limit], complete, len(table.hashes))


def _within(path: str, place: str) -> bool:
    return not place or path == place or path.startswith(f"{place.rstrip('/')}/")
