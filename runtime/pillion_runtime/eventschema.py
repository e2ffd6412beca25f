"""JSON Schema of everything that an event stream may bring: `GET /api/events/schema`."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from pillion.events import LASTING, PASSING, Event, type_of
from pillion.frames import Delta, Resync, SessionCursor

from .schemas import Schema, Schemas

ABOUT = """\
One event, as `data` of the event stream has it. Those that grow an item (`x-kind`: growth) and passing facts (passing)
are shown while they happen and not kept; the lasting ones are the log. A field that has its default may be left out.
Fields and types are added without a new version: ignore those you don't know.
"""
ENVELOPE: Schema = {
    "id": {
        "type": "string",
        "pattern": r"^\d+(\.\d+)?$",
        "description": "Its place; `Last-Event-ID` goes on there.",
    },
    "time": {"type": "string", "format": "date-time", "description": "UTC."},
    "session": {"type": "string"},
    "turn": {"type": "string", "description": "Left out where it belongs to no turn."},
}


def events_schema(brought: Mapping[str, tuple[str, type[Event]]]) -> Schema:
    """`brought`: the plugins' own events, type -> plugin and Struct. Raises TypeError where a field has no schema."""
    own = {"lasting": LASTING, "passing": PASSING}
    kinds = [*LASTING, *PASSING, *(kind for _, kind in brought.values())]
    schemas = Schemas(written=[*kinds, Delta, Resync, SessionCursor], ref="#/$defs/{name}")

    def part(kind: type[Struct]) -> Schema:
        name = schemas.written(kind)["$ref"].removeprefix("#/$defs/")
        return schemas.parts.pop(name)

    shown: dict[str, Schema] = {}
    for said, group in own.items():
        shown |= {type_of(kind): _enveloped(part(kind)) | {"x-kind": said} for kind in group}
    shown |= {type: _enveloped(part(kind)) | {"x-plugin": plugin} for type, (plugin, kind) in brought.items()}
    delta = part(Delta)
    for type in sorted({kind.opens for kind in kinds} - {""}):
        properties = delta["properties"] | {"type": {"enum": [type]}}
        shown[type] = _enveloped(delta | {"properties": properties}) | {"x-kind": "growth"}
    for notice in (Resync, SessionCursor):
        shown[str(notice.__struct_config__.tag)] = _enveloped(part(notice), "time", "session") | {"x-kind": "notice"}
    refs = {type: f"#/$defs/{type}" for type in shown}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Event",
        "description": ABOUT,
        "anyOf": [{"$ref": ref} for ref in refs.values()],
        "discriminator": {"propertyName": "type", "mapping": refs},
        "$defs": shown | schemas.parts,
    }


def _enveloped(part: Schema, *envelope: str) -> Schema:
    """The part with the fields that surround each event."""
    names = envelope or tuple(ENVELOPE)
    properties = {name: ENVELOPE[name] for name in names}
    inner = dict(part["properties"])
    required = [name for name in part.get("required", ()) if name != "type"]
    return part | {
        "properties": {"type": inner.pop("type"), **properties, **inner},
        "required": ["type", *(name for name in names if name != "turn"), *required],
    }
