"""GET and PUT /api/sessions/{id}/scratchpad."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import msgspec
from msgspec import Struct
from quart import Blueprint, Response, abort, request

from pillion import Kernel
from pillion_http.routes import read_body

from .pad import By, Pad, Pads

TAG = {"etag": "The number of the event that wrote it, for `If-Match`; `0` where nobody did yet."}
View = Callable[[str], Awaitable[Response]]


class NewScratchpad(Struct, frozen=True, forbid_unknown_fields=True):
    """PUT …/scratchpad. `text` is all of it, at most 64 KiB in UTF-8."""

    text: str


class Scratchpad(Struct, frozen=True):
    """`updated` is RFC 3339; it and `by` (model, person) are null where nobody has written it yet."""

    text: str
    updated: str | None
    by: By | None


def blueprint(kernel: Kernel, pads: Pads) -> Blueprint:
    routes = Blueprint("scratchpad", __name__, url_prefix="/api/sessions/<id>/scratchpad")
    routes.get("")(_show(kernel, pads))
    routes.put("")(_put(kernel, pads))
    return routes


def _show(kernel: Kernel, pads: Pads) -> View:
    async def show_scratchpad(id: str) -> Response:
        """The session's scratch pad: what model and person keep."""
        pad = await pads.read(await kernel.session(id))
        if request.if_none_match.contains_weak(str(pad.number)):
            return _not_modified(pad)
        return _answer(pad)

    show_scratchpad.openapi = {  # type: ignore[attr-defined]
        "answers": {200: Scratchpad, 304: None},
        "sends": TAG,
        "errors": (409,),
    }
    return show_scratchpad


def _put(kernel: Kernel, pads: Pads) -> View:
    async def put_scratchpad(id: str) -> Response:
        """Writes the session's scratch pad, also while a turn runs.

        The model is given it when the next turn begins, and may read it before.
        """
        wanted = await read_body(NewScratchpad)

        def checked(pad: Pad) -> str:
            if request.if_match and not request.if_match.contains_weak(str(pad.number)):
                abort(412, f'The notes are other ones than If-Match names: they are "{pad.number}".')
            return wanted.text

        return _answer(await pads.change(await kernel.session(id), "person", checked))

    put_scratchpad.openapi = {  # type: ignore[attr-defined]
        "body": NewScratchpad,
        "headers": {"if-match": "The tag that it must have now."},
        "answers": {200: Scratchpad},
        "sends": TAG,
        "errors": (409, 410, 412),
        "example": {"text": "- [x] found the test\n- [ ] mend it\n"},
    }
    return put_scratchpad


def _answer(pad: Pad) -> Response:
    updated = _second(pad.time) if pad.number else None
    data = msgspec.json.encode(Scratchpad(pad.text, updated, pad.by))
    return Response(data, headers=_tag(pad), content_type="application/json")


def _not_modified(pad: Pad) -> Response:
    response = Response(b"", 304, _tag(pad))
    del response.headers["content-type"]
    return response


def _tag(pad: Pad) -> dict[str, str]:
    return {"etag": f'"{pad.number}"'}


def _second(time: int) -> str:
    """Milliseconds since 1970 UTC as RFC 3339."""
    return datetime.fromtimestamp(time / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
