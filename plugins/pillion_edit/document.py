"""A text file as lines, each with its own end, so that what an edit leaves alone stays as it is, to the byte."""

from __future__ import annotations

import re
from collections.abc import Sequence

from msgspec import Struct

from pillion.errors import ToolError
from pillion.textform import TextForm, text_form

_ONE = re.compile(r"[^\n]*\n|[^\n]+")


class Kept(Struct, frozen=True):
    """Line `number` (from 0) of the document as it is."""

    number: int


Piece = Kept | str
"""A line of the result: one that was there, or a new one without its end."""


class Document(Struct, frozen=True):
    """`lines` without their ends, `ends` beside them: `\\n`, `\\r\\n`, and `""` for a last line that has none."""

    path: str
    lines: tuple[str, ...]
    ends: tuple[str, ...]
    form: TextForm

    @classmethod
    def of(cls, path: str, data: bytes) -> Document:
        """Raises ToolError for what is no text."""
        form = text_form(data)
        if form is None or (not form.valid and form.encoding != "utf-8"):
            raise ToolError(f"{path} is binary, not text.")
        text = data[len(form.mark) :].decode(form.encoding, "surrogateescape")
        lines, ends = [], []
        for line in _ONE.findall(text):
            end = "\r\n" if line.endswith("\r\n") else "\n" if line.endswith("\n") else ""
            lines.append(line.removesuffix(end))
            ends.append(end)
        return cls(path, tuple(lines), tuple(ends), form)

    def changed(self, pieces: Sequence[Piece]) -> Document:
        """With these lines. New ones get the file's usual end; whether the last line has one stays so."""
        closed = not self.ends or self.ends[-1] != ""
        lines, ends = [], []
        for piece in pieces:
            text, end = (self.lines[piece.number], self.ends[piece.number]) if isinstance(piece, Kept) else (piece, "")
            lines.append(text)
            ends.append(end or self.form.newline)
        if ends and not closed:
            ends[-1] = ""
        return Document(self.path, tuple(lines), tuple(ends), self.form)

    def data(self) -> bytes:
        """The file's bytes. Raises ToolError for text that its encoding can't hold."""
        text = "".join(map("".join, zip(self.lines, self.ends, strict=True)))
        try:
            return self.form.mark + text.encode(self.form.encoding, "surrogateescape")
        except UnicodeEncodeError:
            raise ToolError("The text holds characters that no file can hold.") from None
