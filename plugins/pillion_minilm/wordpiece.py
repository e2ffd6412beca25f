"""Texts as the numbers of word pieces, as BERT's uncased models were taught them."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path

LONGEST = 100
"""Characters of a word; a longer one is unknown."""
UNKNOWN, BEGIN, END = "[UNK]", "[CLS]", "[SEP]"


class WordPieces:
    """Of one vocabulary, a piece a line; what stands amid a word begins with `##`."""

    def __init__(self, vocabulary: Path) -> None:
        lines = vocabulary.read_text("utf-8").split("\n")
        self._numbers: Mapping[str, int] = {piece: number for number, piece in enumerate(lines) if piece}
        self._pieces = lru_cache(maxsize=65536)(self._pieces_of)

    def numbers(self, text: str, most: int) -> list[int]:
        """The pieces of a text between a begin and an end, `most` of them with these."""
        found: list[int] = []
        for word in _words(text):
            found += self._pieces(word)
            if len(found) >= most - 2:
                break
        return [self._numbers[BEGIN], *found[: most - 2], self._numbers[END]]

    def _pieces_of(self, word: str) -> tuple[int, ...]:
        """The longest that fits first, and so on behind it."""
        found: list[int] = []
        at = 0
        while at < len(word):
            end = len(word) if len(word) <= LONGEST else at
            while end > at and (number := self._numbers.get(f"##{word[at:end]}" if at else word[:end])) is None:
                end -= 1
            if end == at:
                return (self._numbers[UNKNOWN],)
            assert number is not None
            found.append(number)
            at = end
        return tuple(found)


def _words(text: str) -> Iterator[str]:
    """In small letters without accents; each sign, and each Chinese character, is one of its own."""
    word: list[str] = []
    for character in unicodedata.normalize("NFD", text.lower()):
        kind = unicodedata.category(character)
        if kind == "Mn" or (kind.startswith("C") and not character.isspace()) or character == "\ufffd":
            continue
        if character.isspace() or _is_sign(character, kind) or "\u4e00" <= character <= "\u9fff":
            if word:
                yield "".join(word)
                word.clear()
            if not character.isspace():
                yield character
        else:
            word.append(character)
    if word:
        yield "".join(word)


def _is_sign(character: str, kind: str) -> bool:
    return kind.startswith("P") or (character.isascii() and character.isprintable() and not character.isalnum())
