"""A hunk that leaves lines out: `...` stands for whatever is between the lines before and behind it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from difflib import SequenceMatcher

from msgspec import structs

from .hunk import Hunk
from .locating import Index, Place, fits, located

_LEFT_OUT = re.compile(
    r"""\s* (?: \# | // | /\* | -- | ; | % | <!-- | \{/\* )? \s*
        (?: \.{3} | … ) \s*
        (?: [\w ,'()-]* \b (?:existing|rest|remaining|unchanged|other|same|more|code|omitted|here) \b [\w ,'()-]* )?
        (?: \.{3} | … )? \s* (?: \*/ | --> | \*/\} )? \s*""",
    re.VERBOSE | re.IGNORECASE,
)

_COMMENT = re.compile(
    r"""\s* (?: (?: \#+ | //+ | /\*+ | --+ | ;+ | %+ | <!--+ | \{/\* | \{\# | \{- | ' | REM\b | \(\* ) (?P<said> .*? )
        (?: \*+/ | --+> | \*/\} | \#\} | -\} | \*\) )? | (?P<bare> [\[(<*_{]+ .* [\])>*_}]+ ) ) \s*""",
    re.VERBOSE | re.IGNORECASE,
)
_STAYS = re.compile(
    r"""\b (?: unchanged | unmodified | untouched | unaltered | omitted | elided | snip | snipped
        | truncated | abbreviated
        | for\ brevity | not\ shown | goes\ here | no\ (?:other\ |further\ |more\ )?(?:changes?|modifications?|edits?)
        | and\ so\ (?:on|forth) | (?:as|like)\ (?:in\ (?:the|your)\ )?(?:original|current|previous|before)
        | (?:same\ )?as\ (?:it\ was\ |they\ were\ )?(?:before|above|is) | as\ (?:it|they)\ (?:is|are|was|were)
        | (?:stays?|remains?|kept|keep|leave|left)\b .* \b(?:same|is|are|it|them|before|here|below|above|rest)
        | existing\ (?:code|implementation|content|lines|functions?|methods?|logic|imports?|tests?|stuff)
        | (?:rest|remainder)\ of\ (?:the\ |your\ |this\ )?(?:\w+\ )?
          (?:file|code|class|functions?|methods?|module|content|script|document|implementation|body|text|lines|sections?)
        ) \b""",
    re.VERBOSE | re.IGNORECASE,
)
_MAY_STAY = re.compile(
    r"""(?: .* \b (?:the|all)\ (?:rest|others?) $
        | (?: (?:the|all|and|any|your|plus|with|keep|leave|of|these|those|here|todo|note) \b \s* )*
          (?: rest | remaining | remainder | others? | existing | previous | original | everything | same | more | etc
            | remains? ) \b .* )""",
    re.VERBOSE | re.IGNORECASE,
)
_LONGEST = 12
"""Words of a comment that may stand for lines."""
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
    if hunk.at_end and found:
        found[-1] = structs.replace(found[-1], at_end=True)
    return found if all(part.old for part in found) else None


def places(index: Index, cut: Sequence[Hunk], within: range) -> list[Place] | None:
    """The place of each part, one behind the other, and inside what it is inside of in the hunk. Raises Ambiguous."""
    found: list[Place] = []
    for part in cut:
        place = located(index, part, within)
        if place is None:
            return None
        found.append(place)
        within = range(place.span[1], len(index.lines) + 1)
    old, at = [line for part in cut for line in part.old], [line for place in found for line in place.at]
    return found if fits(index, old, at) else None


def leaves_out(old: Sequence[str], new: Sequence[str]) -> bool:
    """Do new lines have an ellipsis for lines of `old`, which would be lost if they were taken to the letter?

    A comment with dots and words always does. One with dots or words alone, and a bare `...`, which may be code below
    a head, does where lines become fewer; `...rest`, which is code, never does. Where lines are alike, those that go
    may seem to stand elsewhere than the ellipsis that is to be for them.
    """
    had = {line.strip() for line in old}
    if not any(_may_mean(line) for line in new if line.strip() not in had) and not _dots(new) - _dots(old):
        return False
    changes = SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    lost = any(kind in ("delete", "replace") for kind, *_ in changes)
    less = len(new) < len(old)
    for kind, first, last, begin, end in changes:
        fewer = last - first > end - begin
        instead = kind == "replace" or (kind == "insert" and lost)
        if instead and any(_means(new, number, fewer, fewer or less) for number in range(begin, end)):
            return True
    return False


def _may_mean(line: str) -> bool:
    return _LEFT_OUT.fullmatch(line) is not None or _said(line) != ""


def _said(line: str) -> str:
    """What a comment that may stand for lines says, without its brackets and rules; dots alone say `...`."""
    found = _COMMENT.fullmatch(line)
    words = (found["said"] or found["bare"] or "") if found else ""
    said = re.sub(r"[^\w\s]", " ", words).split()
    if not said and re.search(r"[.…⋮]", words):
        return "..."
    text = " ".join(said)
    return text if len(said) <= _LONGEST and (_STAYS.search(text) or _MAY_STAY.fullmatch(text)) else ""


def _means(new: Sequence[str], number: int, fewer: bool, less: bool) -> bool:
    """Is this line one for others?"""
    line = new[number].strip()
    if not line or _SPREAD.fullmatch(line):
        return False
    if not _LEFT_OUT.fullmatch(line):
        said = _said(line)
        return bool(said) and (less or said == "..." or _STAYS.search(said) is not None)
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
