"""The API's description as a page to read: plain HTML, made of /openapi.json and the events' schema."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from html import escape

import msgspec

from .htmlpage import PALETTE, page
from .openapi import STREAMS
from .schemas import Schema

STYLE = (
    PALETTE
    + """
body { margin: 0; background: var(--paper); color: var(--ink); font: 1rem/1.6 system-ui, sans-serif;
  display: grid; grid-template-columns: 18rem minmax(0, 52rem); gap: 3rem }
nav { position: sticky; top: 0; height: 100vh; overflow-y: auto; box-sizing: border-box;
  padding: 2rem 1rem 2rem 1.5rem; border-right: 1px solid var(--line); font-size: .875rem }
nav h2 { font-size: .75rem; letter-spacing: .06em; text-transform: uppercase; color: var(--soft);
  margin: 1.25rem 0 .25rem; border: 0; padding: 0 }
nav a { display: flex; color: inherit; text-decoration: none; padding: .1rem 0; overflow-wrap: anywhere }
nav a:hover { color: var(--accent) }
main { padding: 2rem 1.5rem 6rem 0 }
h1 { font-size: 1.75rem; line-height: 1.25; margin: 0 0 1rem }
h2 { font-size: 1.375rem; margin: 3.5rem 0 .5rem; padding-top: 1rem; border-top: 1px solid var(--line) }
h3 { font-size: 1.0625rem; margin: 2.5rem 0 .5rem; overflow-wrap: anywhere }
h4 { font-size: .8125rem; margin: 1.25rem 0 .25rem; color: var(--soft) }
p { margin: 0 0 .75rem; max-width: 44rem }
a { color: var(--accent) }
code, pre { font: .875em/1.55 ui-monospace, monospace }
pre { margin: .25rem 0 .75rem; padding: .75rem 1rem; border: 1px solid var(--line); border-radius: .5rem;
  background: var(--tint); overflow-x: auto }
table { border-collapse: collapse; width: 100%; font-size: .9375rem }
td { vertical-align: top; padding: .35rem .75rem .35rem 0; border-bottom: 1px solid var(--line) }
td:first-child { white-space: nowrap; width: 1% }
small { color: var(--soft) }
.method { display: inline-block; min-width: 3.25rem; color: var(--accent); font: 600 .8125em ui-monospace, monospace }
nav .method { flex: none; width: 3.5rem; font-size: .6875rem; line-height: 1.4rem }
@media (max-width: 60rem) {
  body { display: block; padding: 0 1rem }
  nav { position: static; height: auto; border: 0; padding: 1rem 0 }
  main { padding: 1rem 0 4rem; overflow-wrap: anywhere }
  td:first-child { white-space: normal; width: auto }
}
"""
)
_CODE = re.compile(r"`([^`]+)`")


def docs(document: Schema, events: Schema) -> bytes:
    """The page."""
    return page("API", STYLE, "".join(_body(document, events)))


def _body(document: Schema, events: Schema) -> Iterator[str]:
    operations = list(_operations(document))
    names = [reference["$ref"].rpartition("/")[2] for reference in events["anyOf"]]
    parts = {name: part for name, part in events["$defs"].items() if name not in names}
    schemas = parts | document["components"]["schemas"]
    yield "<nav>" + "".join(_navigation(document, operations)) + "</nav><main>"
    yield f"<h1>The API of Pillion</h1>{_prose(document['info']['description'])}"
    yield (
        f"<p>Version {escape(document['info']['version'])}. For programs: <a href='/openapi.json'>/openapi.json</a>, "
        "<a href='/api/events/schema'>/api/events/schema</a>.</p>"
    )
    for tag in document["tags"]:
        yield f"<h2 id='tag-{escape(tag['name'])}'>{escape(tag['name'].capitalize())}</h2>{_prose(tag['description'])}"
        for path, method, operation in operations:
            if operation["tags"] == [tag["name"]]:
                yield from _operation(path, method, operation)
    yield f"<h2 id='events'>What a stream brings</h2>{_prose(events['description'])}"
    for name in names:
        yield from _object(name, events["$defs"][name])
    yield "<h2 id='schemas'>Objects</h2>"
    for name in sorted(schemas):
        yield from _object(name, schemas[name])
    yield "</main>"


def _operations(document: Schema) -> Iterator[tuple[str, str, Schema]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield path, method.upper(), operation


def _navigation(document: Schema, operations: Iterable[tuple[str, str, Schema]]) -> Iterator[str]:
    yield "<a href='#'><b>Pillion</b></a>"
    for tag in document["tags"]:
        yield f"<h2>{escape(tag['name'])}</h2>"
        for path, method, operation in operations:
            if operation["tags"] == [tag["name"]]:
                yield f"<a href='#{escape(operation['operationId'])}'>{_method(method)}<span>{escape(path)}</span></a>"
    yield "<h2>Values</h2><a href='#events'>Events</a><a href='#schemas'>Objects</a>"


def _operation(path: str, method: str, operation: Schema) -> Iterator[str]:
    yield f"<h3 id='{escape(operation['operationId'])}'>{_method(method)}<code>{escape(path)}</code></h3>"
    yield f"{_prose(operation['summary'])}{_prose(operation.get('description', ''))}"
    if {} in operation.get("security", ()):
        yield "<p><small>Answered without a token.</small></p>"
    parameters = [parameter for parameter in operation["parameters"] if "name" in parameter]
    if parameters:
        yield "<h4>Parameters</h4>" + _table(
            (parameter["name"], _kind(parameter["schema"]), _note(parameter, where=parameter["in"]))
            for parameter in parameters
        )
    body = operation.get("requestBody")
    if body:
        yield f"<h4>Body{'' if body['required'] else ', may be left out'}</h4>{_content(body['content'])}"
    yield "<h4>Answers</h4>" + _table(_answers(operation))


def _answers(operation: Schema) -> Iterator[tuple[str, str, str]]:
    errors = []
    for status, answer in operation["responses"].items():
        if "$ref" in answer:
            errors.append(status)
            continue
        headers = [name for name, header in answer.get("headers", {}).items() if "$ref" not in header]
        more = f"<br><small>with {', '.join(map(escape, headers))}</small>" if headers else ""
        yield status, _content(answer.get("content", {})) + more, escape(answer["description"])
    yield "others", _kind({"$ref": "/Problem"}), f"<small>{', '.join(errors)}</small>"


def _content(content: Schema) -> str:
    found = []
    for media_type, said in content.items():
        stream = media_type in STREAMS
        kind = "a stream of <a href='#events'>events</a>" if stream else _kind(said.get("schema", {"type": "bytes"}))
        found.append(kind if media_type == "application/json" else f"{kind} <small>as {escape(media_type)}</small>")
        if "example" in said:
            found.append(f"<pre>{escape(msgspec.json.format(msgspec.json.encode(said['example'])).decode())}</pre>")
    return "<br>".join(found).replace("<br><pre>", "<pre>") or "nothing"


def _object(name: str, schema: Schema) -> Iterator[str]:
    about = str(schema.get("x-plugin", schema.get("x-kind", "")))
    yield f"<h3 id='{escape(name)}'><code>{escape(name)}</code> <small>{escape(about)}</small></h3>"
    yield _prose(schema.get("description", ""))
    required = schema.get("required", ())
    if "properties" in schema:
        yield _table(
            (field, _kind(said), _note(said, optional=field not in required))
            for field, said in schema["properties"].items()
        )
    else:
        yield f"<p>{_kind(schema)}</p>"


def _note(said: Schema, *, where: str = "", optional: bool = False) -> str:
    words = [_inline(said["description"])] if "description" in said else []
    schema = said.get("schema", said)
    if "default" in schema:
        words.append(f"<small>Left out: <code>{_json(schema['default'])}</code></small>")
    elif optional:
        words.append("<small>May be left out.</small>")
    if where and where != "path":
        words.append(f"<small>In the {escape(where)}.</small>")
    return " ".join(words)


def _kind(schema: Mapping[str, object]) -> str:
    """A type in words, with links to the objects that it is made of."""
    match schema:
        case {"$ref": str(reference)}:
            name = escape(reference.rpartition("/")[2])
            return f"<a href='#{name}'>{name}</a>"
        case {"anyOf": list(choices)}:
            return " or ".join(dict.fromkeys(_kind(choice) for choice in choices))
        case {"enum": list(values)}:
            return " or ".join(f"<code>{_json(value)}</code>" for value in values)
        case {"const": value}:
            return f"<code>{_json(value)}</code>"
        case {"type": "array", "items": dict(items)}:
            return f"list of {_kind(items)}"
        case {"type": "object", "additionalProperties": dict(values)}:
            return f"table of {_kind(values)}"
        case {"type": str(name)}:
            bounds = [("minimum", "≥"), ("exclusiveMinimum", "&gt;"), ("maximum", "≤"), ("maxLength", "at most")]
            return " ".join([name, *(f"{sign} {schema[key]:,}" for key, sign in bounds if key in schema)])
        case _:
            return "anything"


def _table(rows: Iterable[tuple[str, str, str]]) -> str:
    lines = (f"<tr><td><code>{escape(name)}</code><td>{kind}<td>{note}" for name, kind, note in rows)
    return f"<table>{''.join(lines)}</table>"


def _method(method: str) -> str:
    return f"<span class='method'>{method}</span>"


def _prose(text: str) -> str:
    return "".join(f"<p>{_inline(part)}</p>" for part in text.split("\n\n") if part.strip())


def _inline(text: str) -> str:
    return _CODE.sub(r"<code>\1</code>", escape(text))


def _json(value: object) -> str:
    return escape(msgspec.json.encode(value).decode())
