"""Search and replace in bytes: a piece of text that may begin and end within a line."""

from __future__ import annotations

import re

from pillion.errors import ToolError
from pillion.textform import TextForm, text_form

from .applying import applied
from .document import Document
from .hunk import Hunk, Snippet, lines_of
from .refusals import Refused, ambiguous


def replaced(path: str, data: bytes, snippet: Snippet) -> tuple[bytes, bool]:
    """`data` with the snippet replaced, and whether it was found though not exact. Raises Refused, ToolError.

    Where it is not to be found to the letter, it is looked for as whole lines.
    """
    form = text_form(data)
    if form is None:
        raise ToolError(f"{path} is binary, not text.")
    if not form.valid and not (snippet.old + snippet.new).isascii():
        raise ToolError(f"{path} is not {form.encoding}; only plain ASCII can be replaced in it.")
    old, new = (text.replace("\r\n", "\n") for text in (snippet.old, snippet.new))
    if old == new:
        raise ToolError("The old and the new text are the same.")
    body = data[len(form.mark) :]
    places = _places(body, old, form)
    if len(places) > 1 and not snippet.all:
        raise ambiguous(Document.of(path, data), [_line(body, start, form) for start, _ in places])
    if places:
        return form.mark + _spliced(body, places, form.with_newlines(new).encode(form.encoding), snippet.all), False
    if new.strip() and len(_places(body, new, form)) == 1:
        raise Refused(f"The old text is not in {path}, but the new one is: the change is already applied.", "already")
    done = applied(Document.of(path, data), [Hunk(lines_of(old), lines_of(new))])
    return done.document.data(), True


def _places(body: bytes, wanted: str, form: TextForm) -> list[tuple[int, int]]:
    """Start and end of each occurrence, overlapping ones too; a line end in `wanted` fits either kind."""
    try:
        pieces = [re.escape(line.encode(form.encoding)) for line in wanted.split("\n")]
    except UnicodeEncodeError:
        raise ToolError("The text holds characters that no file can hold.") from None
    if pieces == [b""]:
        return []
    feed, back = (re.escape(mark.encode(form.encoding)) for mark in "\n\r")
    found = re.finditer(b"(?=(" + (b"(?:" + back + b")?" + feed).join(pieces) + b"))", body, re.DOTALL)
    width = 2 if form.encoding.startswith("utf-16") else 1
    return [match.span(1) for match in found if match.start() % width == 0]


def _spliced(body: bytes, places: list[tuple[int, int]], new: bytes, all: bool) -> bytes:
    pieces: list[bytes] = []
    at = 0
    for start, end in places if all else places[:1]:
        if start >= at:  # of overlapping occurrences the first is replaced
            pieces += [body[at:start], new]
            at = end
    return b"".join([*pieces, body[at:]])


def _line(body: bytes, at: int, form: TextForm) -> int:
    return body.count("\n".encode(form.encoding), 0, at)
