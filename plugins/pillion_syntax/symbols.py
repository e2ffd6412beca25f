"""What an index keeps of one file: its definitions, and the names that it uses, by line."""

from __future__ import annotations

from collections import defaultdict
from functools import cache

from tree_sitter import Query, QueryCursor, Tree

from pillion.codewords import words_of
from pillion.contracts.code import CodeFile, Piece, Symbol, Use

from .chunking import chunks
from .compressed import head
from .language import Language
from .outline import outline
from .parsing import new_query
from .scopes import Names

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
    """A use that means a parameter or variable within a function is `local`: nothing else of that name is meant."""
    if not (language.references or language.identifiers):
        return ()
    captures = QueryCursor(_query(language)).captures(tree.root_node)
    names = Names(captures, data) if language.scopes else None
    hidden, places = names.hidden(defined) if names else (frozenset[str](), set[int]())
    lines: dict[tuple[str, str], set[int]] = defaultdict(set)
    seen = set(defined)
    seen.update(node.start_byte for node in captures.get("none", ()))
    for kind in (*ORDER, "name"):
        for node in captures.get(kind, ()):
            start, end = node.start_byte, node.end_byte
            if start not in seen and SHORTEST <= end - start <= LONGEST:
                seen.add(start)
                name = data[start:end].decode("utf-8", "replace")
                told = kind
                if name in hidden and names is not None:
                    space = "type" if kind == "type" else ""
                    told = "local" if start in places or names.is_hidden(start, end, name, space, defined) else kind
                lines[told, name].add(node.start_point[0] + 1)
    return tuple(Use(kind, name, tuple(sorted(found))) for (kind, name), found in lines.items())


@cache
def _query(language: Language) -> Query:
    """For uses, and for what their names mean; what the latter says of uses is known from the former."""
    identifiers = "".join(f"({kind}) @name\n" for kind in language.identifiers)
    found = new_query(language, language.references + identifiers + language.scopes)
    for number in range(found.capture_count):
        name = found.capture_name(number)
        if name.startswith("local.reference"):
            found.disable_capture(name)
    return found
