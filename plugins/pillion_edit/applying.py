"""Hunks into a text: each where it fits in one place only, its context as the file has it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

from msgspec import Struct, structs

from . import ellipsis
from .aligning import aligned
from .document import Document, Kept, Piece
from .hunk import Hunk
from .indentation import Indentation, Unsure
from .likeness import Level, indent, key
from .locating import Ambiguous, Index, Place, is_meant, located
from .merging import alike, merged
from .refusals import Refused, ambiguous, left_out, missing, outside, placeless, undivided, unsure
from .scopes import scope_lines

WORDS = 3
"""Letters and digits from which on lines say something."""
HALF = 0.5
"""Of a hunk's old lines: where so many stand is what it may mean."""


class Applied(Struct, frozen=True):
    """The text with the hunks in it. `already`: numbers of hunks, from 1, that were in it before; `loose`: of those
    that were found though not exact."""

    document: Document
    already: tuple[int, ...] = ()
    loose: tuple[int, ...] = ()


def applied(document: Document, hunks: Sequence[Hunk], *, ordered: bool = False) -> Applied:
    """All hunks, one after the other; `ordered`: each stands behind the one before it. Raises Refused."""
    already: list[int] = []
    loose: list[int] = []
    behind = 0
    for number, hunk in enumerate(hunks, 1):
        try:
            done = _one(document, hunk, behind if ordered else 0)
        except Refused as refused:
            raise refused.of(number, len(hunks)) from None
        if done.document is document:
            already.append(number)
        if done.level > Level.EXACT:
            loose.append(number)
        document, behind = done.document, done.end
    return Applied(document, tuple(already), tuple(loose))


def meant(document: Document, hunk: Hunk) -> Hunk:
    """Of its readings the one whose old lines stand in the file, to the letter and once. Raises Refused."""
    if not hunk.others:
        return hunk
    index = Index(document.lines)
    found = [one for one in (hunk, *hunk.others) if len(index.runs(one.old, Level.EXACT)) == 1]
    if len(found) != 1:
        raise undivided(document.path, len(found))
    return structs.replace(found[0], others=())


class _Done(Struct, frozen=True):
    document: Document
    end: int
    level: Level = Level.EXACT


def _one(document: Document, hunk: Hunk, behind: int) -> _Done:
    index = Index(document.lines, document.path)
    if not hunk.old:
        return _inserted(document, index, hunk, behind)
    try:
        parts, places = _found(index, hunk, range(behind, len(document.lines) + 1))
    except Ambiguous as error:
        raise ambiguous(document.path, error.starts) from None
    if not places:
        if _says_it_all(index, hunk):
            return _Done(document, behind)
        raise _nowhere(document, index, hunk)
    if all(_stands(index, part.new, place.span) for part, place in zip(parts, places, strict=True)):
        return _Done(document, places[-1].span[1])
    if any(ellipsis.leaves_out(part.old, part.new) for part in parts):
        raise left_out(document.path, places[0].span[0])
    return _replaced(document, parts, places)


def _nowhere(document: Document, index: Index, hunk: Hunk) -> Refused:
    """Is it elsewhere than it says?"""
    try:
        elsewhere = located(index, Hunk(hunk.old, hunk.new), range(len(document.lines) + 1))
    except Ambiguous:
        elsewhere = None
    if elsewhere and (hunk.scope or hunk.at_end):
        return outside(document.path, elsewhere.span[0], hunk)
    return missing(document, hunk)


def _found(index: Index, hunk: Hunk, within: range) -> tuple[list[Hunk], list[Place]]:
    """The parts of the hunk and their places; none: it is nowhere, or done already. Raises Ambiguous."""
    if place := located(index, hunk, within):
        return [hunk], [place]
    parts = ellipsis.parts(hunk)
    if parts and (places := ellipsis.places(index, parts, within)):
        return parts, places
    if not _says_it_all(index, hunk) and (place := aligned(index, hunk, within)):
        return [hunk], [place]
    return [], []


def _inserted(document: Document, index: Index, hunk: Hunk, behind: int) -> _Done:
    """A hunk without lines that it stands at: behind its scope's head, at the end, or in an empty file."""
    heads = scope_lines(document.lines, hunk.scope, range(behind, len(document.lines)))
    if len(heads) > 1:
        raise ambiguous(document.path, heads)
    at = heads[0] + 1 if heads else len(document.lines)
    if not heads and (hunk.scope or not (hunk.at_end or not document.lines)):
        raise placeless(document)
    if tuple(document.lines[at : at + len(hunk.new)]) == hunk.new or _ends_with(document, hunk, at):
        return _Done(document, at)
    pieces: list[Piece] = [Kept(0, at), *hunk.new, Kept(at, len(document.lines))]
    return _Done(document.changed(pieces), at + len(hunk.new))


def _ends_with(document: Document, hunk: Hunk, at: int) -> bool:
    return at == len(document.lines) and bool(hunk.new) and tuple(document.lines[-len(hunk.new) :]) == hunk.new


def _replaced(document: Document, parts: Sequence[Hunk], places: Sequence[Place]) -> _Done:
    pieces: list[Piece] = []
    at = 0
    for part, place in zip(parts, places, strict=True):
        start, end = place.span
        pieces.append(Kept(at, start))
        pieces += _pieces(document, part, place)
        at = end
    pieces.append(Kept(at, len(document.lines)))
    done = document.changed(pieces)
    return _Done(done, len(done.lines) - (len(document.lines) - at), max(place.level for place in places))


def _pieces(document: Document, hunk: Hunk, place: Place) -> list[Piece]:
    """The lines that come in the place of those that were found."""
    lines = _Lines(document, hunk, place)
    out: list[Piece] = []
    at = place.span[0]
    for kind, first, last, begin, end in lines.changes:
        there = [number for number in place.at[first:last] if number is not None]
        if kind == "equal":
            if there:
                out.append(Kept(at, there[-1] + 1))  # what came between stays, too
                at = there[-1] + 1
            continue
        if there:
            if there[-1] - there[0] + 1 != len(there):
                raise unsure(document.path, there[0], "between the lines to change there are others by now")
            out.append(Kept(at, there[0]))
            at = there[-1] + 1
        out += lines.new(range(first, last), range(begin, end))
    return out


class _Lines:
    """A hunk's new lines as they look in the file."""

    def __init__(self, document: Document, hunk: Hunk, place: Place) -> None:
        self._document, self._hunk, self._place = document, hunk, place
        self.changes = SequenceMatcher(None, hunk.old, hunk.new, autojunk=False).get_opcodes()
        self._pairs = [(line, document.lines[n]) for line, n in zip(hunk.old, place.at, strict=True) if n is not None]
        self._indentation = Indentation(self._pairs, hunk.new, document.lines)
        self._carries = not self._indentation.same and self._in_its_own_frame()
        ends = [(old != old.rstrip(), there != there.rstrip()) for old, there in self._pairs if old.strip()]
        self._strips = bool(ends) and all(mine and not theirs for mine, theirs in ends)

        self._spaced = self._spaces_otherwise()

    def _spaces_otherwise(self) -> bool:
        """Has the hunk other white space within most lines, also within those that it leaves alone?"""
        spaced = [(old, there) for old, there in self._pairs if len(old.split()) > 1]
        strange = [(old, there) for old, there in spaced if _inner(old) != _inner(there)]
        return len(strange) * 2 > len(spaced) and any(old in self._hunk.new for old, _ in strange)

    def new(self, olds: range, news: range) -> Iterator[Piece]:
        """Those that come for these of `old`."""
        pairs = dict(self._twins(olds, news))
        for number in news:
            line = self._hunk.new[number]
            if self._strips:
                line = line.rstrip()
            if number in pairs:
                yield self._twin(pairs[number], line)
            else:
                yield self._fresh(line)

    def _in_its_own_frame(self) -> bool:
        """Are the new lines indented as `old` is, or as the file is? Raises Refused where nothing tells."""
        at, file = self._place.at, self._document.lines
        drifted = {i for i, n in enumerate(at) if n is not None and indent(self._hunk.old[i]) != indent(file[n])}
        told: set[bool] = set()
        for kind, first, last, begin, end in self.changes:
            if kind == "equal":
                told |= {True for i in range(first, last) if i in drifted and self._hunk.old[i].strip()}
                continue
            for number, i in self._twins(range(first, last), range(begin, end)):
                if i in drifted:
                    mine, n = indent(self._hunk.new[number]), at[i]
                    told |= {True} if mine == indent(self._hunk.old[i]) else set()
                    told |= {False} if n is not None and mine == indent(file[n]) else set()
        if len(told) != 1:
            raise unsure(self._document.path, self._place.span[0], "the indentation differs, and it is not clear how")
        return told.pop()

    def _twins(self, olds: range, news: range) -> Iterator[tuple[int, int]]:
        """Numbers of new lines that are an old one, changed; in order."""
        at = olds.start
        for number in news:
            if not self._hunk.new[number].strip():
                continue
            for i in range(at, olds.stop):
                if self._hunk.old[i].strip() and alike(self._hunk.old[i], self._hunk.new[number]):
                    yield number, i
                    at = i + 1
                    break

    def _twin(self, i: int, line: str) -> str:
        old, n = self._hunk.old[i], self._place.at[i]
        there = old if n is None else self._document.lines[n]
        if old == there or old.strip() == there.strip():
            return self._carried(line)
        result = merged(old.strip(), there.strip(), line.strip())
        if result is None:
            raise unsure(self._document.path, n or 0, "a line to change is not quite the one that is there")
        return indent(self._carried(line)) + result

    def _fresh(self, line: str) -> str:
        """A line for which the file has no model: it must not be written in ways that the hunk has and the file not."""
        if len(line.split()) > 1 and self._spaced:
            raise unsure(self._document.path, self._place.span[0], "the file has other white space within its lines")
        for old, there in self._pairs:
            if key(old, Level.SPACED) == key(there, Level.SPACED):
                continue
            if strange := {sign for sign in line if sign in old and sign not in there and not sign.isalnum()}:
                signs = " ".join(sorted(strange))
                why = f"the file has other signs where this has {signs}"
                raise unsure(self._document.path, self._place.span[0], why)
        return self._carried(line)

    def _carried(self, line: str) -> str:
        if not self._carries:
            return line
        try:
            return self._indentation.carried(line)
        except Unsure:
            why = "the indentation differs, and it is not clear how"
            raise unsure(self._document.path, self._place.span[0], why) from None


def _inner(line: str) -> list[str]:
    """The white space between its words."""
    return re.findall(r"\s+", line.strip())


def _stands(index: Index, new: Sequence[str], span: tuple[int, int]) -> bool:
    """Is it in the file already, about `span`?"""
    if not new:
        return False
    for start in range(max(0, span[1] - len(new)), span[0] + 1):
        there = index.lines[start : start + len(new)]
        if tuple(there) == tuple(new) or [line.rstrip() for line in there] == [line.rstrip() for line in new]:
            return True
    return False


def _says_it_all(index: Index, hunk: Hunk) -> bool:
    """`old` is nowhere; is that because `new` stands there instead?

    Where lines only go, it says so if they went from between others: a rest that has lost its edge stands there anyway.
    And not while half of `old` stands somewhere else, or more than half where lines only go: that may be what is
    meant, changed by somebody.
    """
    old, new = ([line.strip() for line in lines] for lines in (hunk.old, hunk.new))
    added = [line for line in new if line not in old]
    if not added and new and (old[0] != new[0] or old[-1] != new[-1]):
        return False
    words = sum(map(_letters, added or new))
    if words <= WORDS or (not added and sum(map(bool, new)) < 2):
        return False
    levels = (Level.EXACT, Level.TRAILING, Level.INDENTED)
    start = next((run[0] for run in (index.runs(hunk.new, level) for level in levels) if len(run) == 1), None)
    if start is None or not is_meant(index, hunk, start, start + len(new)):
        return False
    share = _share(index, old, range(start, start + len(new)))
    return share < HALF or (share == HALF and not added)


def _share(index: Index, old: Sequence[str], apart: range) -> float:
    """Of these lines, the largest part that stands in one place, in lines that are not `apart`: 0 to 1."""
    found, keys = index.found(Level.INDENTED), index.keys(Level.INDENTED)
    said = [i for i, line in enumerate(old) if _letters(line) >= WORDS]
    starts = {there - i for i in said for there in found.get(old[i], ()) if there not in apart}

    def alike_at(start: int) -> int:
        there = ((i, start + i) for i in said if start + i not in apart)
        return sum(1 for i, number in there if 0 <= number < len(keys) and keys[number] == old[i])

    return max(map(alike_at, starts), default=0) / len(said) if len(said) > 1 else 0.0


def _letters(line: str) -> int:
    return sum(map(str.isalnum, line))
