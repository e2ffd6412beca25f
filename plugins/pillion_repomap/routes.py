"""GET /api/sessions/{id}/repomap."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated

from msgspec import Meta, Struct
from quart import Blueprint, Response

from pillion import Kernel
from pillion.overlay import seen
from pillion_http.routes import answer, read_query

from .maps import Maps, Wanted
from .tool import quarter

View = Callable[[str], Awaitable[Response]]


class MapQuery(Struct, frozen=True):
    """GET …/repomap. `budget`: tokens, a quarter of the characters. `files` and `names`, with commas between, are what
    it is about."""

    budget: Annotated[int, Meta(ge=1, le=100_000)] = 1024
    files: str = ""
    names: str = ""


class MapView(Struct, frozen=True):
    """`shown` are the files in `text`, what matters most first; `files` have been looked at."""

    text: str
    tokens: int
    files: int
    shown: Sequence[str]


def blueprint(kernel: Kernel, maps: Maps) -> Blueprint:
    routes = Blueprint("repomap", __name__, url_prefix="/api/sessions/<id>")
    routes.get("/repomap")(_map(kernel, maps))
    return routes


def _map(kernel: Kernel, maps: Maps) -> View:
    async def show_repomap(id: str) -> Response:
        """The definitions of the workspace that matter most for some files and names, as large as the budget allows."""
        query = read_query(MapQuery)
        session = await kernel.session(id)
        workspace = seen(kernel.catalog.workspace(session.info.workspace), session.overlays)
        wanted = Wanted(tuple(filter(None, query.files.split(","))), tuple(filter(None, query.names.split(","))))
        found = await maps.make(workspace, wanted, query.budget, quarter)
        body = MapView(found.text, quarter(found.text), found.files, found.shown)
        return answer(body)

    show_repomap.openapi = {  # type: ignore[attr-defined]
        "query": MapQuery,
        "answers": {200: MapView},
        "errors": (409, 422),
    }
    return show_repomap
