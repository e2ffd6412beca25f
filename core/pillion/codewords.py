"""The words of code, for those who keep them and those who look for them: identifiers split by case and underscore."""

from __future__ import annotations

import re
from collections import Counter
from functools import lru_cache

_NAME = re.compile(r"\w+")
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_A-Za-z]+")
LONGEST = 60
"""Characters of a name; longer ones are data."""


def words_of(text: str) -> Counter[str]:
    """How often each stands there: the parts of names and, of those with several, the whole; all in small letters,
    plurals as singulars."""
    found: Counter[str] = Counter()
    for name, count in Counter(_NAME.findall(text)).items():
        if len(name) <= LONGEST:
            for part in _parts(name):
                found[part] += count
    return found


@lru_cache(maxsize=65536)
def _parts(name: str) -> tuple[str, ...]:
    parts = [_single(part.lower()) for part in _PART.findall(name)]
    return tuple(parts) if len(parts) < 2 else (*parts, name.lower().strip("_"))


def _single(word: str) -> str:
    if len(word) > 4 and word.endswith("ies"):
        return f"{word[:-3]}y"
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")) else word
