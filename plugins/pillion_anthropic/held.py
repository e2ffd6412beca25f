"""The JSON Schema that the vendor holds a model to: objects closed, no bounds, nothing that leads back to itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any

KEPT = {"type", "enum", "const", "required", "$ref", "title", "description", "format"}
SINGLES, TABLES = {"items"}, {"properties", "$defs", "definitions"}
LISTS = {"anyOf": "anyOf", "oneOf": "anyOf", "allOf": "allOf"}


def held(schema: Mapping[str, Any]) -> dict[str, Any] | None:
    """The schema as the vendor takes it: looser where it knows no bounds, since the answer is checked all the same.

    None: it can't hold the model to this one, e.g. to an object with names of the model's choice.
    """
    try:
        _check_circles(schema)
        return _held(schema)
    except (_NotHeld, CycleError):
        return None


class _NotHeld(Exception):
    """The schema says something that can be neither sent nor left out."""


def _held(schema: Any) -> dict[str, Any]:
    if not isinstance(schema, Mapping) or schema.get("additionalProperties", False) is not False:
        raise _NotHeld
    kept: dict[str, Any] = {key: value for key, value in schema.items() if key in KEPT}
    for key, value in schema.items():
        if key in SINGLES:
            kept[key] = _held(value)
        elif key in LISTS:
            kept[LISTS[key]] = [_held(one) for one in value]
        elif key in TABLES:
            kept[key] = {name: _held(one) for name, one in value.items()}
    if "object" in (kept.get("type"), *(kept["type"] if isinstance(kept.get("type"), list) else ())):
        kept["additionalProperties"] = False
    return kept


def _check_circles(schema: Mapping[str, Any]) -> None:
    """Raises CycleError when a reference leads to where it stands."""
    graph = {"#": set(_references(schema))}
    for table in ("$defs", "definitions"):
        graph |= {f"#/{table}/{name}": set(_references(one)) for name, one in schema.get(table, {}).items()}
    TopologicalSorter(graph).prepare()


def _references(schema: Any) -> Iterator[str]:
    match schema:
        case {"$ref": str(reference)}:
            yield reference
        case _:
            pass
    for inner in schema.values() if isinstance(schema, Mapping) else schema if isinstance(schema, list) else ():
        yield from _references(inner)
