"""What stands round a place: the name and what it means, the function, the class, names and imports near it."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec import Struct

from pillion_syntax import around
from pillion_syntax.around import Code
from pillion_syntax.aroundroutes import AroundQuery, AroundView
from pillion_syntax.grammars import languages
from pillion_syntax.language import shipped
from pillion_syntax.looking import coded, outlined
from pillion_syntax.meanings import Brought, Class, Function, Meaning, Member, Nearby
from pillion_syntax.trees import Trees

from ...meta import pages

FILES = Path(__file__).parent / "scopes"
KNOWN = languages(tuple(shipped()))


def code(name: str) -> Code:
    language, trees = KNOWN.all[name], Trees()
    data = (FILES / f"{name}.src").read_bytes()
    return coded(trees, "x", "", language, outlined(trees, "x", "", language, data))


def told(name: str) -> dict[str, str]:
    """Each function's parameters, variables and calls."""
    return {
        f"{one.owner}.{one.name}": "; ".join(" ".join(some) for some in (one.parameters, one.variables, one.calls))
        for one in around.functions(code(name))
    }


def test_a_function_tells_its_parameters_variables_and_calls() -> None:
    assert told("python")[".burn"] == "oil rest more; light dark n tail last; open len flame"
    assert told("python")["burn.again"] == "; ; "
    assert told("typescript")["Lamp.glow"] == "oil n; ; "
    assert told("javascript")[".burn"] == "oil n first second rest; n oil; glow"
    assert told("go")["Lamp.Glow"] == "l n oil err; left m n; Burn Errorf burn"
    assert told("rust")["Lamp.glow"] == "oil n m; n glow; glow burn"


def test_a_class_has_what_its_implementations_have() -> None:
    lamp = next(around.classes(code("rust")))
    assert (lamp.kind, [(one.kind, one.name, one.line) for one in lamp.members]) == (
        "struct",
        [("field", "oil", 7), ("method", "glow", 11)],
    )
    assert [one.first for one in lamp.implementations] == [10]
    go = code("go")
    receiver = around.class_at(go, around.byte_at(go, 19, 3))
    assert receiver is not None and [one.name for one in receiver.members] == ["oil", "Glow"]


def test_a_name_under_the_cursor_is_told_with_all_that_mean_the_same() -> None:
    python = code("python")
    wick = around.meaning(python, around.byte_at(python, 12, 17))
    assert wick is not None and (wick.kind, wick.name) == ("parameter", "wick")
    assert ([one.first for one in wick.definitions], [one.first for one in wick.uses]) == ([11], [12])
    free = around.meaning(python, around.byte_at(python, 28, 15))
    assert free is not None and (free.name, free.kind, len(free.uses)) == ("len", "", 1)
    assert around.meaning(python, around.byte_at(python, 9, 12)) is None  # an equals sign
    assert around.function_at(python, around.byte_at(python, 1, 1)) is None


def test_names_near_a_place_come_by_how_far_they_are() -> None:
    python = code("python")
    names = around.nearby(python, around.byte_at(python, 28, 9))
    assert [(one.name, one.kind, one.line) for one in names][:3] == [
        ("n", "variable", 27),
        ("len", "", None),
        ("tail", "variable", 27),
    ]
    assert "found" not in {one.name for one in names}  # of another function
    assert [(one.name, one.line) for one in around.imports(python)] == [("os.path", 1), ("json", 1), ("lamp", 2)]


@pytest.mark.parametrize(
    ("table", "kind"),
    [
        ("query", AroundQuery),
        ("answer", AroundView),
        ("meaning", Meaning),
        ("function", Function),
        ("class", Class),
        ("member", Member),
        ("name", Nearby),
        ("import", Brought),
    ],
)
def test_the_page_has_every_field_of_it(table: str, kind: type[Struct]) -> None:
    section = pages.sections(pages.text("docs/howto/code.md"), "###")["GET /api/sessions/{id}/around"]
    assert pages.tables(section)[table] >= set(kind.__struct_fields__)
