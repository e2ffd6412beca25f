"""The page's files as they stand in the package, sent with headers that let them do little."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from msgspec import Struct
from quart import Blueprint, Response, abort, request

FILES = Path(__file__).with_name("static")
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
HEADERS = {
    "cache-control": "no-cache",
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
}


class File(Struct, frozen=True):
    """One of them, with its ETag."""

    content: bytes
    type: str
    etag: str

    @classmethod
    def read(cls, path: Path) -> File:
        content = path.read_bytes()
        return cls(content, TYPES[path.suffix], hashlib.sha256(content).hexdigest()[:32])

    def answer(self) -> Response:
        """304 where the browser has it already."""
        headers = {**HEADERS, "etag": f'"{self.etag}"'}
        if request.if_none_match.contains(self.etag):
            known = Response(b"", 304, headers)
            del known.headers["content-type"]
            return known
        return Response(self.content, 200, headers, content_type=self.type)


def blueprint() -> Blueprint:
    """`/` and `/sessions/ID` are the same page, which goes by its address; `/web/…` is what it is made of."""
    routes = Blueprint("web", __name__)
    files = {path.name: File.read(path) for path in FILES.iterdir() if path.suffix in TYPES}
    page = files.pop("index.html")

    async def web_page() -> Response:
        """The web page."""
        return page.answer()

    async def web_session_page(id: str) -> Response:
        """The web page, at one session."""
        return page.answer()

    async def web_file(name: str) -> Response:
        """A script, style sheet or picture of the web page."""
        return files[name].answer() if name in files else abort(404)

    html = {"answers": {200: {"text/html": str}, 304: None}}
    kinds = {"answers": {200: dict.fromkeys(TYPES.values(), bytes), 304: None}}
    _add(routes, "/", web_page, html)
    _add(routes, "/sessions/<id>", web_session_page, html)
    _add(routes, "/web/<name>", web_file, kinds)
    return routes


def _add(routes: Blueprint, rule: str, view: Any, said: dict[str, Any]) -> None:
    """A route, described for /openapi.json."""
    view.openapi = said
    routes.get(rule)(view)
