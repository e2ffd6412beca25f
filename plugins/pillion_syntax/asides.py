"""What an editor asks of a text by itself: its documentation, the construct that a diagnostic stands in, its errors."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.parsers import expat

from tree_sitter import Node, QueryCursor, Tree

from .language import Language
from .lines import Lines
from .outline import bodies, outline_query, string_of
from .parsing import parse, query


def documentation(language: Language, source: str) -> list[str]:
    """Comments that document, those whose lines touch as one, and documentation strings; in the order of the text."""
    data = source.encode("utf-8", "replace")
    tree = parse(language, data)
    if tree is None:
        return []
    lines = Lines(data)
    places = sorted({(node.start_byte, node.end_byte) for node in _documenting(language, data, tree)})
    blocks: list[list[int]] = []
    for start, end in places:
        text = data[start:end].rstrip()
        if (
            blocks
            and data[blocks[-1][1] : start].strip() == b""
            and lines.line(start) - lines.line(blocks[-1][1] - 1) <= 1
        ):
            blocks[-1][1] = start + len(text)
        else:
            blocks.append([start, start + len(text)])
    return [data[start:end].decode("utf-8", "replace") for start, end in blocks]


def _documenting(language: Language, data: bytes, tree: Tree) -> Iterator[Node]:
    found = QueryCursor(query(language, outline_query(language))).captures(tree.root_node)
    docs = language.docs.encode()
    yield from (node for node in found.get("comment", ()) if re.match(docs, data[node.start_byte : node.end_byte]))
    if language.docstrings:
        yield from (text for body in (*bodies(language, tree), tree.root_node) if (text := string_of(body)) is not None)


def construct(language: Language, source: str, start: int, end: int, threshold: int) -> tuple[int, int]:
    """The bytes of what these stand in: the largest piece of syntax that fills its lines and has at most `threshold`
    more of them on either side; if there is none, the smallest that fills its lines."""
    data = source.encode("utf-8", "replace")
    tree = parse(language, data)
    if tree is None or not 0 <= start <= end <= len(data):
        return start, end
    lines = Lines(data)
    first, last = lines.line(start), lines.line(max(start, end - 1))
    best: tuple[int, int] | None = None
    for node in _around(tree.root_node, start, end):
        one = node.start_byte, node.end_byte
        above, below = first - lines.line(one[0]), lines.line(max(one[0], one[1] - 1)) - last
        if not _fills(data, *one):
            continue
        if best is None or max(above, below) <= threshold:
            best = one
        if max(above, below) > threshold:
            break
    return best or (start, end)


def _around(root: Node, start: int, end: int) -> list[Node]:
    """The nodes that hold these bytes, the innermost first; without the whole."""
    found: list[Node] = []
    node: Node | None = root
    while node is not None:
        found.append(node)
        child = node.first_child_for_byte(start) if node.child_count else None
        node = child if child is not None and child.start_byte <= start and end <= child.end_byte else None
    return [node for node in reversed(found[1:]) if node.is_named]


def _fills(data: bytes, start: int, end: int) -> bool:
    """Is there nothing else on its lines, a separator behind it left out?"""
    before = data[data.rfind(b"\n", 0, start) + 1 : start]
    line = data.find(b"\n", end)
    after = data[end : len(data) if line < 0 else line]
    return not before.strip() and not after.strip(b" \t\r,;")


def is_xml(text: str) -> bool:
    """Is it XML: a document, or elements one after the other, with or without text between?"""
    return _parses(text) or (not text.lstrip().startswith(("<?xml", "<!")) and _parses(f"<all>{text}</all>"))


def _parses(text: str) -> bool:
    parser = expat.ParserCreate()
    try:
        parser.Parse(text.encode("utf-8", "surrogatepass"), True)
    except (expat.ExpatError, ValueError):
        return False
    return True
