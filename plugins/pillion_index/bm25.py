"""An index of pieces of code by their words, and BM25.

Robertson and Zaragoza, The Probabilistic Relevance Framework: BM25 and Beyond (2009), formula 3.15.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from heapq import heapify, heappop
from struct import Struct as Layout

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
POSTING = Layout("II")
"""A piece's number, and how often the word is in it."""


class Hit(Struct, frozen=True):
    """A piece of a file, its lines from 1; `words` are those of the question that it has, the rarest first."""

    path: str
    first: int
    last: int
    score: float
    words: tuple[str, ...]


class Index:
    """Of one workspace. `update` takes in what has changed. For a thread, one at a time.

    What is kept for each word and file is nothing that the search for cycles looks at, which stops all threads.
    """

    def __init__(self) -> None:
        self._clear()

    def _clear(self) -> None:
        self._hashes: dict[str, str] = {}
        self._of: dict[str, range] = {}
        self._pieces: list[tuple[str, int, int, int] | None] = []
        self._postings: dict[str, bytearray] = defaultdict(bytearray)
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
        start = len(self._pieces)
        for piece in file.pieces:
            number = len(self._pieces)
            words = dict(piece.words)
            for word in named:
                words[word] = words.get(word, 0) + IN_PATH
            length = sum(words.values())
            self._pieces.append((file.path, piece.first, piece.last, length))
            for word, count in words.items():
                self._postings[word] += POSTING.pack(number, count)
            self._length += length
            self._living += 1
        self._of[file.path] = range(start, len(self._pieces))

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
        matched: dict[int, int] = defaultdict(int)
        asked: list[tuple[float, str]] = []
        average = self._length / self._living if self._living else 1.0
        for word in words_of(question):
            postings = self._postings.get(word)
            if not postings:
                continue
            files = len(postings) / POSTING.size
            rare = math.log(1 + max(0.0, self._living - files + 0.5) / (files + 0.5))
            for number, count in POSTING.iter_unpack(postings):
                piece = self._pieces[number]
                if piece is not None:
                    weight = count * (K1 + 1) / (count + K1 * (1 - B + B * piece[3] / average))
                    scores[number] += rare * weight
                    matched[number] |= 1 << len(asked)
            asked.append((rare, word))
        return self._best(scores, matched, asked, limit)

    def _best(
        self, scores: Mapping[int, float], matched: Mapping[int, int], asked: Sequence[tuple[float, str]], limit: int
    ) -> list[Hit]:
        """`matched`: a bit for each of the words that were `asked` for."""
        found: dict[str, Hit] = {}
        heap = [(-score, number) for number, score in scores.items()]
        heapify(heap)
        while heap and len(found) < limit:
            worst, number = heappop(heap)
            piece = self._pieces[number]
            assert piece is not None
            path, first, last, _ = piece
            if path not in found:
                words = [one for place, one in enumerate(asked) if matched[number] >> place & 1]
                words.sort(key=lambda one: -one[0])
                found[path] = Hit(path, first, last, round(-worst, 3), tuple(word for _, word in words))
        return list(found.values())
