"""What a file defines: classes, functions, methods, fields and imports, with their places, docs and decorators."""

from __future__ import annotations

import ast
import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct
from tree_sitter import Node, QueryCursor, Tree

from .language import Language
from .lines import Lines, Span
from .parsing import query

HOLDERS = frozenset(["class", "struct", "interface", "trait", "enum", "implementation"])
"""Kinds whose functions are methods."""
LONGEST_NAME = 200
_SPACE = b" \t\r\n\f\v"
_MARKS = re.compile(
    r"^[ \t]*(?:<!--|/\*\*?|\*/|///?/?!?|//!|\*(?!/)|#+!?|--+|;+)?[ \t]?|[ \t]*(?:\*/|-->)[ \t]*$", re.MULTILINE
)


class OutlineNode(Struct, frozen=True):
    """A definition or an import. `parent` is the place in the list of what it stands in, -1 at the top; `owner` the
    names of all those, joined with `.`; or the type that a method says it belongs to.

    `span` has decorators and modifiers in it, not the comment before; `naming` is the name alone, `body` what an
    outline leaves out.
    """

    kind: str
    name: str
    owner: str
    parent: int
    span: Span
    naming: Span
    body: Span | None
    decorators: tuple[str, ...] = ()
    doc: str = ""

    @property
    def path(self) -> str:
        return f"{self.owner}.{self.name}" if self.owner else self.name


class _Found(Struct):
    kind: str
    start: int
    end: int
    naming: tuple[int, int]
    body: Node | None
    of: Node | None
    rank: int


def outline(language: Language, data: bytes, tree: Tree, *, docs: bool = True) -> list[OutlineNode]:
    """In the order of the text; without `docs` some have none. Raises ValueError when the language's queries are
    wrong."""
    found, notes, wrappers = _matches(language, tree)
    found.sort(key=lambda one: (one.start, -one.end, one.naming))
    _wrap(data, found, wrappers)
    return _Builder(language, data, notes, docs).built(found)


def bodies(language: Language, tree: Tree) -> list[Node]:
    """Those of all definitions."""
    return [one.body for one in _matches(language, tree)[0] if one.body is not None]


def outline_query(language: Language) -> str:
    """The language's own, and what it is read with: comments, decorators, and what is wrapped round definitions."""
    named = {"comment": language.comments, "decorator": language.decorators, "wrapper": language.wrappers}
    return language.outline + "".join(f"({kind}) @{name}\n" for name, kinds in named.items() for kind in kinds)


def _matches(language: Language, tree: Tree) -> tuple[list[_Found], list[tuple[str, Node]], list[Node]]:
    found: dict[tuple[int, int], _Found] = {}
    notes: list[tuple[str, Node]] = []
    wrappers: list[Node] = []
    for rank, captures in QueryCursor(query(language, outline_query(language))).matches(tree.root_node):
        for kind, nodes in captures.items():
            if kind in ("comment", "decorator"):
                notes += [(kind, node) for node in nodes]
            elif kind == "wrapper":
                wrappers += nodes
            elif kind not in ("name", "body", "of") and not kind.startswith("_"):
                one = _found(kind, nodes[0], captures, rank)
                if one is not None and (one.naming not in found or rank < found[one.naming].rank):
                    found[one.naming] = one
    return list(found.values()), notes, wrappers


def _found(kind: str, node: Node, captures: Mapping[str, Sequence[Node]], rank: int) -> _Found | None:
    """Where the pattern does not say what is its name, its fields do: a pattern that looks into nodes takes long to
    compile, up to a quarter of a second, and nothing else runs meanwhile."""
    names, body, of = captures.get("name", ()), _one(captures.get("body")), _one(captures.get("of"))
    if not names and (name := node.child_by_field_name("name")) is not None:
        names, body = (name,), node.child_by_field_name("body")
    if not names:
        return None
    return _Found(kind, node.start_byte, node.end_byte, (names[0].start_byte, names[-1].end_byte), body, of, rank)


def _one(nodes: Sequence[Node] | None) -> Node | None:
    return nodes[0] if nodes else None


def _wrap(data: bytes, found: Sequence[_Found], wrappers: Iterable[Node]) -> None:
    """What is wrapped round a definition is part of it: `export`, decorators. It ends where the definition ends, or
    with a semicolon behind it, and begins before it and behind what else ends there."""
    ending: dict[int, list[_Found]] = defaultdict(list)
    for one in found:
        ending[one.end].append(one)
    for node in sorted(wrappers, key=lambda node: -node.start_byte):
        ends = ending[node.end_byte] or ending[node.end_byte - data.endswith(b";", node.start_byte, node.end_byte)]
        inner = [one for one in ends if one.start >= node.start_byte]
        if inner:
            first = min(one.start for one in inner)
            for one in inner:
                if one.start == first:
                    one.start = node.start_byte


class _Builder:
    def __init__(self, language: Language, data: bytes, notes: Iterable[tuple[str, Node]], docs: bool) -> None:
        self._data, self._lines = data, Lines(data)
        self._docstrings = docs and language.docstrings
        self._docs = re.compile(language.docs)
        self._ends: dict[int, tuple[str, int]] = {}
        self._decorators: list[tuple[int, int]] = []
        for kind, node in notes:
            end = node.end_byte
            while end > node.start_byte and data[end - 1] in _SPACE:
                end -= 1
            self._ends[end] = kind, node.start_byte
            if kind == "decorator":
                self._decorators.append((node.start_byte, end))
        self._decorators.sort()

    def built(self, found: Sequence[_Found]) -> list[OutlineNode]:
        nodes: list[OutlineNode] = []
        open_: list[int] = []
        holders: dict[str, int] = {}
        for one in found:
            start, doc = self._before(one.start)
            span = self._lines.span(start, one.end)
            while open_ and not _within(nodes[open_[-1]], span):
                open_.pop()
            parent = open_[-1] if open_ else -1
            owner = nodes[parent].path if open_ else ""
            kind = one.kind
            if kind == "function" and open_ and nodes[parent].kind in HOLDERS:
                kind = "method"
            if one.of is not None:
                owner = self._text(one.of.start_byte, one.of.end_byte)
                parent = holders.get(owner, -1)
            body = self._lines.span(one.body.start_byte, one.body.end_byte) if one.body else None
            if self._docstrings and one.body is not None:
                doc = _docstring(one.body) or doc
            naming = self._lines.span(*one.naming)
            name = self._text(*one.naming)
            if kind in ("import", "field", "module"):
                name = name.strip("\"'`<>").removeprefix(":")  # a text; a symbol of Ruby
            inside = self._inside(one.start, naming.start)
            outside = self._inside(start, one.start)
            nodes.append(OutlineNode(kind, name, owner, parent, span, naming, body, (*outside, *inside), doc))
            if body is not None or kind in HOLDERS:
                open_.append(len(nodes) - 1)
            if kind in HOLDERS:
                holders.setdefault(name, len(nodes) - 1)
        return nodes

    def _text(self, start: int, end: int) -> str:
        text = self._data[start:end][: LONGEST_NAME * 4].decode("utf-8", "replace")
        return " ".join(text.split())[:LONGEST_NAME]

    def _inside(self, start: int, end: int) -> list[str]:
        first = bisect_left(self._decorators, (start, 0))
        found = []
        for begin, stop in self._decorators[first:]:
            if begin >= end:
                break
            found.append(" ".join(self._data[begin:stop].decode("utf-8", "replace").split())[:LONGEST_NAME])
        return found

    def _before(self, start: int) -> tuple[int, str]:
        """Where it begins with the decorators that stand before it, and the text of the comment on top."""
        said: list[str] = []
        at = start
        while True:
            end = at
            while end > 0 and self._data[end - 1] in _SPACE:
                end -= 1
            kind, begin = self._ends.get(end, ("", 0))
            if kind == "decorator" and not said:
                start = at = begin
                continue
            if kind != "comment" or self._data.count(b"\n", end, at) > 1 or self._data.startswith(b"#!", begin):
                break
            if self._data[self._data.rfind(b"\n", 0, begin) + 1 : begin].strip():
                break
            text = self._data[begin:end].decode("utf-8", "replace")
            if not self._docs.match(text):
                break
            said.append(text)
            at = begin
        return start, _MARKS.sub("", "\n".join(reversed(said))).strip() if said else ""


def _within(outer: OutlineNode, span: Span) -> bool:
    if outer.body is not None and outer.body.holds(span):
        return True
    return outer.kind in HOLDERS and outer.span.holds(span) and span.start >= outer.naming.end


def string_of(body: Node) -> Node | None:
    """The string that a body begins with."""
    first = next((child for child in body.named_children if child.type != "comment"), None)
    inner = first.named_child(0) if first is not None and first.type == "expression_statement" else first
    return inner if inner is not None and inner.type in ("string", "concatenated_string") else None


def _docstring(body: Node) -> str:
    """The text of that string, as Python reads it."""
    string = string_of(body)
    if string is None or string.text is None:
        return ""
    try:
        value = ast.literal_eval(string.text.decode("utf-8", "replace"))
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return ""
    if not isinstance(value, str):
        return ""
    lines = value.expandtabs().split("\n")
    margin = min((len(line) - len(line.lstrip()) for line in lines[1:] if line.strip()), default=0)
    return "\n".join([lines[0].strip(), *(line[margin:].rstrip() for line in lines[1:])]).strip()
