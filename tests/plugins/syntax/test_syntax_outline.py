"""Each language's fixture has the outline that was written by hand, and the uses of names that stand in its table."""

from __future__ import annotations

from pathlib import Path

import pytest
from tree_sitter import QueryCursor

from pillion_syntax.grammars import languages
from pillion_syntax.language import shipped
from pillion_syntax.outline import OutlineNode, outline, outline_query
from pillion_syntax.parsing import parse, query
from pillion_syntax.symbols import symbols_of

FIXTURES = Path(__file__).parent / "fixtures"
KNOWN = languages(tuple(shipped())).all


def row(node: OutlineNode, data: bytes) -> str:
    """As the tables have it: kind, path, lines, place of the name, lines of the body, decorators, doc."""
    column = node.naming.start - data.rfind(b"\n", 0, node.naming.start) - 1
    body = f"{node.body.first}-{node.body.last}" if node.body else ""
    place = f"{node.span.first}-{node.span.last}|{node.naming.first}:{column}"
    return "|".join([node.kind, node.path, place, body, ", ".join(node.decorators), node.doc.replace("\n", "⏎")])


@pytest.mark.parametrize("name", sorted(KNOWN))
def test_the_outline_of_a_language_is_as_written_by_hand(name: str) -> None:
    language = KNOWN[name]
    data = (FIXTURES / f"{name}.src").read_bytes()
    tree = parse(language, data)
    assert tree is not None and not tree.root_node.has_error
    found = outline(language, data, tree)
    assert [row(node, data) for node in found] == (FIXTURES / f"{name}.outline").read_text().splitlines()
    for node in found:
        assert node.parent < 0 or (node.owner and f".{found[node.parent].path}".endswith(f".{node.owner}"))


@pytest.mark.parametrize("name", sorted(name for name, one in KNOWN.items() if one.references or one.identifiers))
def test_names_are_used_as_the_table_says(name: str) -> None:
    data = (FIXTURES / f"{name}.src").read_bytes()
    tree = parse(KNOWN[name], data)
    assert tree is not None
    found = [
        f"{one.kind} {one.name}|{' '.join(map(str, one.lines))}"
        for one in symbols_of(KNOWN[name], "", "", data, tree).uses
    ]
    assert sorted(found) == sorted((FIXTURES / f"{name}.uses").read_text().splitlines())


@pytest.mark.parametrize("name", sorted(KNOWN))
def test_a_fixture_has_each_construct_that_its_language_knows(name: str) -> None:
    language = KNOWN[name]
    tree = parse(language, (FIXTURES / f"{name}.src").read_bytes())
    assert tree is not None
    for text in (outline_query(language), language.references):
        asked = query(language, text)
        found = {pattern for pattern, _ in QueryCursor(asked).matches(tree.root_node)}
        patterns = [
            text.encode()[asked.start_byte_for_pattern(one) : asked.end_byte_for_pattern(one)]
            for one in range(asked.pattern_count)
        ]
        assert [one for number, one in enumerate(patterns) if number not in found] == []
