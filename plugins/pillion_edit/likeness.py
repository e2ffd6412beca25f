"""How much two lines may differ and still be taken for one: levels, from nothing to their quotes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import IntEnum

_TYPOGRAPHIC = str.maketrans(
    {
        "‘": "'", "’": "'", "‚": "'", "‛": "'", "′": "'",
        "“": '"', "”": '"', "„": '"', "‟": '"', "″": '"',
        "‐": "-", "‑": "-", "‒": "-", "–": "-", "—": "-", "―": "-", "−": "-",
        "…": "...", "\u00a0": " ", "\u2007": " ", "\u202f": " ", "\ufeff": "", "\u200b": "",
    }
)  # fmt: skip
_STRING = re.compile(r"""("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`)""")
_PLAIN = re.compile(r"""["'][^"'`$\\]*["']""")
"""A string that is the same in either quotes, where a language has both."""
_LOOSE = re.compile(r"\s*([,;{}()])\s*|\s+([-+*/%|&^!=<>:~]*=>?)\s+|(?<=\[)\s+|^:\s+|\s+(?=\])")
"""Where white space means nothing: at these signs, about an operator that has it on both sides, within brackets, behind
the colon of a string that is a key."""
_SPACE = re.compile(r"\s+")
_QUERY = re.compile(r"\b(SELECT|FROM|WHERE|JOIN|INSERT|UPDATE|DELETE|CREATE|ALTER|VALUES|SET|AND|OR|ORDER|GROUP)\b")


class Level(IntEnum):
    """Each takes what the ones before it take, too."""

    EXACT = 0
    TRAILING = 1
    """White space at a line's end."""
    INDENTED = 2
    """Indentation, as long as it is moved alike."""
    SPACED = 3
    """How much white space is within a line, though not in its strings, and whether any where that means nothing."""
    TYPOGRAPHIC = 4
    """Quotes, dashes and dots as a word processor writes them."""
    QUOTED = 5
    """Which of the two quotes, where a language has both for the same and nothing in the string may tell them apart."""


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
    return "".join(_pieces(line.strip(), level == Level.QUOTED and not _QUERY.search(line)))


def _pieces(line: str, either: bool) -> Iterator[str]:
    """The line, its strings as they are, or if `either` in one kind of quotes."""
    for number, piece in enumerate(_STRING.split(line)):
        if number % 2:
            yield f"'{piece[1:-1]}'" if either and _PLAIN.fullmatch(piece) else piece
        else:
            yield _SPACE.sub(" ", piece if line.startswith("#define") else _LOOSE.sub(_tight, piece))


def _tight(found: re.Match[str]) -> str:
    return found[1] or found[2] or ""


def indent(line: str) -> str:
    """The white space that it begins with."""
    return line[: len(line) - len(line.lstrip())]
