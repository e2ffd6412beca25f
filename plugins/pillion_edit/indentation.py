"""Where lines were matched at another indentation, new lines get the file's: by the pairs seen, else by levels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import pairwise
from math import gcd

from .likeness import indent


class Unsure(Exception):
    """Two indentations are as likely."""


class Indentation:
    """Carries indentation from how an edit has it to how the file has it, given pairs of matched lines."""

    def __init__(self, pairs: Iterable[tuple[str, str]], new: Sequence[str], file: Sequence[str]) -> None:
        self._known: dict[str, str | None] = {}
        for given, there in pairs:
            if given.strip():
                self._learn(indent(given), indent(there))
        self.same = all(given == there for given, there in self._known.items())
        """Nothing is to be carried."""
        self._given = _unit([*self._known, *(indent(line) for line in new if line.strip())])
        self._file = file

    @cached_property
    def _there(self) -> int:
        """The columns of a level in the file."""
        return _step(self._file)

    def _learn(self, given: str, there: str) -> None:
        known = self._known.setdefault(given, there)
        if known != there:
            self._known[given] = None  # one became two: it says nothing

    def carried(self, line: str) -> str:
        """`line`, indented as the file would. Raises Unsure."""
        if not line.strip():
            return line
        given = indent(line)
        known = self._known.get(given, "")
        if known is None:
            raise Unsure
        if given in self._known:
            return known + line.lstrip()
        return self._by_level(given) + line.lstrip()

    def _by_level(self, given: str) -> str:
        pairs = [(old, there) for old, there in self._known.items() if there is not None]
        tabs = {there[0] == "\t" for _, there in pairs if there}
        if not pairs or len(tabs) > 1 or {sign for old, _ in pairs for sign in old} | {*given} == {" ", "\t"}:
            raise Unsure
        style = tabs.pop() if tabs else "\t" in given
        if style or _tabbed(pairs, given):
            return self._converted(pairs, given)
        return _by_columns(pairs, given, self._given)

    def _converted(self, pairs: list[tuple[str, str]], given: str) -> str:
        """Between tabs and spaces: levels are counted, and differ by the same number everywhere."""
        unit = self._there if any(" " in there for _, there in pairs) else 1
        shifts = {_level(there, unit) - _level(old, self._given) for old, there in pairs}
        if len(shifts) != 1:
            raise Unsure
        level = _level(given, self._given) + shifts.pop()
        if level < 0:
            raise Unsure
        return (" " * unit if unit > 1 else "\t") * level


def _by_columns(pairs: list[tuple[str, str]], given: str, unit: int) -> str:
    """Spaces on both sides: moved by the same number of columns, or by the same factor."""
    shifts = {len(there) - len(old) for old, there in pairs}
    factors = {len(there) / len(old) for old, there in pairs if old}
    widths: set[float] = set()
    if len(factors) == 1 and not any(there for old, there in pairs if not old):
        widths.add(len(given) * min(factors))
    if len(shifts) == 1:
        moved = len(given) + min(shifts)
        widths = {moved} if unit % 4 == 0 else {*widths, moved}  # levels of four are not made of levels of two
    if len(widths) != 1 or (width := widths.pop()) < 0 or width != int(width):
        raise Unsure
    return " " * int(width)


def _tabbed(pairs: list[tuple[str, str]], given: str) -> bool:
    return "\t" in given or any("\t" in old for old, _ in pairs)


def _step(lines: Sequence[str]) -> int:
    """The columns of one level in a file: by how much most lines that are deeper than the one before them are."""
    widths = [len(indent(line)) for line in lines if line.strip() and "\t" not in indent(line)]
    steps = Counter(after - before for before, after in pairwise(widths) if after > before)
    return steps.most_common(1)[0][0] if steps else 4


def _unit(indents: Iterable[str]) -> int:
    """The columns of one level, 1 for tabs."""
    return gcd(*(len(one) for one in indents if one and "\t" not in one)) or 1


def _level(indent: str, unit: int) -> int:
    if not indent.strip("\t"):
        return len(indent)
    if indent.strip(" ") or len(indent) % unit:
        raise Unsure
    return len(indent) // unit
