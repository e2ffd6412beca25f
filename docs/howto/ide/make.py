"""Makes TypeScript of what a Pillion server says of itself, without any package: Python's own library is enough.

python make.py http://127.0.0.1:42424 > pillion.ts     that server's, the routes and events of its plugins included
python make.py openapi.json events.schema.json         the same from files
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

Schema = dict[str, Any]
HEAD = """\
// Made by make.py of a Pillion server's /openapi.json and /api/events/schema: make it again rather than change it.
"""


def types(document: Schema, events: Schema) -> str:
    """The module: an interface for each object and event, `PillionEvent`, and a table of the operations."""
    names = [reference["$ref"].rpartition("/")[2] for reference in events["anyOf"]]
    parts = document["components"]["schemas"] | {
        name: part for name, part in events["$defs"].items() if name not in names
    }
    lines = [HEAD, f"export const version = {json.dumps(document['info']['version'])};\n"]
    lines += [_declared(name, parts[name]) for name in sorted(parts)]
    lines += [_declared(name, events["$defs"][name]) for name in names]
    lines.append(_note(events.get("description", "")) + "export type PillionEvent =")
    lines.append("".join(f"\n  | {_name(name)}" for name in names).removeprefix("\n") + ";\n")
    operations = [
        (path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    lines.append("export interface Operations {")
    lines += [f"{_note(o['summary'], '  ')}  {o['operationId']}: {_operation(o)};" for _, _, o in operations]
    lines.append("}\n\nexport const operations: { [N in keyof Operations]: { method: string; path: string } } = {")
    lines += [f'  {o["operationId"]}: {{ method: "{m.upper()}", path: "{path}" }},' for path, m, o in operations]
    return "\n".join([*lines, "};", ""])


def _declared(name: str, schema: Schema) -> str:
    note = _note(schema.get("description", ""))
    if "properties" not in schema:
        return f"{note}export type {_name(name)} = {_kind(schema)};\n"
    return f"{note}export interface {_name(name)} {{\n" + "\n".join(_fields(schema, "  ")) + "\n}\n"


def _fields(schema: Schema, indent: str) -> Iterator[str]:
    required = schema.get("required", ())
    for name, field in schema["properties"].items():
        key = name if re.fullmatch(r"[A-Za-z_]\w*", name) else json.dumps(name)
        mark = "" if name in required else "?"
        yield f"{_note(field.get('description', ''), indent)}{indent}{key}{mark}: {_kind(field)};"


def _operation(operation: Schema) -> str:
    places: dict[str, Schema] = {place: {"properties": {}, "required": []} for place in ("path", "query")}
    for parameter in operation["parameters"]:
        if parameter.get("in") in places:
            place = places[parameter["in"]]
            place["properties"][parameter["name"]] = parameter["schema"]
            place["required"] += [parameter["name"]] if parameter.get("required") else []
    body = operation.get("requestBody")
    kind = _content(body["content"]) + ("" if body["required"] else " | undefined") if body else "undefined"
    answers = [said for status, said in operation["responses"].items() if status < "4"]
    answer = " | ".join(dict.fromkeys(_content(said.get("content", {})) for said in answers)) or "unknown"
    return f"{{ path: {_object(places['path'])}; query: {_object(places['query'])}; body: {kind}; answer: {answer} }}"


def _content(content: Schema) -> str:
    """The type of a body: of its JSON where there is some, else text."""
    for media_type, said in content.items():
        if media_type.endswith("json") and "schema" in said:
            return _kind(said["schema"])
    return "string" if content else "undefined"


def _kind(schema: Any) -> str:
    match schema:
        case {"$ref": str(reference)}:
            return _name(reference.rpartition("/")[2])
        case {"anyOf": list(choices)}:
            return " | ".join(dict.fromkeys(_kind(choice) for choice in choices))
        case {"enum": list(values)}:
            return " | ".join(json.dumps(value) for value in values)
        case {"const": value}:
            return json.dumps(value)
        case {"type": "array", "prefixItems": list(items)}:
            return f"[{', '.join(_kind(item) for item in items)}]"
        case {"type": "array"}:
            item = _kind(schema.get("items", {}))
            return f"({item})[]" if " " in item else f"{item}[]"
        case {"x-event": True}:
            return "PillionEvent"
        case {"type": "object", "properties": dict()}:
            return _object(schema)
        case {"type": "object"}:
            return f"Record<string, {_kind(schema.get('additionalProperties', {}))}>"
        case {"type": "integer"}:
            return "number"
        case {"type": "number" | "string" | "boolean" | "null"}:
            return str(schema["type"])
        case _:
            return "unknown"


def _object(schema: Schema) -> str:
    bare = {name: {**said, "description": ""} for name, said in schema["properties"].items()}
    fields = " ".join(_fields({**schema, "properties": bare}, ""))
    return f"{{ {fields.removesuffix(';')} }}" if fields else "object"


def _name(name: str) -> str:
    """`turn.finished` is `TurnFinished`."""
    return "".join(word[0].upper() + word[1:] for word in re.split(r"[\W_]+", name) if word)


def _note(text: str, indent: str = "") -> str:
    words = " ".join(text.split()).replace("*/", "* /")
    return f"{indent}/** {words} */\n" if words else ""


def _read(place: str) -> Schema:
    if place.startswith(("http://", "https://")):
        with urlopen(place, timeout=10) as answer:
            said: Schema = json.load(answer)
            return said
    return json.loads(Path(place).read_text("utf-8"))  # type: ignore[no-any-return]


if __name__ == "__main__":
    places = sys.argv[1:]
    if len(places) == 1:
        places = [f"{places[0].rstrip('/')}{path}" for path in ("/openapi.json", "/api/events/schema")]
    if len(places) != 2:
        sys.exit(__doc__)
    sys.stdout.write(types(*map(_read, places)))
