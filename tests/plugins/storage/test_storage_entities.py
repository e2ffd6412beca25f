"""docs/reference/entities.md says of each entity what the code says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from pillion_storage.entities import Entities
from pillion_storage.ponytypes import Database, Json

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "entities.md"
KINDS = {str: "text", int: "integer", float: "number", bool: "boolean", bytes: "bytes", Json: "JSON"}
HEADING = re.compile(r"^### `(\w+)`\n(.*?)(?=^##|\Z)", re.M | re.S)
ROW = re.compile(r"^\| `(\w+)` \| (.+?) \|", re.M)


def entities() -> dict[str, Any]:
    database = Database("sqlite", ":memory:")
    return vars(Entities(database))


def told() -> dict[str, str]:
    return dict(HEADING.findall(PAGE.read_text("utf-8")))


def test_each_entity_has_a_heading_and_names_its_table() -> None:
    assert set(told()) == set(entities())
    for name, entity in entities().items():
        assert f"table `{entity._table_}`" in " ".join(told()[name].split()), name


@pytest.mark.parametrize("name", sorted(entities()))
def test_each_field_has_a_line_with_its_type(name: str) -> None:
    own = [
        each
        for each in entities()[name]._attrs_
        if each.py_type in KINDS or (each.is_required and not each.is_collection)
    ]
    fields = {each.name: KINDS.get(each.py_type) or f"→ `{_name(each.py_type)}`" for each in own}
    assert dict(ROW.findall(told()[name])) == fields


def _name(kind: Any) -> str:
    return kind if isinstance(kind, str) else str(kind.__name__)
