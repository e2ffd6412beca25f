"""GET /api/sessions/{id}/around."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from importlib import import_module
from typing import Annotated, Any

import trio
from msgspec import Meta, Struct
from quart import Blueprint, Response

from pillion import Kernel
from pillion_http.routes import answer, read_query

from .meanings import Brought, Class, Function, Meaning, Nearby
from .reading import Reader
from .routes import ground

View = Callable[[str], Awaitable[Response]]


class AroundQuery(Struct, frozen=True):
    """GET …/around. `line` and `column` are from 1; columns are characters (Unicode)."""

    path: str
    line: Annotated[int, Meta(ge=1)]
    column: Annotated[int, Meta(ge=1)] = 1


class AroundView(Struct, frozen=True):
    """`meaning`: of the name that stands there. `names`: those near it, the nearest first. Both need a language's query
    for scopes."""

    path: str
    hash: str
    language: str
    meaning: Meaning | None
    function: Function | None
    holder: Class | None
    names: Sequence[Nearby]
    imports: Sequence[Brought]


def blueprint(kernel: Kernel, reader: Reader) -> Blueprint:
    routes = Blueprint("around", __name__, url_prefix="/api/sessions/<id>")
    routes.get("/around")(_around(kernel, reader))
    return routes


def _around(kernel: Kernel, reader: Reader) -> View:
    async def show_place(id: str) -> Response:
        """What stands round a place in a file: what the name there means, the function and the class that it is in, and
        names and imports near it."""
        query = read_query(AroundQuery)
        code = await reader.code(await ground(kernel, id), query.path)
        return answer(await trio.to_thread.run_sync(_view, code, query))

    show_place.openapi = {  # type: ignore[attr-defined]
        "query": AroundQuery,
        "answers": {200: AroundView},
        "errors": (409, 422),
    }
    return show_place


def _view(code: Any, query: AroundQuery) -> AroundView:
    here = import_module(f"{__package__}.around")  # tree-sitter
    found, byte = code.outlined, here.byte_at(code, query.line, query.column)
    return AroundView(
        found.path,
        found.hash,
        found.language,
        here.meaning(code, byte),
        here.function_at(code, byte),
        here.class_at(code, byte),
        here.nearby(code, byte),
        here.imports(code),
    )
