"""The API's description, OpenAPI 3.1, made of what the routes of an app say of themselves."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import msgspec
from msgspec import Struct
from quart import Quart
from werkzeug.routing import IntegerConverter, PathConverter, Rule

from . import once, pace, problems, timings
from .apiversion import HEADER, VERSION
from .auth import OPEN_PATHS
from .described import Description, description
from .problems import MEDIA_TYPE as PROBLEM
from .problems import Problem, Refused
from .schemas import Schema, Schemas

ANYWHERE = (400, 401, 403, 429, 500)
OF_BODIES = (408, 413, 415, 422)
OF_KEYS = (408, 409, 413, 422)
JSON = "application/json"
SCHEMAS = "#/components/schemas/{name}"
ABOUT = """\
Pillion runs coding agents beside an editor. Open a session on a folder, post prompts, follow the session's events.

`server.json` in the data directory tells where the server listens and its token. Every error is
`application/problem+json`; programs go by its `code`. What events look like: `GET /api/events/schema`. `HEAD` is
answered where `GET` is. Fields, routes, events and codes are added without a new version: ignore those you don't know.
"""
SECURITY: dict[str, Schema] = {
    "token": {"type": "http", "scheme": "bearer", "description": "`token` in the data directory's `server.json`."},
    "browser": {
        "type": "apiKey",
        "in": "cookie",
        "name": "pillion_PORT",
        "description": "A browser that `pillion open` signed in. PORT is the server's.",
    },
}
HEADERS: dict[str, Schema] = {
    "RequestId": {"description": "Stands on every log line about the request.", "schema": {"type": "string"}},
    "ApiVersion": {"description": "The version of the API that answers.", "schema": {"const": VERSION}},
    "RetryAfter": {"description": "Seconds after which to come back.", "schema": {"type": "integer"}},
    "Timing": {
        "description": "Milliseconds until the answer began: `app`; of these `store` until all was kept.",
        "schema": {"type": "string"},
    },
    "Policy": {
        "description": "How many requests a minute a client may send. Not where `host.requests` is 0.",
        "schema": {"type": "string", "example": '"client";q=12000;w=60'},
    },
    "Rate": {
        "description": "How many it may send now, and in how many seconds all that it sent is forgotten.",
        "schema": {"type": "string", "example": '"client";r=11997;t=1'},
    },
    "Tag": {"description": "For `If-None-Match`: 304 as long as the answer is the same.", "schema": {"type": "string"}},
    "Replayed": {
        "description": "`true`: the answer to an earlier request with this key.",
        "schema": {"type": "string"},
    },
    "Challenge": {"description": "That a bearer token is wanted.", "schema": {"type": "string"}},
}
PARAMETERS: dict[str, Schema] = {
    "RequestId": {
        "name": "X-Request-ID",
        "in": "header",
        "description": "At most 64 letters, digits, `.`, `_`, `-`; the answer carries it, or one that was made.",
        "schema": {"type": "string"},
    },
    "ApiVersion": {
        "name": HEADER,
        "in": "header",
        "description": "The version that you were made for; 400 `version_unsupported` when this server has another.",
        "schema": {"const": VERSION},
    },
    "IfNoneMatch": {
        "name": "If-None-Match",
        "in": "header",
        "description": "The `etag` of an answer that you have.",
        "schema": {"type": "string"},
    },
    "IdempotencyKey": {
        "name": once.HEADER,
        "in": "header",
        "description": "Yours for this piece of work: sent again with the same body, it brings the same answer.",
        "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
    },
}
STREAMS: dict[str, Schema] = {
    "text/event-stream": {
        "description": "Each event of the stream. Its data is one of `GET /api/events/schema`.",
        "type": "object",
        "properties": {
            "id": {"type": "string"},
            "event": {"type": "string"},
            "data": {"type": "string", "contentMediaType": JSON},
        },
        "required": ["event", "data"],
    },
    "application/x-ndjson": {
        "description": "Each line of the stream: one of `GET /api/events/schema`.",
        "type": "object",
        "properties": {"type": {"type": "string"}, "time": {"type": "string"}, "session": {"type": "string"}},
        "required": ["type", "time", "session"],
    },
}
"""OpenAPI 3.1 has no word for streams: their schema is that of one event, which 3.2 calls `itemSchema`."""
_PART = re.compile(r"<(?:[a-z]\w*(?:\([^)]*\))?:)?(\w+)>")


class Operation(Struct, frozen=True):
    """One method of one path. `name` is what a generated client calls it."""

    method: str
    path: str
    name: str
    tag: str
    said: Description
    rule: Any
    view: Any

    @property
    def is_open(self) -> bool:
        return self.path in OPEN_PATHS

    @property
    def is_tagged(self) -> bool:
        """Has its answer the tag that every whole answer to a GET gets? Not where the route sends its own."""
        whole = [media_type for media_type, _ in _media(self.said.answers.get(200)) if media_type not in STREAMS]
        own = {"etag", "set-cookie"} & {name.lower() for name in self.said.sends}
        return self.method == "GET" and bool(whole) and not own and 304 not in self.said.answers

    def asked(self) -> list[str]:
        """The parameters that it has besides its own."""
        return [
            "RequestId",
            "ApiVersion",
            *(["IfNoneMatch"] if self.is_tagged else []),
            *(["IdempotencyKey"] if self.method == "POST" else []),
        ]

    def errors(self) -> list[int]:
        """Every status from 400 on that it may answer."""
        found = {*ANYWHERE, *self.said.errors}
        found |= {404} if self.rule.arguments else set()
        found |= {422} if self.said.query else set()
        found |= set(OF_BODIES) if self.said.body else set()
        found |= set(OF_KEYS) if self.method == "POST" else set()
        return sorted(found)


def operations(app: Quart) -> list[Operation]:
    """What the app answers to, in the order of registration. Raises TypeError for what is no description."""
    found: dict[str, Operation] = {}
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            tag, _, _ = rule.endpoint.rpartition(".")
            name = _name(view, tag, method, found)
            path = _PART.sub(r"{\1}", rule.rule)
            found[name] = Operation(method, path, name, tag, description(view) or Description(), rule, view)
    return list(found.values())


def _name(view: Callable[..., Any], tag: str, method: str, taken: Mapping[str, Operation]) -> str:
    """The view's name; a plugin's with its blueprint's before it, so that it stays when another plugin comes."""
    own = view.__module__.startswith(f"{__package__}.")
    name = view.__name__ if own or not tag else f"{tag.replace('.', '_')}_{view.__name__}"
    while name in taken:
        name = f"{name}_{method.lower()}"
    return name


def document(app: Quart) -> Schema:
    """The whole description. Raises TypeError where a type has no schema."""
    found = operations(app)
    schemas = Schemas(
        written=[Problem, *(kind for o in found for said in o.said.answers.values() for _, kind in _contents(said))],
        read=[kind for o in found for _, kind in _contents(o.said.body)],
        ref=SCHEMAS,
    )
    paths: dict[str, Schema] = {}
    for operation in found:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation, schemas)
    problem = schemas.written(Problem)
    errors = sorted({status for operation in found for status in operation.errors()})
    return {
        "openapi": "3.1.0",
        "info": {"title": "Pillion", "version": VERSION, "description": ABOUT, "license": {"name": "Apache-2.0"}},
        "servers": [{"url": "/"}],
        "security": [{name: []} for name in SECURITY],
        "tags": _tags(found),
        "paths": paths,
        "components": {
            "schemas": dict(sorted(schemas.parts.items())),
            "responses": {_phrase(status): _refusal(status, problem) for status in errors},
            "headers": HEADERS,
            "parameters": PARAMETERS,
            "securitySchemes": SECURITY,
        },
    }


def _operation(operation: Operation, schemas: Schemas) -> Schema:
    said = operation.said
    summary, _, more = (inspect.getdoc(operation.view) or "").partition("\n\n")
    told: Schema = {"operationId": operation.name, "tags": [operation.tag], "summary": _flat(summary)}
    if more:
        told["description"] = more
    if operation.is_open:
        told["security"] = [{}, *({name: []} for name in SECURITY)]
    told["parameters"] = [*_parameters(operation), *({"$ref": _ref("parameters", name)} for name in operation.asked())]
    if said.body is not None:
        content = _content(said.body, schemas.read, said.example)
        told["requestBody"] = {"required": not said.body_optional, "content": content}
    told["responses"] = {str(status): _answer(operation, status, schemas) for status in said.answers}
    if operation.is_tagged:
        told["responses"]["304"] = {"description": problems.title(304), "headers": _always() | _tag()}
    if not said.answers:
        told["responses"]["default"] = {"description": "Not described."}
    told["responses"] |= {str(status): {"$ref": _ref("responses", _phrase(status))} for status in operation.errors()}
    return told


def _parameters(operation: Operation) -> Iterator[Schema]:
    said = operation.said
    for name in _PART.findall(operation.rule.rule):
        told = {"name": name, "in": "path", "required": True, **_in_path(operation.rule, name)}
        yield told | ({"description": said.path[name]} if name in said.path else {})
    if said.query is not None:
        query = Schemas(read=[said.query], ref=SCHEMAS)
        query.read(said.query)
        (schema,) = query.parts.values()
        for name, field in schema["properties"].items():
            told = {"name": name, "in": "query", "required": name in schema.get("required", ())}
            note = field.pop("description", "")
            yield told | ({"description": note} if note else {}) | {"schema": field}
    for name, sentence in said.headers.items():
        yield {"name": name, "in": "header", "description": sentence, "schema": {"type": "string"}}


def _in_path(rule: Rule, name: str) -> Schema:
    match rule._converters[name]:
        case IntegerConverter():
            return {"schema": {"type": "integer", "minimum": 0}}
        case PathConverter():  # OpenAPI has no word for a part that may hold slashes
            return {"schema": {"type": "string", "minLength": 1}, "x-slashes": True}
        case _:
            return {"schema": {"type": "string", "minLength": 1}}


def _answer(operation: Operation, status: int, schemas: Schemas) -> Schema:
    said = operation.said
    first = status == next(iter(said.answers))
    content = _content(said.answers[status], schemas.written, said.shows if first else None)
    headers = {name: {"description": sentence, "schema": {"type": "string"}} for name, sentence in said.sends.items()}
    if operation.method == "POST":
        headers[once.REPLAYED] = {"$ref": _ref("headers", "Replayed")}
    if operation.is_tagged and status == 200:
        headers |= _tag()
    told: Schema = {"description": problems.title(status), "headers": _always() | headers}
    return told | ({"content": content} if content else {})


def _content(said: Any, schema: Callable[[Any], Schema], example: Any) -> Schema:
    content: Schema = {}
    for media_type, kind in _media(said):
        content[media_type] = {"schema": schema(kind)} if kind not in (str, bytes) else _plain(media_type, kind)
    if content and example is not None:
        next(iter(content.values()))["example"] = example
    return content


def _plain(media_type: str, kind: Any) -> Schema:
    """Of a media type without a type of ours: text, bytes, or a stream of events."""
    if media_type in STREAMS and kind is str:
        return {"schema": STREAMS[media_type]}
    return {"schema": {"type": "string"}} if kind is str else {}


def _media(said: Any) -> Iterable[tuple[str, Any]]:
    if isinstance(said, Mapping):
        return [(media_type.partition(";")[0].strip(), kind) for media_type, kind in said.items()]
    return [(JSON, said)] if said is not None else []


def _contents(said: Any) -> list[tuple[str, Any]]:
    return [(media_type, kind) for media_type, kind in _media(said) if kind not in (str, bytes)]


def _refusal(status: int, problem: Schema) -> Schema:
    headers = _always()
    if status == 401:
        headers |= {"www-authenticate": {"$ref": _ref("headers", "Challenge")}}
    if status in (429, 503):
        headers |= {"retry-after": {"$ref": _ref("headers", "RetryAfter")}}
    example = problems.encode(
        Refused(status, "What is wrong, and the way out."), path="/api/…", request_id="req_3b4ceb10"
    )
    content = {PROBLEM: {"schema": problem, "example": msgspec.json.decode(example)}}
    if status == 401:  # somebody who looks with a browser is told how to sign in
        content["text/html"] = _plain("text/html", str)
    return {"description": problems.title(status), "headers": headers, "content": content}


def _always() -> Schema:
    return {
        "x-request-id": {"$ref": _ref("headers", "RequestId")},
        HEADER: {"$ref": _ref("headers", "ApiVersion")},
        timings.HEADER: {"$ref": _ref("headers", "Timing")},
        pace.POLICY: {"$ref": _ref("headers", "Policy")},
        pace.STATE: {"$ref": _ref("headers", "Rate")},
    }


def _tag() -> Schema:
    return {"etag": {"$ref": _ref("headers", "Tag")}}


def _tags(found: Iterable[Operation]) -> list[Schema]:
    modules = {operation.tag: sys.modules.get(operation.view.__module__) for operation in found}
    return [{"name": tag, "description": _flat(inspect.getdoc(module) or "")} for tag, module in modules.items()]


def _ref(kind: str, name: str) -> str:
    return f"#/components/{kind}/{name}"


def _phrase(status: int) -> str:
    """`NotFound`: the name of a response."""
    return re.sub(r"\W", "", problems.title(status).title())


def _flat(text: str) -> str:
    return " ".join(text.split())
