"""GET /api/sessions/{id}/search."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated

from msgspec import Meta, Struct
from quart import Blueprint, Response

from pillion import Kernel
from pillion_http.routes import answer, read_query

from .searching import Searches

View = Callable[[str], Awaitable[Response]]


class CodeQuery(Struct, frozen=True):
    """GET …/search. `q` are words; names count by their parts."""

    q: Annotated[str, Meta(min_length=1)]
    limit: Annotated[int, Meta(ge=1, le=100)] = 10


class Result(Struct, frozen=True):
    """The best piece of a file, its lines from 1: `words` of the question are in it, `heads` are of what is
    defined there."""

    path: str
    first: int
    last: int
    score: float
    words: Sequence[str]
    heads: Sequence[str]


class Results(Struct, frozen=True):
    """The best first."""

    data: Sequence[Result]


def blueprint(kernel: Kernel, searches: Searches) -> Blueprint:
    routes = Blueprint("code_search", __name__, url_prefix="/api/sessions/<id>")
    routes.get("/search")(_search(kernel, searches))
    return routes


def _search(kernel: Kernel, searches: Searches) -> View:
    async def search_code(id: str) -> Response:
        """The files of the workspace that are about some words, the best first, each with its best lines."""
        query = read_query(CodeQuery)
        workspace = kernel.catalog.workspace((await kernel.session(id)).info.workspace)
        found = await searches.find(workspace, query.q, query.limit)
        data = [
            Result(one.hit.path, one.hit.first, one.hit.last, one.hit.score, one.hit.words, one.heads) for one in found
        ]
        return answer(Results(data))

    search_code.openapi = {  # type: ignore[attr-defined]
        "query": CodeQuery,
        "answers": {200: Results},
        "errors": (409, 422),
    }
    return search_code
