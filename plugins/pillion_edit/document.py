"""A text file as lines, each with its own end, so that what an edit leaves alone stays as it is, to the byte."""

from __future__ import annotations

import re
from collections.abc import Sequence

from msgspec import Struct

from pillion.errors import ToolError
from pillion.textform import TextForm, text_form

_ONE = re.compile(r"[^\n]*\n|[^\n]+")


class Kept(Struct, frozen=True):
    """The document's lines from `start` (from 0) to before `stop`, as they are."""

    start: int
    stop: int


Piece = Kept | str
"""Lines of the result that were there, or a new one without its end."""


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
        return cls(path, *_split(text), form)

    def changed(self, pieces: Sequence[Piece]) -> Document:
        """With these lines. New ones get the file's usual end; whether the last line has one stays so."""
        closed = not self.ends or self.ends[-1] != ""
        lines: list[str] = []
        ends: list[str] = []
        for piece in pieces:
            if isinstance(piece, Kept):
                lines += self.lines[piece.start : piece.stop]
                ends += self.ends[piece.start : piece.stop]
            else:
                lines.append(piece)
                ends.append(self.form.newline)
        if "" in ends:  # what was the last line may not be it any more
            ends = [end or self.form.newline for end in ends]
        if ends and not closed:
            ends[-1] = ""
        return Document(self.path, tuple(lines), tuple(ends), self.form)

    def data(self) -> bytes:
        """The file's bytes. Raises ToolError for text that its encoding can't hold."""
        kinds = set(self.ends)
        if len(kinds) == 1:
            end = kinds.pop()
            text = end.join(self.lines) + end
        else:
            text = "".join(map("".join, zip(self.lines, self.ends, strict=True)))
        try:
            return self.form.mark + text.encode(self.form.encoding, "surrogateescape")
        except UnicodeEncodeError:
            raise ToolError("The text holds characters that no file can hold.") from None


def _split(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Lines, and their ends."""
    returns = text.count("\r\n") if "\r" in text else 0
    feeds = text.count("\n")
    if returns in (0, feeds):  # one kind of end: quickly
        end = "\r\n" if returns else "\n"
        parts = text.split(end)
        last = parts.pop()
        return (*parts, *([last] if last else [])), (end,) * len(parts) + (("",) if last else ())
    lines, ends = [], []
    for line in _ONE.findall(text):
        end = "\r\n" if line.endswith("\r\n") else "\n" if line.endswith("\n") else ""
        lines.append(line.removesuffix(end))
        ends.append(end)
    return tuple(lines), tuple(ends)
