"""What an index keeps of one file: its definitions, and the names that it uses, by line."""

from __future__ import annotations

from collections import defaultdict

from tree_sitter import QueryCursor, Tree

from pillion.codewords import words_of
from pillion.contracts.code import CodeFile, Piece, Symbol, Use

from .chunking import chunks
from .compressed import head
from .language import Language
from .outline import outline
from .parsing import query

SHORTEST = 2
"""Characters of a name that is kept as used."""
LONGEST = 100
ORDER = ("call", "type", "import")
"""Of two kinds for one place the first counts; whatever has none of them is a `name`."""


def symbols_of(language: Language, path: str, hash: str, data: bytes, tree: Tree) -> CodeFile:
    """Raises ValueError when the language's queries are wrong."""
    nodes = outline(language, data, tree, docs=False)
    defined = tuple(
        Symbol(node.kind, node.name, node.owner, node.span.first, node.span.last, node.naming.first, head(data, node))
        for node in nodes
        if node.kind != "import" and node.name
    )
    places = {node.naming.start for node in nodes if node.kind != "import"}
    return CodeFile(path, hash, language.name, defined, _uses(language, data, tree, places), pieces_of(data, tree))


def pieces_of(data: bytes, tree: Tree) -> tuple[Piece, ...]:
    """The file's chunks with their words."""
    return tuple(
        Piece(span.first, span.last, words_of(data[span.start : span.end].decode("utf-8", "replace")))
        for span in chunks(data, tree)
    )


def _uses(language: Language, data: bytes, tree: Tree, defined: set[int]) -> tuple[Use, ...]:
    text = language.references + "".join(f"({kind}) @name\n" for kind in language.identifiers)
    if not text:
        return ()
    captures = QueryCursor(query(language, text)).captures(tree.root_node)
    lines: dict[tuple[str, bytes], set[int]] = defaultdict(set)
    seen = set(defined)
    seen.update(node.start_byte for node in captures.get("none", ()))
    for kind in (*ORDER, "name"):
        for node in captures.get(kind, ()):
            start = node.start_byte
            if start not in seen and SHORTEST <= node.end_byte - start <= LONGEST:
                seen.add(start)
                lines[kind, data[start : node.end_byte]].add(node.start_point[0] + 1)
    return tuple(
        Use(kind, name.decode("utf-8", "replace"), tuple(sorted(found))) for (kind, name), found in lines.items()
    )
