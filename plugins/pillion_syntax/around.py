"""What stands round a place in a file: the name there and what it means, the function and the class that it is in, the
names and imports near it. For a thread; imports tree-sitter.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct
from tree_sitter import QueryCursor, Tree

from .compressed import head
from .language import Language
from .lines import Lines, Span
from .meanings import Brought, Class, Function, Meaning, Member, Nearby
from .outline import HOLDERS, OutlineNode
from .parsing import query
from .reading import Outlined
from .scopes import Binding, Place, ScopeGraph, scope_graph

MOST = 100
"""Names that are told of."""
NEAR = 20
"""Lines on either side that count as near, outside of functions."""
FUNCTIONS = frozenset(["function", "method"])


class Code(Struct):
    """A file with all that is known of it."""

    outlined: Outlined
    graph: ScopeGraph | None
    calls: Sequence[tuple[int, str]]
    lines: Lines


def code_of(language: Language, outlined: Outlined, tree: Tree) -> Code:
    """`tree` is that of its text. Raises ValueError when the language's queries are wrong."""
    data = outlined.text
    captures = QueryCursor(query(language, language.references)).captures(tree.root_node) if language.references else {}
    calls = sorted(
        (node.start_byte, data[node.start_byte : node.end_byte].decode("utf-8", "replace"))
        for node in captures.get("call", ())
    )
    return Code(outlined, scope_graph(language, data, tree), calls, Lines(data))


def byte_at(code: Code, line: int, column: int) -> int:
    """The byte of a line's character, both from 1; the line's end for one behind it."""
    start, end = code.lines.start(line), code.lines.start(line + 1)
    text = code.outlined.text[start:end].decode("utf-8", "replace").rstrip("\r\n")
    return start + len(text[: column - 1].encode("utf-8", "replace"))


def functions(code: Code) -> Iterator[Function]:
    """All of the file, in the order of the text."""
    return (_function(code, node) for node in code.outlined.nodes if node.kind in FUNCTIONS)


def classes(code: Code) -> Iterator[Class]:
    """All of the file, in the order of the text; an implementation whose type is defined elsewhere is one, too."""
    nodes = code.outlined.nodes
    there = {node.name for node in nodes if node.kind in HOLDERS and node.kind != "implementation"}
    for node in nodes:
        if node.kind in HOLDERS and (node.kind != "implementation" or node.name not in there):
            yield _class(code, node)


def function_at(code: Code, byte: int) -> Function | None:
    """The innermost that holds it."""
    node = _innermost(code, byte, FUNCTIONS)
    return _function(code, node) if node is not None else None


def class_at(code: Code, byte: int) -> Class | None:
    """The innermost that holds it; of an implementation, or a method with a receiver, the type."""
    node = _innermost(code, byte, HOLDERS)
    nodes = code.outlined.nodes
    if node is None:
        method = _innermost(code, byte, FUNCTIONS)
        node = nodes[method.parent] if method is not None and method.parent >= 0 else None
        if node is None or node.kind not in HOLDERS:
            return None
    if node.kind == "implementation":
        of = (one for one in nodes if one.name == node.name and one.kind in HOLDERS and one.kind != "implementation")
        node = next(of, node)
    return _class(code, node)


def imports(code: Code) -> list[Brought]:
    """Modules and paths, as the outline has them."""
    return [Brought(node.name, node.naming.first) for node in code.outlined.nodes if node.kind == "import"]


def meaning(code: Code, byte: int) -> Meaning | None:
    """What the name means that stands at this byte, or ends there; None: there is no name, or its language has no query
    for scopes."""
    graph = code.graph
    if graph is None:
        return None
    found = graph.at(byte)
    if found is not None:
        return Meaning(found.name, found.kind, _spans(code, found.places), _spans(code, found.uses))
    free = next((place for place in graph.free if place[0] <= byte <= place[1]), None)
    if free is None:
        return None
    name = _text(code, free)
    return Meaning(name, "", (), _spans(code, [one for one in graph.free if _text(code, one) == name]))


def nearby(code: Code, byte: int) -> list[Nearby]:
    """The names that the function holds which it stands in, or the lines round it; the nearest first."""
    graph = code.graph
    if graph is None:
        return []
    node = _innermost(code, byte, FUNCTIONS)
    line = code.lines.line(byte)
    start = node.span.start if node else code.lines.start(max(1, line - NEAR))
    end = node.span.end if node else code.lines.start(line + NEAR + 1)
    found: dict[tuple[str, str, int | None], int] = {}

    def seen(name: str, kind: str, at: int | None, places: Sequence[Place]) -> None:
        far = [abs(place[0] - byte) for place in places if start <= place[0] < end]
        if far:
            key = name, kind, at
            found[key] = min(min(far), found.get(key, len(code.outlined.text)))

    for one in graph.bindings:
        seen(one.name, one.kind, code.lines.line(one.places[0][0]), [*one.places, *one.uses])
    for place in graph.free:
        seen(_text(code, place), "", None, [place])
    return [Nearby(*key) for key in sorted(found, key=lambda key: (found[key], key[0]))[:MOST]]


def _function(code: Code, node: OutlineNode) -> Function:
    start, end = (node.body.start, node.body.end) if node.body else (node.span.end, node.span.end)
    calls = dict.fromkeys(name for at, name in code.calls if start <= at < end)
    own = list(_own(code.graph, node)) if code.graph is not None else []
    parameters = dict.fromkeys(one.name for one in own if one.kind == "parameter")
    variables = dict.fromkeys(one.name for one in own if one.kind in ("variable", "constant"))
    text = head(code.outlined.text, node)
    return Function(
        node.kind,
        node.name,
        node.owner,
        text,
        node.doc,
        node.span,
        node.body,
        list(parameters),
        list(variables),
        list(calls),
    )


def _own(graph: ScopeGraph, node: OutlineNode) -> Iterator[Binding]:
    """What is defined in the function itself, and in no function within it."""
    inside = [
        number
        for number, scope in enumerate(graph.scopes)
        if node.span.start <= scope.start and scope.end <= node.span.end
    ]
    if node.body is not None:
        start, end = node.body.start, node.body.end
        holds = (one for one in inside if graph.scopes[one].start <= start and end <= graph.scopes[one].end)
        inside = [one for one in holds if graph.scopes[one].kind == "function"]
    at = min(inside, default=-1)
    for one in graph.bindings:
        home = one.scope
        while home > at >= 0 and graph.scopes[home].kind != "function":
            home = graph.scopes[home].parent
        if home == at:
            yield one


def _class(code: Code, node: OutlineNode) -> Class:
    nodes = code.outlined.nodes
    blocks = [one for one in nodes if one.kind == "implementation" and one.name == node.name and one is not node]
    holders = {id(node), *map(id, blocks)}
    members = [
        Member(one.kind, one.name, one.naming.first)
        for one in nodes
        if one.kind != "import" and one.parent >= 0 and id(nodes[one.parent]) in holders
    ]
    text = head(code.outlined.text, node)
    return Class(
        node.kind, node.name, node.owner, text, node.doc, node.span, [one.span for one in blocks], members
    )  # fmt: skip


def _innermost(code: Code, byte: int, kinds: frozenset[str]) -> OutlineNode | None:
    found = [node for node in code.outlined.nodes if node.kind in kinds and node.span.start <= byte <= node.span.end]
    return min(found, key=lambda node: node.span.end - node.span.start, default=None)


def _spans(code: Code, places: Sequence[Place]) -> list[Span]:
    return [code.lines.span(start, end) for start, end in places]


def _text(code: Code, place: Place) -> str:
    return code.outlined.text[place[0] : place[1]].decode("utf-8", "replace")
