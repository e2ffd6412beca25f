"""Search and replace in bytes, and what to say when it does not work out."""

from __future__ import annotations

import difflib
import re
from typing import Protocol

from pillion.errors import ToolError
from pillion.textform import TextForm, text_form

COMPARED = 4_000
"""Lines that are looked through for one that resembles the wanted."""
AROUND = 2
SHOWN_PLACES = 20


class Edit(Protocol):
    @property
    def path(self) -> str: ...
    @property
    def old(self) -> str: ...
    @property
    def new(self) -> str: ...
    @property
    def replace_all(self) -> bool: ...


def replaced(data: bytes, edit: Edit) -> bytes:
    """`data` with the edit made. ToolError says why it can't be, and shows what is there instead."""
    form = text_form(data)
    if form is None:
        raise ToolError(f"{edit.path} is binary, not text.")
    if not form.valid and not (edit.old + edit.new).isascii():
        raise ToolError(f"{edit.path} is not {form.encoding}; only plain ASCII can be replaced in it.")
    if edit.old.replace("\r\n", "\n") == edit.new.replace("\r\n", "\n"):
        raise ToolError("`old` and `new` are the same.")
    body = data[len(form.mark) :]
    places = _places(body, edit.old, form)
    if not places:
        raise ToolError(_missing(form.decode(data).replace("\r\n", "\n"), bool(_places(body, edit.new, form)), edit))
    if len(places) > 1 and not edit.replace_all:
        raise ToolError(_ambiguous(body, places, form, edit))
    return form.mark + _spliced(body, places, edit, form)


def _places(body: bytes, wanted: str, form: TextForm) -> list[tuple[int, int]]:
    """Start and end of each occurrence, overlapping ones too; a line end in `wanted` fits either kind."""
    try:
        pieces = [re.escape(line.encode(form.encoding)) for line in wanted.replace("\r\n", "\n").split("\n")]
    except UnicodeEncodeError:
        raise ToolError("The text holds characters that no file can hold.") from None
    if pieces == [b""]:
        return []
    feed, back = (re.escape(mark.encode(form.encoding)) for mark in "\n\r")
    found = re.finditer(b"(?=(" + (b"(?:" + back + b")?" + feed).join(pieces) + b"))", body, re.DOTALL)
    width = 2 if form.encoding.startswith("utf-16") else 1
    return [match.span(1) for match in found if match.start() % width == 0]


def _spliced(body: bytes, places: list[tuple[int, int]], edit: Edit, form: TextForm) -> bytes:
    new = form.with_newlines(edit.new).encode(form.encoding)
    pieces: list[bytes] = []
    at = 0
    for start, end in places:
        if start >= at:  # of overlapping occurrences the first is replaced
            pieces += [body[at:start], new]
            at = end
    return b"".join([*pieces, body[at:]])


def _ambiguous(body: bytes, places: list[tuple[int, int]], form: TextForm, edit: Edit) -> str:
    feed = "\n".encode(form.encoding)
    lines = [body.count(feed, 0, start) + 1 for start, _ in places[:SHOWN_PLACES]]
    more = " and more" if len(places) > SHOWN_PLACES else ""
    return (
        f"`old` occurs {len(places)} times in {edit.path}, at lines {', '.join(map(str, lines))}{more}. "
        "Add lines around it until it is unique, or set replace_all."
    )


def _missing(text: str, applied: bool, edit: Edit) -> str:
    if applied and edit.new.strip():
        return f"`old` is not in {edit.path}, but `new` is: the change is already applied."
    lines, wanted = text.removesuffix("\n").split("\n"), edit.old.replace("\r\n", "\n").split("\n")
    start, exact = _nearest(lines, wanted)
    if start is None:
        return f"`old` is not in {edit.path}, and nothing there resembles it."
    first, last = max(0, start - AROUND), min(len(lines), start + len(wanted) + AROUND)
    there = "\n".join(line[:500] for line in lines[first:last][:40])
    why = "only its white space differs" if exact else "the nearest there is"
    return f"`old` is not in {edit.path}; {why}, lines {first + 1} to {last}:\n{there}"


def _nearest(lines: list[str], wanted: list[str]) -> tuple[int | None, bool]:
    """The index of the line where `wanted` most likely was meant to begin; whether just white space differs."""
    bare, sought = [line.split() for line in lines], [line.split() for line in wanted]
    for index in range(len(lines) - len(wanted) + 1):
        if bare[index] == sought[0] and bare[index : index + len(wanted)] == sought:
            return index, True
    key = max(range(len(wanted)), key=lambda number: len(wanted[number].strip()))
    matcher = difflib.SequenceMatcher(b=wanted[key].strip()[:200], autojunk=False)
    best, found = 0.5, None
    for index, line in enumerate(lines[:COMPARED]):
        matcher.set_seq1(line.strip()[:200])
        if matcher.real_quick_ratio() > best and matcher.quick_ratio() > best and (ratio := matcher.ratio()) > best:
            best, found = ratio, max(0, index - key)
    return found, False
