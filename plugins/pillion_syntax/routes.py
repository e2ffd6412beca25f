"""GET /api/sessions/{id}/outline and …/chunks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from importlib import import_module
from typing import Annotated

import msgspec
from msgspec import Meta, Struct
from quart import Blueprint, Response

from pillion import Kernel, Workspace
from pillion.overlay import seen
from pillion_http.routes import JSON, answer, preferred, read_query

from .lines import Span
from .reading import Reader

PLAIN = "text/plain"
View = Callable[[str], Awaitable[Response]]


class OutlineQuery(Struct, frozen=True):
    """GET …/outline. `line`: the answer's `enclosing` is the innermost definition that it stands in."""

    path: str
    line: Annotated[int, Meta(ge=1)] | None = None


class Definition(Struct, frozen=True):
    """`parent` is the place in `data` of what it stands in, -1 at the top; `owner` their names. `span` has decorators
    in it, `naming` is the name alone. Bytes are of the text as UTF-8, from 0; lines are from 1, `last` among them."""

    kind: str
    name: str
    owner: str
    parent: int
    span: Span
    naming: Span
    body: Span | None
    decorators: Sequence[str]
    doc: str


class OutlineView(Struct, frozen=True):
    """`hash` is the file's (SHA-256, hex); `valid`: its syntax has no error."""

    path: str
    hash: str
    language: str
    valid: bool
    data: Sequence[Definition]
    enclosing: int | None


class ChunksQuery(Struct, frozen=True):
    """GET …/chunks."""

    path: str


class Chunk(Struct, frozen=True):
    """`start` and `end` are bytes of the text as UTF-8, `first` and `last` its lines."""

    start: int
    end: int
    first: int
    last: int
    text: str


class ChunksView(Struct, frozen=True):
    """Their texts, put together, are the file's. `language` is "" where no grammar is known for it."""

    path: str
    hash: str
    language: str
    data: Sequence[Chunk]


def blueprint(kernel: Kernel, reader: Reader) -> Blueprint:
    routes = Blueprint("code", __name__, url_prefix="/api/sessions/<id>")
    routes.get("/outline")(_outline(kernel, reader))
    routes.get("/chunks")(_chunks(kernel, reader))
    return routes


def _outline(kernel: Kernel, reader: Reader) -> View:
    async def show_outline(id: str) -> Response:
        """What a file defines: classes, functions, methods, fields and imports, with their places.

        As JSON, or with `Accept: text/plain` as the model is shown it.
        """
        query, form = read_query(OutlineQuery), preferred(JSON, PLAIN)
        found = await reader.outline(await ground(kernel, id), query.path)
        if form == PLAIN:
            text = "\n".join(import_module(f"{__package__}.compressed").compressed(found))
            return Response(text, headers={"vary": "Accept"}, content_type="text/plain; charset=utf-8")
        data = [msgspec.convert(node, Definition, from_attributes=True) for node in found.nodes]
        around = _around(query.line, data) if query.line else None
        body = OutlineView(found.path, found.hash, found.language, found.valid, data, around)
        return Response(msgspec.json.encode(body), headers={"vary": "Accept"}, content_type=JSON)

    show_outline.openapi = {  # type: ignore[attr-defined]
        "query": OutlineQuery,
        "answers": {200: {JSON: OutlineView, PLAIN: str}},
        "sends": {"vary": "`Accept`: there are two forms."},
        "errors": (406, 409, 422),
    }
    return show_outline


def _chunks(kernel: Kernel, reader: Reader) -> View:
    async def show_chunks(id: str) -> Response:
        """A file cut into pieces at its syntax; put together they are its text."""
        query = read_query(ChunksQuery)
        found = await reader.chunks(await ground(kernel, id), query.path)
        data = [
            Chunk(one.start, one.end, one.first, one.last, found.text[one.start : one.end].decode("utf-8", "replace"))
            for one in found.pieces
        ]
        body = ChunksView(found.path, found.hash, found.language, data)
        return answer(body)

    show_chunks.openapi = {  # type: ignore[attr-defined]
        "query": ChunksQuery,
        "answers": {200: ChunksView},
        "errors": (409, 422),
    }
    return show_chunks


def _around(line: int, data: Sequence[Definition]) -> int | None:
    found = [n for n, one in enumerate(data) if one.kind != "import" and one.span.first <= line <= one.span.last]
    return max(found, key=lambda n: (data[n].span.start, -data[n].span.end), default=None)


async def ground(kernel: Kernel, id: str) -> Workspace:
    """The session's workspace, an editor's unsaved texts over the disk. Raises NotFound."""
    session = await kernel.session(id)
    return seen(kernel.catalog.workspace(session.info.workspace), session.overlays)
