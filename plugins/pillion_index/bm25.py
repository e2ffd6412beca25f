"""An index of pieces of code by their words, and BM25.

Robertson and Zaragoza, The Probabilistic Relevance Framework: BM25 and Beyond (2009), formula 3.15.
"""

from __future__ import annotations

import math
from array import array
from collections import defaultdict
from collections.abc import Mapping

from msgspec import Struct

from pillion.codewords import words_of
from pillion.contracts.code import CodeFile, CodeTable

K1 = 1.2
"""How soon another occurrence of a word says nothing new."""
B = 0.75
"""How much a long piece is held to be long-winded."""
IN_PATH = 2
"""What a word of the path counts in each piece of the file."""
DEAD = 0.3
"""The share of pieces that are gone from which on all is put in again."""


class Hit(Struct, frozen=True):
    """A piece of a file, its lines from 1; `words` are those of the question that it has, the rarest first."""

    path: str
    first: int
    last: int
    score: float
    words: tuple[str, ...]


class Index:
    """Of one workspace. `update` takes in what has changed. For a thread, one at a time."""

    def __init__(self) -> None:
        self._clear()

    def _clear(self) -> None:
        self._hashes: dict[str, str] = {}
        self._of: dict[str, list[int]] = {}
        self._pieces: list[tuple[str, int, int, int] | None] = []
        self._postings: dict[str, array[int]] = defaultdict(lambda: array("I"))
        self._length = 0
        self._living = 0

    @property
    def pieces(self) -> int:
        return self._living

    def update(self, table: CodeTable) -> int:
        """How many files had changed."""
        hashes = dict(table.hashes)
        stale = [path for path, hash in self._hashes.items() if hashes.get(path) != hash]
        fresh = [path for path, hash in hashes.items() if self._hashes.get(path) != hash]
        for path in stale:
            self._drop(path)
        if len(self._pieces) - self._living > DEAD * len(self._pieces):
            self._clear()
            fresh = list(hashes)
        for path in fresh:
            if file := table.file(path):
                self._put(file)
                self._hashes[path] = hashes[path]
        return len({*stale, *fresh})

    def _put(self, file: CodeFile) -> None:
        named = words_of(file.path)
        self._of[file.path] = numbers = []
        for piece in file.pieces:
            number = len(self._pieces)
            words = dict(piece.words)
            for word in named:
                words[word] = words.get(word, 0) + IN_PATH
            length = sum(words.values())
            self._pieces.append((file.path, piece.first, piece.last, length))
            for word, count in words.items():
                self._postings[word].extend((number, count))
            self._length += length
            self._living += 1
            numbers.append(number)

    def _drop(self, path: str) -> None:
        for number in self._of.pop(path, ()):
            piece = self._pieces[number]
            assert piece is not None
            self._length -= piece[3]
            self._living -= 1
            self._pieces[number] = None
        del self._hashes[path]

    def search(self, question: str, limit: int) -> list[Hit]:
        """The best pieces first, one of each file until `limit` is reached."""
        scores: dict[int, float] = defaultdict(float)
        matched: dict[int, list[tuple[float, str]]] = defaultdict(list)
        average = self._length / self._living if self._living else 1.0
        for word in words_of(question):
            postings = self._postings.get(word)
            if not postings:
                continue
            rare = math.log(1 + max(0.0, self._living - len(postings) / 2 + 0.5) / (len(postings) / 2 + 0.5))
            for place in range(0, len(postings), 2):
                number, count = postings[place], postings[place + 1]
                piece = self._pieces[number]
                if piece is not None:
                    weight = count * (K1 + 1) / (count + K1 * (1 - B + B * piece[3] / average))
                    scores[number] += rare * weight
                    matched[number].append((rare, word))
        return self._best(scores, matched, limit)

    def _best(
        self, scores: Mapping[int, float], matched: Mapping[int, list[tuple[float, str]]], limit: int
    ) -> list[Hit]:
        found: dict[str, Hit] = {}
        for number, score in sorted(scores.items(), key=lambda one: (-one[1], one[0])):
            piece = self._pieces[number]
            assert piece is not None
            path, first, last, _ = piece
            if path not in found:
                words = tuple(word for _, word in sorted(matched[number], key=lambda one: -one[0]))
                found[path] = Hit(path, first, last, round(score, 3), words)
            if len(found) == limit:
                break
        return list(found.values())
