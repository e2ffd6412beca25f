"""Escape sequences out of a terminal program's output, also where a piece ends within one."""

from __future__ import annotations

import re
from collections.abc import Iterator

_SEQUENCE = re.compile(
    r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"  # a title or link
    r"|\x1b[PX^_][^\x1b]*\x1b\\"  # strings for the terminal
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # colours, the cursor
    r"|\x1b[ -/]*[0-OQ-WYZ\\`-~]"  # everything shorter
    r"|[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9a\x9c-\x9f]"  # other control characters
)
_BEGINNING = re.compile("[\x1b\x9b]")
_LONGEST = 4_096
"""Characters that an unfinished sequence may have; a longer one is text."""
PIECE = 128 * 1024
"""Characters that are made plain at once."""


class Stripper:
    """Takes pieces, gives them back without sequences and with plain line ends."""

    def __init__(self) -> None:
        self._held = ""

    def take(self, piece: str) -> str:
        text = _SEQUENCE.sub("", self._held + piece)
        begun = _BEGINNING.search(text)
        start = begun.start() if begun else -1
        if start < 0 and text.endswith("\r"):  # its line feed may come next
            start = len(text) - 1
        if start < 0 or len(text) - start > _LONGEST:
            self._held = ""
            return _lined(_BEGINNING.sub("", text))
        self._held = text[start:]
        return _lined(text[:start])

    def rest(self) -> str:
        """What was held back, at the output's end."""
        held, self._held = self._held, ""
        return _lined(_BEGINNING.sub("", held))


def plain(text: str) -> str:
    """A whole output as a person would see it in the end: of a line that was drawn over, only the last state."""
    text = _BEGINNING.sub("", _SEQUENCE.sub("", text)).replace("\r\n", "\n")
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))


def plain_pieces(text: str) -> Iterator[str]:
    """The same in pieces of whole lines, where there are any, for what may be long."""
    at = 0
    while at < len(text):
        line = text.rfind("\n", at, at + PIECE)
        end = line + 1 if line >= 0 else at + PIECE
        yield plain(text[at:end])
        at = end


def _lined(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")
