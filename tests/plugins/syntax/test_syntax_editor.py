"""What an editor asks of a text that it sends: as the sidecar's shapes are, and right where it was wrong."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pillion_syntax.asides import construct, documentation, is_xml
from pillion_syntax.grammars import languages
from pillion_syntax.language import shipped
from pillion_syntax.outline import outline
from pillion_syntax.parsing import parse
from pillion_syntax.plugin import Plugin
from pillion_syntax.trees import Trees, edited

from ...runtime.conftest import Serving, serving

KNOWN = languages(tuple(shipped()))
FIXTURES = Path(__file__).parent / "fixtures"
SOURCES = {path.stem: path.read_bytes() for path in FIXTURES.glob("*.src")}
LAMP = """\
\"\"\"Lamps.\"\"\"

# One.
# Two.

# Three.
class Lamp:
    "A lamp."

    def glow(self, ä):
        if ä:  # four
            return wait(
                ä,
            )
"""


def test_documentation_is_comments_that_touch_and_strings() -> None:
    assert documentation(KNOWN.all["python"], LAMP) == [
        '"""Lamps."""', "# One.\n# Two.", "# Three.", '"A lamp."', "# four"
    ]  # fmt: skip
    rust = "/// A lamp.\n/// It glows.\n// not a doc\nstruct Lamp;\n"
    assert documentation(KNOWN.all["rust"], rust) == ["/// A lamp.\n/// It glows."]


@pytest.mark.parametrize(
    ("threshold", "wanted"),
    [
        (0, "ä,"),
        (1, "return wait(\n                ä,\n            )"),
        (2, "if ä:  # four\n            return wait(\n                ä,\n            )"),
        (3, LAMP[LAMP.index("def glow") : -1]),
    ],
)
def test_a_construct_fills_its_lines_and_is_as_large_as_wanted(threshold: int, wanted: str) -> None:
    at = LAMP.encode().rindex("ä,".encode())
    start, end = construct(KNOWN.all["python"], LAMP, at, at + 2, threshold)
    assert LAMP.encode()[start:end].decode().rstrip(",") == wanted.rstrip(",")


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        ("<lamp/>", True),
        ('<?xml version="1.0"?>\n<lamp><wick n="1"/></lamp>', True),
        ("<a>1</a>\n<b>2</b>", True),
        ("<a><b></a></b>", False),
        ("<a>", False),
        ("<a n=1/>", False),
        ("a < b", False),
        ("<a>&lamp;</a>", False),
        ('<?xml version="1.0"?><a/><b/>', False),
        ("<a>\0</a>", False),
    ],
)
def test_xml(text: str, valid: bool) -> None:
    assert is_xml(text) is valid


def test_entities_that_grow_without_end_are_no_valid_xml() -> None:
    lines = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
    assert not is_xml(f'<!DOCTYPE a [<!ENTITY l0 "lol">{lines}]><a>&l11;</a>')


PIECES = st.sampled_from(
    [*"{}()[]\"'`#/*\n ;:=aé", "def f():\n", "class X {\n", "/*", "*/", "'''", "\n    ", "", "// x\n"]
)


@settings(max_examples=60, deadline=None)
@given(
    name=st.sampled_from(["python", "javascript", "rust", "go", "bash", "typescript", "java", "c"]),
    edits=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 30), PIECES), min_size=1, max_size=4),
)
def test_a_tree_that_was_edited_equals_a_fresh_one(name: str, edits: list[tuple[float, int, str]]) -> None:
    language, data = KNOWN.all[name], SOURCES[name]
    tree = parse(language, data)
    for place, length, text in edits:
        at = int(place * len(data))
        after = data[:at] + text.encode() + data[at + length :]
        assert tree is not None
        tree = edited(language, data, tree, after)
        data = after
    fresh = parse(language, data)
    assert tree is not None and fresh is not None
    if not fresh.root_node.has_error:  # how errors are recovered from may depend on what stood there before
        assert str(tree.root_node) == str(fresh.root_node)
        assert outline(language, data, tree) == outline(language, data, fresh)
    assert tree.root_node.end_byte == fresh.root_node.end_byte
    assert tree.root_node.has_error == fresh.root_node.has_error


def test_trees_are_kept_for_the_next_look() -> None:
    trees, language = Trees(), KNOWN.all["python"]
    before = b"def light():\n    return 1\n\n" * 400
    first = trees.tree("a.py", language, before)
    second = trees.tree("a.py", language, before.replace(b"return 1", b"return 22", 1))
    assert first is not None and second is not None
    assert second.root_node.end_byte == len(before) + 1
    assert len(list(first.changed_ranges(second))) <= 1


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Serving]:
    async with serving(tmp_path, plugins={"syntax": Plugin()}) as running:
        yield running


async def asked(server: Serving, what: str, **body: Any) -> Any:
    answer = await server.client.post(f"/api/tree_sitter/{what}", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_the_shapes_are_those_that_editors_know(server: Serving) -> None:
    assert await asked(server, "documentation_parsing", language="Python", source=LAMP) == {
        "documentation": documentation(KNOWN.all["python"], LAMP)
    }
    assert await asked(server, "documentation_parsing", language="klingon", source="x") == {"documentation": []}
    assert await asked(server, "tree_sitter_valid", language="typescriptreact", source="<a/>") == {
        "valid": True, "errors": []
    }  # fmt: skip
    found = await asked(server, "tree_sitter_valid", language="python", source="x = 1\ndef f(:\n    pass\n")
    assert found == {"valid": False, "errors": [{"line": 2, "column": 7, "message": ") is missing"}]}
    assert (await asked(server, "tree_sitter_valid", language="klingon", source="x"))["valid"] is False
    assert await asked(server, "valid_xml", input="<a>") == {"valid": False}


async def test_a_range_comes_back_wider_or_unchanged(server: Serving) -> None:
    at = LAMP.encode().rindex("ä,".encode())
    place = {
        "startPosition": {"line": 12, "character": 16, "byteOffset": at},
        "endPosition": {"line": 12, "character": 17, "byteOffset": at + 2},
    }
    document = {"text": LAMP, "utf8Array": [1], "language": "python", "fsFilePath": "/x", "relativePath": "x"}
    found = await asked(server, "diagnostic_parsing", range=place, text_document_web=document, threshold_to_expand=1)
    start = LAMP.encode().index(b"return")
    assert found["range"]["startPosition"] == {"line": 11, "character": 12, "byteOffset": start}
    assert found["range"]["endPosition"]["line"] == 13
    document["language"] = "klingon"
    same = await asked(server, "diagnostic_parsing", range=place, text_document_web=document, threshold_to_expand=1)
    assert same == {"range": place}


async def test_what_is_no_question_is_refused(server: Serving) -> None:
    answer = await server.client.post("/api/tree_sitter/valid_xml", content="{", headers={"content-type": "text/plain"})
    assert answer.status_code == 415
    assert (await server.client.post("/api/tree_sitter/valid_xml", json={"x": 1})).status_code == 422
