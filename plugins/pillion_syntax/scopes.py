"""What the names of one file mean: its scopes, what is defined and imported in them, and the uses that find it.

The queries are in the manner of `locals.scm`; docs/howto/code.md has their captures.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Container, Iterator, Mapping, Sequence
from operator import itemgetter

from msgspec import Struct
from tree_sitter import Node, QueryCursor, Tree

from .language import Language
from .parsing import query

SPACES = {
    "interface": "type",
    "type": "type",
    "variable": "value",
    "parameter": "value",
    "function": "value",
    "constant": "value",
    "macro": "macro",
}
"""Which names a kind has to itself: a type and a value may be called the same. Those of other kinds may be both."""
NESTED = 200
"""Scopes within each other; one that is deeper counts as the one round it, since each use looks through all of them."""
_VERSION = re.compile(r"/v\d+$|\.v\d+$")
_DEFINES = re.compile(r"(local|hoist|function|global|pattern)\.definition(?:\.(\w+))?")

Place = tuple[int, int]
"""Bytes of a text, the end not among them."""


class Scope(Struct, frozen=True, gc=False):
    """`parent` is the place in the list of the scope around it, -1 for the whole file. `kind`: function, class,
    outside, or "". A class's names are not seen in scopes within; what is outside stands in its parent's text, but does
    not see its names, like a parameter's default."""

    start: int
    end: int
    parent: int
    kind: str


class Binding(Struct, gc=False):
    """What a name means in a scope: the places that define it, and those that use it, both in the order of the text.
    It is seen from the byte `since`. `kind` is `import`, what the query says, or ""."""

    name: str
    kind: str
    scope: int
    since: int
    places: list[Place]
    uses: list[Place]

    @property
    def is_import(self) -> bool:
        return self.kind == "import"


class ScopeGraph(Struct):
    """`free`: uses that no definition of the file is found for; built-in names, and those that `import *` brings."""

    scopes: Sequence[Scope]
    bindings: Sequence[Binding]
    free: Sequence[Place]

    def at(self, byte: int) -> Binding | None:
        """What the name that stands there means."""
        for one in self.bindings:
            if any(start <= byte <= end for start, end in (*one.places, *one.uses)):
                return one
        return None

    def within(self, start: int, end: int) -> Iterator[Binding]:
        """Bindings of the scopes in these bytes."""
        return (
            one for one in self.bindings if start <= self.scopes[one.scope].start and self.scopes[one.scope].end <= end
        )


def scope_graph(language: Language, data: bytes, tree: Tree) -> ScopeGraph | None:
    """None: the language has no query for it. Raises ValueError when the query is wrong."""
    if not language.scopes:
        return None
    return Names(QueryCursor(query(language, language.scopes)).captures(tree.root_node), data).graph()


class Names:
    """What the query for scopes found in a text, put in order; its captures of uses may be left out."""

    def __init__(self, captures: Mapping[str, Sequence[Node]], data: bytes) -> None:
        self._captures, self._data = captures, data
        self._scopes = _scopes(captures, len(data))
        self._starts = [one.start for one in self._scopes]
        self._known: dict[str, dict[int, list[Binding]]] = defaultdict(dict)
        self._all: list[Binding] = []
        self._elsewhere: dict[tuple[int, str], int] = {}

        self._declare()
        self._defined = self._define()
        self._none = {node.start_byte for node in captures.get("local.none", ())}

    def graph(self) -> ScopeGraph:
        return ScopeGraph(self._scopes, self._all, self._refer(self._defined | self._none))

    def hidden(self, known: Container[int]) -> tuple[frozenset[str], set[int]]:
        """The names that mean something within a scope which no definition at one of these bytes is, and no import; and
        where they are defined."""
        some = [one for one in self._all if one.scope and not one.is_import and one.places[0][0] not in known]
        return frozenset(one.name for one in some), {place[0] for one in some for place in one.places}

    def is_hidden(self, start: int, end: int, name: str, space: str, known: Container[int]) -> bool:
        """Does that use find such a definition?"""
        found = None if start in self._none else self._meant(start, end, name, space)
        return found is not None and found.scope > 0 and not found.is_import and found.places[0][0] not in known

    def _declare(self) -> None:
        """Names that a function says are the file's, or those of the function around it."""
        for capture in ("local.global", "local.nonlocal"):
            for node in self._captures.get(capture, ()):
                scope = self._up(self._tightest(node.start_byte, node.end_byte), "function")
                outer = 0 if capture == "local.global" else self._up(self._scopes[scope].parent, "function")
                self._elsewhere[scope, self._name(node.start_byte, node.end_byte)] = outer

    def _define(self) -> set[int]:
        """The bytes at which definitions begin."""
        found: list[tuple[int, int, str, str]] = []
        for capture, nodes in self._captures.items():
            if capture == "local.import":
                found += [(node.start_byte, node.end_byte, "local", "import") for node in nodes]
            elif match := _DEFINES.fullmatch(capture):
                way, kind = match[1], match[2] or "variable"
                found += [(node.start_byte, node.end_byte, way, kind) for node in nodes]
        patterns, after = _Regions(self._captures, ".pattern"), _Regions(self._captures, "local.a")
        seen: set[int] = set()
        for start, end, way, kind in sorted(found, key=itemgetter(0)):
            if way == "pattern":
                said = patterns.around(start, end)
                if said is None:  # a value is put there that is defined elsewhere
                    continue
                way, _, kind = said[2].replace(".pattern", "").partition(".")
            if start not in seen:
                seen.add(start)
                self._bind(start, end, way, kind or "variable", after)
        return seen

    def _bind(self, start: int, end: int, way: str, kind: str, after: _Regions) -> None:
        name, scope = self._name(start, end), self._home(start, end, way)
        while (scope, name) in self._elsewhere:
            scope = self._elsewhere[scope, name]
        since, anew = 0, False
        if scope and after.some and (region := after.around(start, end)) and region[0] >= self._scopes[scope].start:
            since, anew = region[1], region[2] == "local.anew"
        known = self._known[name].setdefault(scope, [])
        for one in known:
            same = one.kind == kind or _overlap(SPACES.get(one.kind, ""), SPACES.get(kind, ""))
            if same and (not anew or one.since == since):
                one.places.append((start, end))
                return
        known.append(Binding(name, kind, scope, since, [(start, end)], []))
        self._all.append(known[-1])

    def _home(self, start: int, end: int, way: str) -> int:
        scope = 0 if way == "global" else self._tightest(start, end)
        if way == "hoist":
            scope = max(self._scopes[scope].parent, 0)
        while self._scopes[scope].kind == "outside":
            scope = self._scopes[scope].parent
        return self._up(scope, "function") if way == "function" else scope

    def _refer(self, skipped: set[int]) -> list[Place]:
        """Gives each use to what it finds; those that find nothing are returned."""
        free: list[Place] = []
        for capture in ("local.reference.macro", "local.reference", "local.reference.type", "local.reference.value"):
            space = capture[len("local.reference.") :]
            for node in self._captures.get(capture, ()):
                start = node.start_byte
                if start not in skipped:
                    skipped.add(start)
                    end = node.end_byte
                    found = self._meant(start, end, self._name(start, end), space)
                    (free if found is None else found.uses).append((start, end))
        for one in self._all:
            one.uses.sort()
        return sorted(free)

    def _meant(self, start: int, end: int, name: str, space: str) -> Binding | None:
        known = self._known.get(name)
        if known is None:
            return None
        scope, first, outside = self._tightest(start, end), True, False
        while scope >= 0:
            one = self._scopes[scope]
            if one.kind == "outside":
                outside, scope = True, one.parent
                continue
            if not outside and (scope, name) in self._elsewhere:
                scope = self._elsewhere[scope, name]
                continue
            seen = not outside and (first or one.kind != "class")
            for binding in reversed(known.get(scope, ())):
                fits = binding.since <= start and _overlap(SPACES.get(binding.kind, ""), space)
                if fits and (seen or binding.kind == "typeparameter"):
                    return binding
            first, outside, scope = first and outside, False, one.parent
        return None

    def _tightest(self, start: int, end: int) -> int:
        scope = bisect_right(self._starts, start) - 1
        while self._scopes[scope].end < end:
            scope = self._scopes[scope].parent
        return scope

    def _up(self, scope: int, kind: str) -> int:
        while scope > 0 and self._scopes[scope].kind != kind:
            scope = self._scopes[scope].parent
        return max(scope, 0)

    def _name(self, start: int, end: int) -> str:
        text = self._data[start:end].decode("utf-8", "replace")
        return _VERSION.sub("", text.strip("\"'`")).rpartition("/")[2] if text[:1] in "\"'`" else text


class _Regions:
    """Nodes by what they hold: the innermost round a place is asked for."""

    def __init__(self, captures: Mapping[str, Sequence[Node]], part: str) -> None:
        found = {
            (node.start_byte, node.end_byte, capture)
            for capture, nodes in captures.items()
            if part in capture
            for node in nodes
        }
        self._all = sorted(found, key=lambda one: (one[0], -one[1]))
        self._parents = _parents(self._all)
        self._starts = [one[0] for one in self._all]
        self.some = bool(found)

    def around(self, start: int, end: int) -> tuple[int, int, str] | None:
        at = bisect_right(self._starts, start) - 1
        while at >= 0 and self._all[at][1] < end:
            at = self._parents[at]
        return self._all[at] if at >= 0 else None


def _scopes(captures: Mapping[str, Sequence[Node]], size: int) -> list[Scope]:
    """In the order of the text, the outer ones first; the first one is the file."""
    found: dict[Place, str] = {}
    inner: dict[Place, str] = {}
    for capture, nodes in captures.items():
        if capture == "local.outside":
            inner.update({(node.start_byte, node.end_byte): "outside" for node in nodes})
        elif capture.startswith("local.scope"):
            found.update({(node.start_byte, node.end_byte): capture[len("local.scope.") :] for node in nodes})
    for node in captures.get("local.noscope", ()):
        found.pop((node.start_byte, node.end_byte), None)
    both = [(0, size, "function")]  # of two with the same bytes what is outside holds the other
    both += sorted(
        [(*place, kind) for some in (inner, found) for place, kind in some.items() if place != (0, size)],
        key=lambda one: (one[0], -one[1], one[2] != "outside"),
    )
    parents, depths = _parents(both), [0]
    for parent in parents[1:]:
        depths.append(depths[parent] + 1)
    if max(depths) > NESTED:
        both = [one for one, depth in zip(both, depths, strict=True) if depth <= NESTED]
        parents = _parents(both)
    return [Scope(*one[:2], parent, one[2]) for one, parent in zip(both, parents, strict=True)]


def _parents(nested: Sequence[tuple[int, int, str]]) -> list[int]:
    parents: list[int] = []
    open_: list[int] = []
    for number, (start, end, _) in enumerate(nested):
        while open_ and (nested[open_[-1]][1] < end or nested[open_[-1]][1] <= start):
            open_.pop()
        parents.append(open_[-1] if open_ else -1)
        open_.append(number)
    return parents


def _overlap(one: str, other: str) -> bool:
    """May names of both spaces be the same? In "" are types and values."""
    return one == other or ("" in (one, other) and "macro" not in (one, other))
