"""How much two lines may differ and still be taken for one: levels, from nothing to their quotes."""

from __future__ import annotations

from enum import IntEnum

_TYPOGRAPHIC = str.maketrans(
    {
        "‘": "'", "’": "'", "‚": "'", "‛": "'", "′": "'",
        "“": '"', "”": '"', "„": '"', "‟": '"', "″": '"',
        "‐": "-", "‑": "-", "‒": "-", "–": "-", "—": "-", "―": "-", "−": "-",
        "…": "...", "\u00a0": " ", "\u2007": " ", "\u202f": " ", "\ufeff": "", "\u200b": "",
    }
)  # fmt: skip
_ONE_QUOTE = str.maketrans({'"': "'", "`": "'"})


class Level(IntEnum):
    """Each takes what the ones before it take, too."""

    EXACT = 0
    TRAILING = 1
    """White space at a line's end."""
    INDENTED = 2
    """Indentation, as long as it is moved alike."""
    SPACED = 3
    """White space within a line."""
    TYPOGRAPHIC = 4
    """Quotes, dashes and dots as a word processor writes them."""
    QUOTED = 5
    """Which of the quotes."""


def key(line: str, level: Level) -> str:
    """Two lines are alike at `level` where their keys are equal."""
    if level == Level.EXACT:
        return line
    if level == Level.TRAILING:
        return line.rstrip()
    if level == Level.INDENTED:
        return line.strip()
    if level >= Level.TYPOGRAPHIC:
        line = line.translate(_TYPOGRAPHIC)
    if level == Level.QUOTED:
        line = line.translate(_ONE_QUOTE)
    return "".join(line.split())


def indent(line: str) -> str:
    """The white space that it begins with."""
    return line[: len(line) - len(line.lstrip())]
