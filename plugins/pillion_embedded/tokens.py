"""The model's own tokenizer, as its GGUF file has it: byte pairs, as GPT-2 made them."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path

from pillion.tokens import Counter, Framing

from .gguf import read_merges

KNOWN = {"smollm"}
"""How files name the splitting of text into words that is done here. Others are not counted by their own tables."""
WORD = re.compile(r"'s|'t|'re|'ve|'m|'ll|'d| ?[^\W\d_]+| ?\d+| ?(?:[^\s\w]|_)+|\s+(?!\S)|\s+")
"""GPT-2's words, of what stands between single digits."""
DIGIT = re.compile(r"\d")
LONGEST = 48
"""Characters of a word that are joined at once: the time grows with the square, and real words are shorter."""
FRAMING = Framing(request=28, message=5, call=10, tool=8, kit=60, thinking=False)
"""By the templates of small models: `<|im_start|>user`, a line, `<|im_end|>`; a system text of their own where there is
none, some 25 tokens; and what prompt.py says of tools."""
PICTURE = 12
"""Words that stand for a picture."""


def counter(path: Path, name: str) -> Counter | None:
    """The counter of that file's model. None: its tokenizer is of another kind."""
    if read_merges(path, only_kind=True)[0] not in KNOWN:
        return None
    counting = functools.cache(functools.partial(_counting, path))
    return Counter(
        f"gguf {name}",
        lambda text: counting()(text),
        image=lambda _: PICTURE,
        framing=FRAMING,
        load=counting,
    )


def _counting(path: Path) -> Callable[[str], int]:
    """Reads the tables: a third of a second, and some 10 MB."""
    _, merges = read_merges(path)
    ranks = {pair: rank for rank, merge in enumerate(merges) if len(pair := tuple(merge.split(" "))) == 2}
    joined = functools.lru_cache(50_000)(functools.partial(_pieces, ranks))
    return lambda text: sum(map(joined, _words(text)))


def _words(text: str) -> Iterator[str]:
    at = 0
    for digit in DIGIT.finditer(text):
        yield from _cut(text[at : digit.start()])
        yield digit[0]
        at = digit.end()
    yield from _cut(text[at:])


def _cut(text: str) -> Iterator[str]:
    for word in WORD.findall(text):
        for at in range(0, len(word), LONGEST):
            yield word[at : at + LONGEST]


def _pieces(ranks: Mapping[tuple[str, ...], int], word: str) -> int:
    """How many tokens are left when the pairs of a word are joined, the first of the table first."""
    parts = [BYTES[byte] for byte in word.encode("utf-8", "replace")]
    none = len(ranks)
    while len(parts) > 1:
        found = [ranks.get(pair, none) for pair in pairwise(parts)]
        best = min(found)
        if best == none:
            break
        at = found.index(best)
        parts[at : at + 2] = [parts[at] + parts[at + 1]]
    return len(parts)


def _letters() -> dict[int, str]:
    """The letter by which GPT-2's tables write each byte: itself where that can be seen, else one of its own."""
    seen = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in seen]
    return {byte: chr(byte) for byte in seen} | {byte: chr(256 + at) for at, byte in enumerate(others)}


BYTES = _letters()
