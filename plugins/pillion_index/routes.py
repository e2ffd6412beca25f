"""GET /api/sessions/{id}/search."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated

import msgspec
from msgspec import Meta, Struct
from quart import Blueprint, Response

from pillion import Kernel
from pillion.overlay import seen
from pillion_http.routes import answer, read_query

from .searches import Asked, By, Searches

View = Callable[[str], Awaitable[Response]]


class CodeQuery(Struct, frozen=True):
    """GET …/search. `q` are words; names count by their parts. `by`: words alone, words and `meaning`, or
    `all` that says which files matter. `files`, with commas between, are what it is about."""

    q: Annotated[str, Meta(min_length=1)]
    limit: Annotated[int, Meta(ge=1, le=100)] = 10
    by: By = "words"
    files: str = ""


class Result(Struct, frozen=True):
    """The best piece of a file, its lines from 1: `words` of the question are in it, `heads` are of what is
    defined there. 0 and 0: no piece has any. `reasons` say why the file stands where it does."""

    path: str
    first: int
    last: int
    score: float
    words: Sequence[str]
    heads: Sequence[str]
    reasons: Sequence[str]


class Results(Struct, frozen=True):
    """The best first. `embedded`: which share of the files has vectors by now, null: nobody makes any."""

    data: Sequence[Result]
    embedded: float | None


def blueprint(kernel: Kernel, searches: Searches) -> Blueprint:
    routes = Blueprint("code_search", __name__, url_prefix="/api/sessions/<id>")
    routes.get("/search")(_search(kernel, searches))
    return routes


def _search(kernel: Kernel, searches: Searches) -> View:
    async def search_code(id: str) -> Response:
        """The files of the workspace that are about some words, or matter for them, the best first."""
        query = read_query(CodeQuery)
        session = await kernel.session(id)
        opened = [*filter(None, query.files.split(",")), *(one.path for one in session.overlays.all())]
        asked = Asked(query.q, query.limit, query.by, tuple(opened))
        workspace = seen(kernel.catalog.workspace(session.info.workspace), session.overlays)
        found = await searches.find(workspace, asked)
        data = [msgspec.convert(one, Result, from_attributes=True) for one in found]
        return answer(Results(data, await searches.embedded(workspace)))

    search_code.openapi = {  # type: ignore[attr-defined]
        "query": CodeQuery,
        "answers": {200: Results},
        "errors": (409, 422),
    }
    return search_code
