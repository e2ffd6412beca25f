"""read_file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import trio
from msgspec import Meta, Struct

from pillion.contracts.tool import Call, Effect, Output
from pillion.contracts.workspace import Content
from pillion.errors import FileTooLarge, NotText, ToolError
from pillion.imagesize import size_of
from pillion.textform import text_form
from pillion.values import Image

from .rules import Rules

MOST = 20
"""Files of one call."""
LARGEST_IMAGE = 5 * 1024 * 1024
"""Bytes; what vendors take."""
LARGE = 256 * 1024
"""Bytes from which on a text is cut into lines in a thread: nobody else is to wait for that."""
_KINDS = ("image/png", "image/jpeg", "image/gif", "image/webp")


class Piece(Struct, frozen=True, forbid_unknown_fields=True):
    path: Annotated[str, Meta(description="The file, relative to the workspace.")]
    start: Annotated[int, Meta(ge=1, description="The first line wanted, from 1.")] = 1
    end: Annotated[int, Meta(ge=1, description="The last line wanted; by default as many as fit.")] | None = None


class ReadArguments(Struct, frozen=True, forbid_unknown_fields=True):
    path: Annotated[str, Meta(description="The file, relative to the workspace.")] = ""
    start: Annotated[int, Meta(ge=1, description="The first line wanted, from 1.")] = 1
    end: Annotated[int, Meta(ge=1, description="The last line wanted; by default as many as fit.")] | None = None
    files: Annotated[tuple[Piece, ...], Meta(max_length=MOST, description="Several at once, instead of `path`.")] = ()


class ReadFile:
    """Text as it stands in the file, line ends as line feeds; a long file in pieces; a picture as one.

    `sees`: the model takes pictures. `trusted`: the folder is, and it is told where there are rules for a file that it
    was not given.
    """

    name = "read_file"
    description = (
        "Read a text file of the workspace, whole or the lines from `start` to `end`, or several `files` at once; a "
        "picture is shown. A long file is cut at a line's end, with a note that says how to read on."
    )
    effect: Effect = "read"
    Arguments = ReadArguments

    def __init__(self, rules: Rules, *, sees: bool = True, trusted: bool = False) -> None:
        self._rules, self._sees, self._trusted = rules, sees, trusted

    async def run(self, arguments: ReadArguments, call: Call) -> str | Output:
        if bool(arguments.path) == bool(arguments.files):
            raise ToolError("Name one file by `path`, or several by `files`.")
        if arguments.path:
            return await self._one(Piece(arguments.path, arguments.start, arguments.end), call, call.max_output)
        return await self._several(arguments.files, call)

    async def _several(self, pieces: Sequence[Piece], call: Call) -> Output:
        """Each with its share of the room, and what those before it left; one that can't be read says why."""
        shown: list[str] = []
        images: tuple[Image, ...] = ()
        left, failed = call.max_output, 0
        for number, piece in enumerate(pieces):
            head = f"==> {piece.path} <=="
            room = max(0, left // (len(pieces) - number) - len(head) - 2)
            try:
                found = await self._one(piece, call, room)
                text = found if isinstance(found, str) else found.text
                images += () if isinstance(found, str) else found.images
            except ToolError as error:
                failed += 1
                text = f"[{error}]"
            shown.append(f"{head}\n{text}")
            left -= len(shown[-1]) + 1
        return Output("\n".join(shown), images, error=failed == len(pieces))

    async def _one(self, piece: Piece, call: Call, room: int) -> str | Output:
        content = await call.workspace.read(piece.path)
        if len(content.data) < LARGE:
            shown = self._shown(piece, content, room)
        else:
            shown = await trio.to_thread.run_sync(self._shown, piece, content, room)
        call.known.note(call.workspace.root, piece.path, content.hash)
        place = await self._rules.touch(call.session, call.workspace, piece.path)
        if self._trusted and isinstance(shown, str):
            for path in await self._rules.untold(call.session, call.workspace, place):
                shown += f"\n[{path} has the rules for this folder: read it before you change anything here]"
        return shown

    def _shown(self, piece: Piece, content: Content, room: int) -> str | Output:
        data = content.data
        form = text_form(data)
        if form is None:
            return self._picture(piece.path, data)
        text = form.decode(data).replace("\r\n", "\n")
        if not text:
            return f"[{piece.path} is empty]"
        shown = _lines(text, piece, room)
        return shown if form.valid else f"{shown}\n[The file is not {form.encoding}; wrong bytes are shown as \ufffd.]"

    def _picture(self, path: str, data: bytes) -> Output:
        for kind in _KINDS:
            image = Image(kind, data)  # type: ignore[arg-type]  # they are those that it names
            if size := size_of(image):
                break
        else:
            raise NotText(f"{path} is binary ({len(data)} bytes), not text.")
        if len(data) > LARGEST_IMAGE:
            raise FileTooLarge(f"{path} is a picture of {len(data)} bytes; at most {LARGEST_IMAGE} can be shown.")
        said = f"{path}: {kind}, {size[0]} × {size[1]} pixels"
        if not self._sees:
            return Output(f"[{said}. You can't be shown pictures.]")
        return Output(f"[{said}]", (image,))


def _lines(text: str, wanted: Piece, room: int) -> str:
    lines = text.split("\n")
    total = len(lines) - (lines[-1] == "")
    if wanted.start > total:
        raise ToolError(f"{wanted.path} has only {total} lines.")
    first, last = wanted.start, min(total, wanted.end or total)
    if last < first:
        raise ToolError(f"The end, line {last}, comes before the start, line {first}.")
    until, size = first - 1, 0
    while until < last and size + len(lines[until]) + 1 <= room:
        size += len(lines[until]) + 1
        until += 1
    if until == last:
        whole = (first, last) == (1, total)
        piece = text if whole else "\n".join(lines[first - 1 : last])
        return piece if whole or wanted.end else f"{piece}\n[lines {first} to {last} of {total}]"
    if until == first - 1:
        note = f"[line {first} has {len(lines[until])} characters; this is its beginning. {total} lines in all]"
        return f"{lines[until][:room]}\n{note}"
    piece = "\n".join(lines[first - 1 : until])
    return f"{piece}\n[lines {first} to {until} of {total}; read on with start={until + 1}]"
