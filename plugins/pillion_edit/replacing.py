"""Search and replace in bytes: a piece of text that may begin and end within a line."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pillion.errors import ToolError
from pillion.textform import TextForm, text_form

from . import ellipsis
from .applying import applied
from .document import Document
from .hunk import Hunk, Snippet, lines_of
from .likeness import indent
from .refusals import Refused, ambiguous, left_out, missing, unsure


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
        raise ambiguous(path, [_line(body, start, form) for start, _ in places])
    before = _before(body, places[0][0], form) if places else ""
    within = old[:1].strip() and new[:1] not in (" ", "\t")  # else the first line would be indented twice
    if places and (snippet.all or before.strip() or not before or within):
        if not snippet.all:
            _check(path, (body, places[0], before), (old, new), form)
        return form.mark + _spliced(body, places, form.with_newlines(new).encode(form.encoding), snippet.all), False
    try:
        done = applied(Document.of(path, data), [Hunk(lines_of(old), lines_of(new))])
    except Refused as refused:
        if refused.why == "missing" and not places and _is_done(body, (old, new), form):
            why = f"The old text is not in {path}, but the new one is: the change is already applied."
            raise Refused(why, "already") from None
        raise
    if done.already and not places and "".join(old.split()) not in "".join(new.split()) and _is_there(body, old, form):
        raise missing(done.document, Hunk(lines_of(old), lines_of(new)))
    return done.document.data(), True


def _is_done(body: bytes, texts: tuple[str, str], form: TextForm) -> bool:
    """Does the new text stand there once, its words whole, and the old one nowhere, with whatever white space?"""
    old, new = texts
    found = _places(body, new, form) if new.strip() else []
    if len(found) != 1:
        return False
    (start, end), text = found[0], form.encoding
    before, behind = (piece.decode(text, "replace") for piece in (body[:start], body[end:]))
    if any(map(_is_word, (before[-1:] + new[:1], new[-1:] + behind[:1]))):
        return False
    return not _is_there(body, old, form)


def _is_there(body: bytes, old: str, form: TextForm) -> bool:
    """Is it there with other white space, as a part of a line, too?"""
    return "".join(old.split()) in "".join(body.decode(form.encoding, "replace").split())


def _is_word(signs: str) -> bool:
    """Are these two within a word?"""
    return re.fullmatch(r"\w\w", signs) is not None


def _check(path: str, found: tuple[bytes, tuple[int, int], str], texts: tuple[str, str], form: TextForm) -> None:
    """Raises Refused where it was done before, and where it is not clear how the new lines are indented."""
    (body, place, before), (old, new) = found, texts
    if ellipsis.leaves_out(lines_of(old), lines_of(new)):
        raise left_out(path, _line(body, place[0], form))
    if old in new and any(start <= place[0] and place[1] <= end for start, end in _places(body, new, form)):
        raise Refused(f"{path} has the new text there: the change is already applied.", "already")
    if before and not before.strip():
        rest = [indent(one) for one in new.split("\n")[1:] if one.strip() and one not in old.split("\n")]
        if any(len(one) < len(before) for one in rest):
            why = "its new lines are not indented as the first one is there"
            raise unsure(path, _line(body, place[0], form), why)


def _before(body: bytes, at: int, form: TextForm) -> str:
    """What stands before it on its line."""
    feed = "\n".encode(form.encoding)
    start = body.rfind(feed, 0, at)
    return body[start + len(feed) if start >= 0 else 0 : at].decode(form.encoding, "replace")


def _places(body: bytes, wanted: str, form: TextForm) -> list[tuple[int, int]]:
    """Start and end of each occurrence, overlapping ones too; a line end in `wanted` fits either kind."""
    width = 2 if form.encoding.startswith("utf-16") else 1
    if b"\r" not in body and wanted:
        return [(start, end) for start, end in _exact(body, _encoded(wanted, form)) if start % width == 0]
    pieces = [re.escape(_encoded(line, form)) for line in wanted.split("\n")]
    if pieces == [b""]:
        return []
    feed, back = (re.escape(mark.encode(form.encoding)) for mark in "\n\r")
    found = re.finditer(b"(?=(" + (b"(?:" + back + b")?" + feed).join(pieces) + b"))", body, re.DOTALL)
    places: dict[int, tuple[int, int]] = {}
    for match in found:
        if match.start() % width == 0:
            places.setdefault(match.end(1), match.span(1))  # a line end may be found with its \r and without
    return list(places.values())


def _exact(body: bytes, wanted: bytes) -> Iterator[tuple[int, int]]:
    start = body.find(wanted)
    while start >= 0:
        yield start, start + len(wanted)
        start = body.find(wanted, start + 1)


def _encoded(text: str, form: TextForm) -> bytes:
    try:
        return text.encode(form.encoding)
    except UnicodeEncodeError:
        raise ToolError("The text holds characters that no file can hold.") from None


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
