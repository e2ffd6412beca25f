"""Trees of files that are looked at again and again: what has changed since is edited into the last one."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock

from tree_sitter import Point, Tree

from .language import Language
from .parsing import parse

KEPT = 20
"""Trees."""
SMALLEST = 4096
"""Bytes of a text whose tree is kept; a smaller one is parsed anew as quickly."""


class Trees:
    """By path and language, the ones used last. For threads."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, Language], tuple[bytes, Tree]] = OrderedDict()
        self._lock = Lock()

    def tree(self, path: str, language: Language, data: bytes) -> Tree | None:
        """That of `data`; None as of `parse`."""
        with self._lock:
            old = self._kept.pop((path, language), None)
        tree = parse(language, data) if old is None else edited(language, old[0], old[1], data)
        if tree is not None and len(data) >= SMALLEST:
            with self._lock:
                self._kept[path, language] = data, tree
                while len(self._kept) > KEPT:
                    self._kept.popitem(last=False)
        return tree


def edited(language: Language, before: bytes, tree: Tree, after: bytes) -> Tree | None:
    """The tree of `after`, made of that of `before`, which is of no use any more."""
    start = _same(before, after)
    rest = min(len(before), len(after)) - start
    behind = _same(before[len(before) - rest :][::-1], after[len(after) - rest :][::-1])
    old_end, new_end = len(before) - behind, len(after) - behind
    tree.edit(start, old_end, new_end, _point(before, start), _point(before, old_end), _point(after, new_end))
    return parse(language, after, tree)


def _same(one: bytes, other: bytes) -> int:
    """With how many bytes both begin."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[:middle] == other[:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _point(data: bytes, byte: int) -> Point:
    return Point(data.count(b"\n", 0, byte), byte - (data.rfind(b"\n", 0, byte) + 1))
