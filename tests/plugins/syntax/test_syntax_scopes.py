"""What the names of a file mean is what the tables say, written by hand for each language."""

from __future__ import annotations

from pathlib import Path

import pytest

from pillion_syntax.grammars import languages
from pillion_syntax.language import shipped
from pillion_syntax.lines import Lines
from pillion_syntax.parsing import parse
from pillion_syntax.scopes import NESTED, Place, ScopeGraph, scope_graph

FILES = Path(__file__).parent / "scopes"
NAMES = sorted(path.stem for path in FILES.glob("*.table"))
KNOWN = languages(tuple(shipped()))


def graph(name: str, data: bytes) -> ScopeGraph:
    tree = parse(KNOWN.all[name], data)
    assert tree is not None and not tree.root_node.has_error
    found = scope_graph(KNOWN.all[name], data, tree)
    assert found is not None
    return found


def rows(found: ScopeGraph, data: bytes) -> list[str]:
    """As the tables have it: kind and name, lines of the scope, places that define it, places that use it."""
    lines = Lines(data)

    def at(*places: Place) -> str:
        return " ".join(f"{lines.line(start)}:{start - lines.start(lines.line(start))}" for start, _ in places)

    told = []
    for one in found.bindings:
        scope = found.scopes[one.scope]
        span = lines.span(scope.start, scope.end)
        told.append(f"{one.kind} {one.name}|{span.first}-{span.last}|{at(*one.places)}|{at(*one.uses)}")
    return [*told, "free|" + " ".join(f"{data[start:end].decode()}@{at((start, end))}" for start, end in found.free)]


@pytest.mark.parametrize("name", NAMES)
def test_what_names_mean_is_as_written_by_hand(name: str) -> None:
    data = (FILES / f"{name}.src").read_bytes()
    assert rows(graph(name, data), data) == (FILES / f"{name}.table").read_text().splitlines()


def test_each_language_with_scopes_has_a_table() -> None:
    own = {name for name, one in KNOWN.all.items() if one.scopes}
    assert own == set(NAMES)


def test_scopes_that_nest_without_end_count_as_one() -> None:
    found = graph("javascript", b"let wick; {" + b"{wick; let oil;" * 3_000 + b"}" * 3_001)
    assert len(found.scopes) == NESTED + 1
    wick, oil = found.at(4), found.bindings[-1]
    assert wick is not None and (len(wick.uses), len(oil.places)) == (3_000, 3_000 - NESTED + 2)
