"""What the server says of itself, held against what it answers: unknown statuses, content types and fields are wrong.

Clients of a real server check every answer by it. The description lets fields be added; here nothing is let through.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping
from typing import Any

from jsonschema_rs import Draft202012Validator

STREAMS = ("text/event-stream", "application/x-ndjson")
PROBLEM = "application/problem+json"
REFUSAL: dict[str, Any] = {"content": {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}}}


class Contract:
    """One server's. `check` and `check_event` raise AssertionError."""

    def __init__(self, document: Mapping[str, Any], events: Mapping[str, Any]) -> None:
        self._document = document
        self._parts = {"components": _closed(document["components"])}
        self._paths = [(_pattern(path, document["paths"][path]), path) for path in sorted(document["paths"], key=_rank)]
        self._validators: dict[str, Draft202012Validator] = {}
        self._event = Draft202012Validator(_closed(events))

    def check(self, method: str, path: str, status: int, headers: Mapping[str, str], body: bytes | None) -> None:
        """One answer; `body` is None where it is not to be looked at. Names of headers are in small letters."""
        if method == "OPTIONS" or status < 200:
            return
        where = f"{method} {path} -> {status}"
        assert headers.get("x-request-id"), f"{where}: no x-request-id"
        assert headers.get("pillion-api-version") == self._document["info"]["version"], f"{where}: no version"
        answers, template = self._answers(method, path)
        answer = answers.get(str(status)) or answers.get("default")
        assert answer is not None, f"{where}: {template} is described with {', '.join(answers)}"
        if "content" not in answer:
            assert "default" in answers or (not body and "content-type" not in headers), (
                f"{where}: no body is described"
            )
            return
        media_type = headers.get("content-type", "").partition(";")[0]
        assert media_type in answer["content"], f"{where}: {media_type} is not among {', '.join(answer['content'])}"
        schema = answer["content"][media_type].get("schema")
        if body is not None and method != "HEAD" and schema and media_type.endswith("json"):
            value = json.loads(body)
            self._validate(schema, value, where)
            for event in value["data"] if schema.get("$ref", "").endswith("/EventPage") else ():
                self.check_event(event)

    def check_event(self, event: Mapping[str, Any]) -> None:
        """One event as it came."""
        wrong = [] if self._event.is_valid(event) else [f"{event!r} is no event as GET /api/events/schema has them"]
        assert not wrong, wrong[0]

    def _answers(self, method: str, path: str) -> tuple[Mapping[str, Any], str]:
        matching = [template for pattern, template in self._paths if pattern.fullmatch(path)]
        for template in matching:
            operation = self._document["paths"][template].get("get" if method == "HEAD" else method.lower())
            if operation is not None:
                return {status: self._resolved(said) for status, said in operation["responses"].items()}, template
        return self._refusals("405" if matching else "404"), " ".join(matching) or "no path"

    def _refusals(self, status: str) -> Mapping[str, Any]:
        """What may be answered where nothing is described: the door's answers, and that nothing is there."""
        page = {"content": REFUSAL["content"] | {"text/html": {}}}
        return {"400": REFUSAL, "401": page, "403": REFUSAL, "429": REFUSAL, status: REFUSAL}

    def _resolved(self, said: Mapping[str, Any]) -> Mapping[str, Any]:
        name = said.get("$ref", "").rpartition("/")[2]
        return self._document["components"]["responses"][name] if name else said

    def _validate(self, schema: Any, value: Any, where: str) -> None:
        key = json.dumps(schema)
        validator = self._validators.get(key)
        if validator is None:
            validator = self._validators[key] = Draft202012Validator(_closed(schema) | self._parts)
        for error in validator.iter_errors(value):
            raise AssertionError(f"{where}: {error.message} at {'/'.join(map(str, error.instance_path))}")


@functools.cache
def contract(document: bytes, events: bytes) -> Contract:
    """Of what a server's `/openapi.json` and `/api/events/schema` say."""
    return Contract(json.loads(document), json.loads(events))


def _pattern(path: str, methods: Mapping[str, Any]) -> re.Pattern[str]:
    parameters = [parameter for operation in methods.values() for parameter in operation["parameters"]]
    deep = {parameter["name"] for parameter in parameters if parameter.get("x-slashes")}
    parts = re.split(r"\{(\w+)\}", path)
    names = (".+" if name in deep else "[^/]+" for name in parts[1::2])
    return re.compile("".join(re.escape(part) + next(names, "") for part in parts[::2]))


def _rank(path: str) -> tuple[int, str]:
    """Words before variables, as the server looks them up."""
    return path.count("{"), path


def _closed(schema: Any) -> Any:
    """The schema with no room for fields that it does not name."""
    match schema:
        case {"properties": dict()}:
            inner = {key: _closed(value) for key, value in schema.items() if key != "properties"}
            properties = {name: _closed(value) for name, value in schema["properties"].items()}
            return {"additionalProperties": False} | inner | {"properties": properties}
        case dict():
            return {key: _closed(value) for key, value in schema.items()}
        case list():
            return [_closed(value) for value in schema]
        case _:
            return schema
