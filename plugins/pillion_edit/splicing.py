"""The usual edit, quickly: lines that stand in the file to the letter, in one place alone, replaced in its bytes.

It does what the long way would do, or nothing: whatever is not plain is left to that.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pillion.textform import text_form

from .ellipsis import leaves_out
from .hunk import Hunk

LINES = 100
"""That an edit may add and still be looked at here."""


def spliced(data: bytes, hunks: Sequence[Hunk], *, ordered: bool) -> bytes | None:
    """With all hunks in it. None: one is not plain, or the file is not UTF-8 whose lines all end with a line feed."""
    form = text_form(data)
    if form is None or form.encoding != "utf-8" or not form.valid or b"\r" in data or not data.endswith(b"\n"):
        return None
    start = behind = len(form.mark)
    for hunk in hunks:
        if not hunk.old or hunk.scope or hunk.at_end or leaves_out(hunk.old, hunk.new):
            return None
        try:
            old, new = ("".join(f"{line}\n" for line in lines).encode() for lines in (hunk.old, hunk.new))
        except UnicodeEncodeError:
            return None
        places = _places(data, old, behind if ordered else start, start)
        at = next(places, -1)
        if hunk.behind and data.find(hunk.behind.encode("utf-8", "replace"), at) >= 0:
            return None
        if at < 0 or next(places, -1) >= 0 or b"\r" in new or _may_stand(data, at, hunk):
            return None
        data = data[:at] + new + data[at + len(old) :]
        behind = at + len(new)
    return data


def _places(data: bytes, old: bytes, behind: int, start: int) -> Iterator[int]:
    """Where `old` begins at the beginning of a line."""
    at = data.find(old, behind)
    while at >= 0:
        if at == start or data[at - 1 : at] == b"\n":
            yield at
        at = data.find(old, at + 1)


def _may_stand(data: bytes, at: int, hunk: Hunk) -> bool:
    """May the new lines be there already, over the old ones that begin at `at`?"""
    more = len(hunk.new) - len(hunk.old)
    if more < 0 or more > LINES:
        return more > 0
    first, last = at, at
    for _ in range(more):
        first = data.rfind(b"\n", 0, max(0, first - 1)) + 1
    for _ in hunk.new:
        last = data.find(b"\n", last) + 1 or len(data)
    there = [line.rstrip() for line in data[first:last].decode("utf-8-sig").split("\n")]
    new = [line.rstrip() for line in hunk.new]
    return any(there[place : place + len(new)] == new for place in range(len(there) - len(new) + 1))
