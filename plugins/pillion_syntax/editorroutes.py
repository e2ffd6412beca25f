"""POST /api/tree_sitter/…: what an editor asks of a text that it sends along. The shapes are Aide's sidecar's."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from importlib import import_module
from typing import Annotated, Any

import trio
from msgspec import Meta, Struct
from quart import Blueprint, Response

from pillion_http.routes import answer, read_body

from .reading import Reader

Number = Annotated[int, Meta(ge=0, le=2**53)]
View = Callable[[], Awaitable[Response]]


class Source(Struct, frozen=True):
    """A text, and its language as editors name it."""

    language: str
    source: str


class Documentation(Struct, frozen=True):
    """Texts as they stand there, marks of comments and quotes among them."""

    documentation: Sequence[str]


class Position(Struct, frozen=True, rename="camel"):
    """All from 0: `line`, `character` (Unicode, in its line), `byteOffset` (of the text as UTF-8)."""

    line: Number
    character: Number
    byte_offset: Number


class Range(Struct, frozen=True, rename="camel"):
    """The end is not in it."""

    start_position: Position
    end_position: Position


class Document(Struct, frozen=True):
    """`text`, in `language`; what else an editor says of it is not needed."""

    text: str
    language: str


class Diagnostic(Struct, frozen=True):
    """A place, the text that it is in, and how many lines more on either side are wanted at most."""

    range: Range
    text_document_web: Document
    threshold_to_expand: Number = 0


class Around(Struct, frozen=True):
    """What the place stands in; the place itself where the language is not known."""

    range: Range


class Fault(Struct, frozen=True):
    """`line` and `column` are from 1."""

    line: int
    column: int
    message: str


class Validity(Struct, frozen=True):
    """Is there no error? Of a language that is not known it can't be said: `valid` is false, `errors` empty."""

    valid: bool
    errors: Sequence[Fault]


class Xml(Struct, frozen=True):
    """A text that may be XML."""

    input: str


class XmlValidity(Struct, frozen=True):
    """Is it a document, or elements one after the other?"""

    valid: bool


def blueprint(reader: Reader) -> Blueprint:
    routes = Blueprint("tree_sitter", __name__, url_prefix="/api/tree_sitter")
    routes.post("/documentation_parsing")(_documentation(reader))
    routes.post("/diagnostic_parsing")(_diagnostic(reader))
    routes.post("/tree_sitter_valid")(_valid(reader))
    routes.post("/valid_xml")(_xml())
    return routes


def _documentation(reader: Reader) -> View:
    async def parse_documentation() -> Response:
        """The comments and strings of a text that document it."""
        asked = await read_body(Source)
        language = reader.known(asked.language)
        found = await _made("documentation", language, asked.source) if language else []
        return answer(Documentation(found))

    parse_documentation.openapi = _told(Source, Documentation, {"language": "python", "source": "# A lamp.\nx = 1\n"})  # type: ignore[attr-defined]
    return parse_documentation


def _diagnostic(reader: Reader) -> View:
    async def parse_diagnostic() -> Response:
        """The construct that a place of a text stands in, for a model to mend."""
        asked = await read_body(Diagnostic)
        language = reader.known(asked.text_document_web.language)
        if language is None:
            return answer(Around(asked.range))
        text, place = asked.text_document_web.text, asked.range
        start, end = place.start_position.byte_offset, place.end_position.byte_offset
        found = await _made("construct", language, text, start, end, asked.threshold_to_expand)
        return answer(Around(_range(text.encode("utf-8", "replace"), *found) if found != (start, end) else place))

    at = {"line": 0, "character": 4, "byteOffset": 4}
    example = {
        "range": {"startPosition": at, "endPosition": at},
        "text_document_web": {"text": "x = y\n", "language": "python"},
        "threshold_to_expand": 5,
    }
    parse_diagnostic.openapi = _told(Diagnostic, Around, example)  # type: ignore[attr-defined]
    return parse_diagnostic


def _valid(reader: Reader) -> View:
    async def check_syntax() -> Response:
        """Is the syntax of a text right? With the places of the errors."""
        asked = await read_body(Source)
        language = reader.known(asked.language)
        found = await trio.to_thread.run_sync(_errors, language, asked.source) if language else None
        faults = [Fault(*one) for one in found or ()]
        return answer(Validity(found is not None and not faults, faults))

    check_syntax.openapi = _told(Source, Validity, {"language": "python", "source": "def f(:\n"})  # type: ignore[attr-defined]
    return check_syntax


def _xml() -> View:
    async def check_xml() -> Response:
        """Is a text XML?"""
        asked = await read_body(Xml)
        return answer(XmlValidity(await _made("is_xml", asked.input)))

    check_xml.openapi = _told(Xml, XmlValidity, {"input": "<lamp/>"})  # type: ignore[attr-defined]
    return check_xml


def _told(asked: type[Struct], answered: type[Struct], example: Any) -> dict[str, Any]:
    return {"body": asked, "answers": {200: answered}, "errors": (), "example": example}


async def _made(what: str, *arguments: Any) -> Any:
    return await trio.to_thread.run_sync(lambda: getattr(import_module(f"{__package__}.asides"), what)(*arguments))


def _errors(language: Any, source: str) -> Any:
    return import_module(f"{__package__}.parsing").errors(language, source)


def _range(data: bytes, start: int, end: int) -> Range:
    def position(byte: int) -> Position:
        line = data.rfind(b"\n", 0, byte) + 1
        return Position(data.count(b"\n", 0, byte), len(data[line:byte].decode("utf-8", "replace")), byte)

    return Range(position(start), position(end))
