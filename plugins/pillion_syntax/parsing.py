"""A text's syntax tree, made by tree-sitter within a time; and the errors that stand in it. For a thread.

A parse holds Python's lock; text that is handed over in pieces lets others have it in between.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from functools import cache
from importlib import import_module

import tree_sitter
from tree_sitter import Node, Parser, Query, Tree

from .language import Language

LARGEST = 1_000_000
"""Bytes of a text that is parsed."""
SECONDS = 1.0
"""For a parse."""
PIECE = 16 * 1024
RAGGED = 10_000**2
"""The square of the tokens without a name in one error, of all errors together."""
DEEPEST = 30_000
"""Levels of a tree."""
STEP = 4096
"""Bytes after which it is looked how deep it is; what is shorter has fewer levels than 16 bits can count."""
MOST = 20
"""Errors that are looked for."""
LOOKED_AT = 20_000
"""Nodes of the tree that are, meanwhile."""

YIELD = 0.001
"""Seconds in which others have Python's lock, before a query is compiled, which holds it for some milliseconds."""

Found = tuple[int, int, str]
"""Line and column from 1, and what is wrong there."""


def parse(language: Language, data: bytes, old: Tree | None = None) -> Tree | None:
    """None for a text that is too long, takes too long, or is too broken to be looked at. `old`: the tree of the text
    before, told of what was edited.

    Raises MissingLibrary.
    """
    if len(data) > LARGEST:
        return None
    until = time.monotonic() + SECONDS
    parser = Parser(grammar(language))

    def late(*_: object) -> bool:
        return time.monotonic() > until

    def piece(offset: int, _: object) -> bytes:
        """Of a late one the text is at its end: within a token, which may be looked for to the end of the text at each
        of its places, nobody is asked whether it goes on."""
        return b"" if late() else data[offset : offset + PIECE]

    try:
        tree = parser.parse(piece, progress_callback=late) if old is None else parser.parse(piece, old, "utf8", late)
    except ValueError:  # it was stopped
        return None
    if late():
        return None
    return tree if is_tame(tree.root_node) else None


def is_tame(root: Node) -> bool:
    """Can queries look at it in a time that grows with its size?"""
    return not _is_ragged(root) and not _is_deep(root)


def _is_deep(root: Node) -> bool:
    """A query counts levels in 16 bits: with more of them it loses names, and takes minutes."""
    for byte in range(0, root.end_byte, STEP):
        cursor, depth = root.walk(), 0
        while cursor.goto_first_child_for_byte(byte) is not None:
            depth += 1
            if depth > DEEPEST:
                return True
    return False


def _is_ragged(root: Node) -> bool:
    """A query takes the square of the tokens without a name that stand side by side in an error: minutes for 500,000
    brackets, in which nothing else runs."""
    cost, cursor = 0, root.walk()
    while True:
        node = cursor.node
        if node is not None and node.has_error:
            if node.is_error:
                cost += (node.child_count - node.named_child_count) ** 2
            if cost > RAGGED:
                return True
            if cursor.goto_first_child():
                continue
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return False


@cache
def grammar(language: Language) -> tree_sitter.Language:
    """Raises MissingLibrary."""
    language.needed()
    return tree_sitter.Language(getattr(import_module(language.grammar), language.function)())


@cache
def query(language: Language, text: str) -> Query:
    """`text` in tree-sitter's language of queries. Raises MissingLibrary; ValueError for what is wrong in it."""
    return new_query(language, text)


def new_query(language: Language, text: str) -> Query:
    """The same, for who wants one of its own."""
    time.sleep(YIELD)
    try:
        return Query(grammar(language), text)
    except tree_sitter.QueryError as error:
        raise ValueError(f"A query of {language.name} is wrong: {error}") from error


def new_errors(language: Language, before: str | None, after: str) -> list[Found]:
    """The errors of `after`; of those that `before` had, too, wherever they stood, only as many as are more.

    None for a text that is too long, or takes too long.
    """
    found = errors(language, after)
    if not found or before is None:
        return found or []
    old = errors(language, before)
    if old is None:
        return []
    lines = after.split("\n"), before.split("\n")
    known = Counter(_key(one, lines[1]) for one in old)
    new = []
    for one in found:
        known[_key(one, lines[0])] -= 1
        if known[_key(one, lines[0])] < 0:
            new.append(one)
    return new


def errors(language: Language, text: str) -> list[Found] | None:
    """The first ones, in the order of the text, one a line. None: it could not be parsed in time."""
    data = text.encode("utf-8", "replace")
    tree = parse(language, data)
    if tree is None:
        return None
    found: dict[int, Found] = {}
    for node in _wrong(tree.root_node):
        row, column = node.start_point
        start = node.start_byte - column
        words = f"{node.type} is missing" if node.is_missing else "syntax error"
        place = len(data[start : node.start_byte].decode("utf-8", "replace")) + 1
        found.setdefault(row, (row + 1, place, words))
        if len(found) == MOST:
            break
    if tree.root_node.has_error and not found:
        return [(1, 1, "syntax error")]
    return sorted(found.values())


def _wrong(root: Node) -> Iterator[Node]:
    """Errors, and what is missing; the outer ones first. Only into what holds one is looked."""
    rest, left = [root] if root.has_error else [], LOOKED_AT
    while rest and left:
        node = rest.pop()
        left -= 1
        if (node.is_error and node != root) or node.is_missing:
            yield node
        rest += [child for child in reversed(node.children) if child.has_error]


def _key(found: Found, lines: list[str]) -> tuple[str, str]:
    """An error that has only moved is the same."""
    return found[2], lines[found[0] - 1].strip() if found[0] <= len(lines) else ""
