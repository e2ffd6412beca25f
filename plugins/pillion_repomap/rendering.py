"""A map as text: the heads of definitions by file and line, as many as fit into the tokens that are given."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from pillion.contracts.code import Symbol

from .ranked import Ranked, by_file

TOKENS_EACH = 25
"""About so many for one definition: with how many the search begins."""
WIDEST = 100
"""Characters of a line."""
HOLDERS = frozenset(["class", "struct", "interface", "trait", "enum", "implementation", "module"])

Count = Callable[[str], int]


def rendered(ranked: Sequence[Ranked], holders: Mapping[str, Sequence[Symbol]], budget: int, count: Count) -> str:
    """The largest map of the first ones of `ranked` that has at most `budget` tokens; "" where none fits.

    `holders` are by path the definitions in which others may stand.
    """
    best, low, high = "", 0, len(ranked)
    middle = min(budget // TOKENS_EACH, high)
    while low <= high:
        text = tree(ranked[:middle], holders)
        size = count(text)
        if size <= budget:
            best, low = text, middle + 1
        else:
            high = middle - 1
        if size <= budget and size >= budget * 0.97:
            break
        middle = (low + high) // 2
    return best


def tree(ranked: Sequence[Ranked], holders: Mapping[str, Sequence[Symbol]]) -> str:
    """Files by name, their definitions by line, each below the heads of what it stands in."""
    lines: list[str] = []
    for path, symbols in by_file(ranked).items():
        lines.append(f"{path}:")
        shown: set[int] = set()
        for symbol in symbols:
            above = [one for one in holders.get(path, ()) if one.first <= symbol.first and symbol.last <= one.last]
            for depth, one in enumerate([*(one for one in above if one.line < symbol.line), symbol]):
                if one.line not in shown:
                    shown.add(one.line)
                    lines.append(f"{one.line:>5} {'  ' * depth}{_cut(one.head)}")
    return "\n".join(lines)


def _cut(head: str) -> str:
    return head if len(head) <= WIDEST else f"{head[: WIDEST - 1]}…"
