"""A session's files over HTTP: read, written and taken away as its tools see them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, AnyStr

import msgspec
import trio
from msgspec import Meta, Struct
from quart import Blueprint, Response, abort, request

from pillion import Conflict, Content, Kernel, Write
from pillion.errors import NoSuchFile, NotText, Stale, ToolError
from pillion.events import FileChanged
from pillion.filediff import file_changed, images
from pillion.overlay import LONGEST_PATH
from pillion.textform import text_form
from pillion_http.routes import JSON, decoded, preferred, read_query

from .ground import SessionGround

BYTES = "application/octet-stream"
PATH = {"path": "The file, relative to the session's workspace."}
TAG = {"etag": "The hash (SHA-256, hex) of the whole content, for `If-Match`."}
View = Callable[[str, str], Awaitable[Response]]


class Lines(Struct, frozen=True):
    """GET …/files/{path}. The first and the last line wanted, from 1."""

    start: Annotated[int, Meta(ge=1)] = 1
    end: Annotated[int, Meta(ge=1)] | None = None


class FileText(Struct, frozen=True):
    """A text file, or the lines from `start` to `end` of its `lines`. `text` has its line ends as they are, without the
    byte order mark; `size` is bytes of the whole."""

    path: str
    hash: str
    size: int
    encoding: str
    unsaved: bool
    """It is the text that an editor holds, not the disk's."""
    lines: int
    start: int
    end: int
    text: str


class NewFile(Struct, frozen=True, forbid_unknown_fields=True):
    """PUT …/files/{path}. The whole content; a file that exists keeps its encoding and byte order mark."""

    text: str


class FileWritten(Struct, frozen=True):
    """What it is now. `unsaved`: it is open in an editor, which is told to apply the change; the disk is as it was."""

    path: str
    hash: str
    size: int
    added: int
    removed: int
    unsaved: bool


def blueprint(kernel: Kernel) -> Blueprint:
    routes = Blueprint("workspace_files", __name__, url_prefix="/api/sessions/<id>/files")
    routes.get("/<path:path>")(_show(kernel))
    routes.put("/<path:path>")(_put(kernel))
    routes.delete("/<path:path>")(_delete(kernel))
    return routes


def _show(kernel: Kernel) -> View:
    async def show_file(id: str, path: str) -> Response:
        """A file, as the session's tools see it: an editor's unsaved text wins over the disk.

        As JSON, or with `Accept: application/octet-stream` its bytes; whole, or some of its lines.
        """
        wanted, form = read_query(Lines), preferred(JSON, BYTES)
        ground = SessionGround(kernel, await kernel.session(id))
        content = await ground.workspace.read(path)
        if request.if_none_match.contains_weak(content.hash):
            return _bare(304, content.hash)
        if form == BYTES:
            body = await trio.to_thread.run_sync(_piece, content.data, wanted)
        else:
            place = await ground.place(path)
            body = await trio.to_thread.run_sync(_json, place, content, wanted, ground.is_unsaved(place))
        return Response(body, headers=_tag(content.hash) | {"vary": "Accept"}, content_type=form)

    show_file.openapi = {  # type: ignore[attr-defined]
        "path": PATH,
        "query": Lines,
        "headers": {"if-none-match": "The hash that you have."},
        "answers": {200: {JSON: FileText, BYTES: bytes}, 304: None},
        "sends": TAG | {"vary": "`Accept`: there are two forms."},
        "errors": (406, 409, 422),
    }
    return show_file


def _put(kernel: Kernel) -> View:
    async def put_file(id: str, path: str) -> Response:
        """Writes a file, as text in JSON or as bytes, and records it as `file.changed`.

        `If-Match` names what is replaced; `If-None-Match: *` makes a file that is not there yet. One of them is needed.
        Protected paths are refused (403). What is open in an editor goes there as `file.edit_wanted`.
        """
        creates = request.headers.get("If-None-Match", "").strip() == "*"
        if not creates:
            _needed()
        body = await _body()
        ground = SessionGround(kernel, await kernel.session(id))
        if len(path) > LONGEST_PATH:
            raise ToolError(f"A path has at most {LONGEST_PATH} characters.")
        place, old = await ground.place(path), await _content(ground, path)
        if creates and old is not None:
            raise Stale(f'{place} is there already: it is "{old.hash}".')
        if not creates:
            _check(place, old)
        data = body if isinstance(body, bytes) else _encoded(body.text, old)
        if old is not None and old.data == data:
            return _written(ground, place, data, old.hash, None)
        try:
            hash = await ground.workspace.write(path, data, old.hash if old else "")
        except Conflict as error:
            raise Stale(str(error)) from None
        change = await _record(ground, place, old, data, hash)
        return _written(ground, place, data, hash, change)

    put_file.openapi = {  # type: ignore[attr-defined]
        "path": PATH,
        "body": {JSON: NewFile, BYTES: bytes},
        "headers": {
            "if-match": "The hash that it must have now; `*`: it must be there.",
            "if-none-match": "`*`: it must not be there.",
        },
        "answers": {200: FileWritten, 201: FileWritten},
        "sends": TAG,
        "errors": (409, 410, 412, 428),
        "example": {"text": "print('hello')\n"},
    }
    return put_file


def _delete(kernel: Kernel) -> View:
    async def delete_file(id: str, path: str) -> Response:
        """Takes a file away, and records it as `file.changed`. `If-Match` is needed.

        409 when it is open in an editor.
        """
        _needed()
        ground = SessionGround(kernel, await kernel.session(id))
        place, old = await ground.place(path), await _content(ground, path)
        if old is None:
            raise NoSuchFile(f"There is no {path}.")
        _check(place, old)
        await ground.workspace.write_all([Write(path, None, old.hash)])
        await _record(ground, place, old, None, "")
        return _bare(204)

    delete_file.openapi = {  # type: ignore[attr-defined]
        "path": PATH,
        "headers": {"if-match": "The hash that it must have now."},
        "answers": {204: None},
        "errors": (409, 410, 412, 422, 428),
    }
    return delete_file


def _needed() -> None:
    if not request.headers.get("If-Match", "").strip():
        abort(428, "Name with If-Match the hash of what you have seen; a new file is made with If-None-Match: *.")


def _check(path: str, old: Content | None) -> None:
    """Raises Stale when If-Match names another one."""
    tags = request.if_match
    if old is None or not (tags.star_tag or tags.contains_weak(old.hash)):
        said = f'it is "{old.hash}"' if old else "there is none"
        raise Stale(f"{path} is another one than If-Match names: {said}.")


async def _content(ground: SessionGround, path: str) -> Content | None:
    return None if await ground.workspace.stat(path) is None else await ground.workspace.read(path)


async def _body() -> NewFile | bytes:
    if request.mimetype not in (JSON, BYTES):
        abort(415, f"The body must be sent with Content-Type: {JSON} or {BYTES}.")
    data: bytes = await request.get_data(cache=False, as_text=False, parse_form_data=False)
    if request.mimetype == BYTES:
        return data
    return decoded(data, NewFile)


def _encoded(text: str, old: Content | None) -> bytes:
    """In the encoding of what it replaces, its line ends as they are given."""
    form = text_form(old.data) if old else None
    if form is None or not form.valid:
        return text.encode()
    return form.mark + text.encode(form.encoding)


async def _record(ground: SessionGround, place: str, old: Content | None, new: bytes | None, hash: str) -> FileChanged:
    before = old.data if old else None
    change = await trio.to_thread.run_sync(file_changed, place, before, new, hash)
    await ground.session.note(change, blobs=images(change, before))
    return change


def _json(path: str, content: Content, wanted: Lines, unsaved: bool) -> bytes:
    form = text_form(content.data)
    if form is None or not form.valid:
        what = "binary" if form is None else f"not valid {form.encoding}"
        raise NotText(f"{path} is {what}; with Accept: {BYTES} its bytes are sent.")
    lines = _split(form.decode(content.data), "\n")
    first, last = _range(len(lines), wanted)
    text = "".join(lines[first - 1 : last])
    size = len(content.data)
    return msgspec.json.encode(
        FileText(path, content.hash, size, form.encoding, unsaved, len(lines), first, last, text)
    )


def _piece(data: bytes, wanted: Lines) -> bytes:
    """The bytes of these lines."""
    if wanted == Lines():
        return data
    form = text_form(data)
    if form is not None and form.encoding != "utf-8":
        text = _split(form.decode(data), "\n")
        first, last = _range(len(text), wanted)
        return "".join(text[first - 1 : last]).encode(form.encoding)
    lines = _split(data, b"\n")
    first, last = _range(len(lines), wanted)
    return b"".join(lines[first - 1 : last])


def _split(text: AnyStr, end: AnyStr) -> list[AnyStr]:
    """Lines with their ends."""
    parts = text.split(end)
    return [line + end for line in parts[:-1]] + parts[-1:] * bool(parts[-1])


def _range(count: int, wanted: Lines) -> tuple[int, int]:
    last = min(count, wanted.end or count)
    if wanted.start > max(count, 1) or (wanted.end or wanted.start) < wanted.start:
        abort(422, f"There are no such lines: the file has {count}.")
    return wanted.start, last


def _written(ground: SessionGround, path: str, data: bytes, hash: str, change: FileChanged | None) -> Response:
    added, removed = (change.added, change.removed) if change else (0, 0)
    said = FileWritten(path, hash, len(data), added, removed, ground.is_unsaved(path))
    status = 201 if change and change.kind == "created" else 200
    return Response(msgspec.json.encode(said), status, _tag(hash), content_type=JSON)


def _bare(status: int, hash: str = "") -> Response:
    response = Response(b"", status, _tag(hash) if hash else None)
    del response.headers["content-type"]
    return response


def _tag(hash: str) -> dict[str, str]:
    return {"etag": f'"{hash}"'}
