"""Each language's fixture has the outline that was written by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from pillion_syntax.grammars import languages
from pillion_syntax.language import shipped
from pillion_syntax.outline import OutlineNode, outline
from pillion_syntax.parsing import parse

FIXTURES = Path(__file__).parent / "fixtures"
NAMES = sorted(path.stem for path in FIXTURES.glob("*.outline"))


def row(node: OutlineNode, data: bytes) -> str:
    """As the tables have it: kind, path, lines, place of the name, lines of the body, decorators, doc."""
    column = node.naming.start - data.rfind(b"\n", 0, node.naming.start) - 1
    body = f"{node.body.first}-{node.body.last}" if node.body else ""
    place = f"{node.span.first}-{node.span.last}|{node.naming.first}:{column}"
    return "|".join([node.kind, node.path, place, body, ", ".join(node.decorators), node.doc.replace("\n", "⏎")])


@pytest.mark.parametrize("name", NAMES)
def test_the_outline_of_a_language_is_as_written_by_hand(name: str) -> None:
    language = languages(tuple(shipped())).all[name]
    data = (FIXTURES / f"{name}.src").read_bytes()
    tree = parse(language, data)
    assert tree is not None and not tree.root_node.has_error
    found = [row(node, data) for node in outline(language, data, tree)]
    assert found == (FIXTURES / f"{name}.outline").read_text().splitlines()
