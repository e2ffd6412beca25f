"""Where a request differs from one that was recorded, said to a person."""

from __future__ import annotations

import difflib
import textwrap
from collections.abc import Iterator

from .sameness import Plain

LINES = 24
"""Lines of a difference that are shown."""
WIDTH = 120
ROUND = 2
"""Equal lines before and after a change."""


def nearness(now: Plain, then: Plain) -> tuple[int, int]:
    """How much of two requests is equal: the more, the greater."""
    equal = sum(now.parts.get(name) == text for name, text in then.parts.items())
    return equal, -len(now.parts.keys() ^ then.parts.keys())


def difference(now: Plain, then: Plain) -> str:
    """The places that differ, and how the first of them does."""
    places = [name for name in dict.fromkeys((*then.parts, *now.parts)) if then.parts.get(name) != now.parts.get(name)]
    first = places[0]
    before, after = (list(_lines(plain.parts.get(first, ""))) for plain in (then, now))
    shown = list(difflib.unified_diff(before, after, f"recorded {first}", f"now {first}", n=ROUND, lineterm=""))
    if len(shown) > LINES:
        shown = [*shown[:LINES], f"… and {len(shown) - LINES} more lines"]
    return f"it differs in {', '.join(places)}:\n" + "\n".join(shown)


def _lines(text: str) -> Iterator[str]:
    """The lines as a person reads them: those inside JSON texts broken too, and long ones."""
    for line in text.replace("\\n", "\n").split("\n"):
        yield from textwrap.wrap(line, WIDTH, drop_whitespace=False, replace_whitespace=False) or [""]
