"""A hunk that leaves lines out: `...` stands for whatever is between the lines before and behind it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from difflib import SequenceMatcher

from .hunk import Hunk
from .locating import Index, Place, located

_LEFT_OUT = re.compile(
    r"""\s* (?: \# | // | /\* | -- | ; | % | <!-- | \{/\* )? \s*
        (?: \.{3} | … ) \s*
        (?: [\w ,'()-]* \b (?:existing|rest|remaining|unchanged|other|same|more|code|omitted|here) \b [\w ,'()-]* )?
        (?: \.{3} | … )? \s* (?: \*/ | --> | \*/\} )? \s*""",
    re.VERBOSE | re.IGNORECASE,
)

_IN_WORDS = re.compile(
    r"""\s* (?: \# | // | /\* | -- | ; | % | <!-- | \{/\* ) \s* (?: \(\s* )?
        (?: (?:the[ ])? (?:rest|remaining|remainder|other|existing|everything) \b .*
            (?:unchanged|same|before|omitted|code)
          | (?:unchanged|same[ ]as[ ]before) ) \b .*""",
    re.VERBOSE | re.IGNORECASE,
)
_SPREAD = re.compile(r"\s*\.{3}\w.*")


def parts(hunk: Hunk) -> list[Hunk] | None:
    """The hunk cut at its ellipses, each part with its old and new lines. None: it has none, they don't pair, or beside
    one something changes, so that nobody can tell where what it stands for ends."""
    old, new = _cut(hunk.old), _cut(hunk.new)
    if len(old) < 2 or len(old) != len(new):
        return None
    pairs = list(zip(old, new, strict=True))
    if any(a[-1:] != b[-1:] for a, b in pairs[:-1]) or any(a[:1] != b[:1] for a, b in pairs[1:]):
        return None
    found = [Hunk(before, after, hunk.scope) for before, after in pairs if before or after]
    return found if all(part.old for part in found) else None


def places(index: Index, cut: Sequence[Hunk], within: range) -> list[Place] | None:
    """The place of each part, one behind the other. Raises Ambiguous."""
    found: list[Place] = []
    for part in cut:
        place = located(index, part, within)
        if place is None:
            return None
        found.append(place)
        within = range(place.span[1], len(index.lines) + 1)
    return found


def leaves_out(old: Sequence[str], new: Sequence[str]) -> bool:
    """Do new lines have an ellipsis for lines of `old`, which would be lost if they were taken to the letter?

    A comment with dots and words always does. One with dots or words alone, and a bare `...`, which may be code below
    a head, does where lines become fewer; `...rest`, which is code, never does. Where lines are alike, those that go
    may seem to stand elsewhere than the ellipsis that is to be for them.
    """
    if not _dots(new) - _dots(old) and not any(map(_IN_WORDS.fullmatch, new)):
        return False
    changes = SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    lost = any(kind in ("delete", "replace") for kind, *_ in changes)
    for kind, first, last, begin, end in changes:
        fewer = last - first > end - begin
        instead = kind == "replace" or (kind == "insert" and lost)
        if instead and any(_means(new, number, fewer) for number in range(begin, end)):
            return True
    return False


def _means(new: Sequence[str], number: int, fewer: bool) -> bool:
    """Is this line one for others?"""
    line = new[number].strip()
    if not line or _SPREAD.fullmatch(line):
        return False
    if not _LEFT_OUT.fullmatch(line):
        return fewer and _IN_WORDS.fullmatch(line) is not None
    if any(map(str.isalpha, line)):
        return True
    above = next((one.strip() for one in reversed(new[:number]) if one.strip()), ":")
    return fewer and not (line in ("...", "…") and above.endswith((":", '"""')))


def _dots(lines: Sequence[str]) -> Counter[str]:
    """The ellipses, and how often each is there."""
    return Counter(line.strip() for line in lines if line.strip() and _LEFT_OUT.fullmatch(line))


def _cut(lines: Sequence[str]) -> list[tuple[str, ...]]:
    cut: list[tuple[str, ...]] = []
    part: list[str] = []
    for line in lines:
        if line.strip() and _LEFT_OUT.fullmatch(line):
            cut.append(tuple(part))
            part = []
        else:
            part.append(line)
    return [*cut, tuple(part)]
