"""What of a new description of the API would break clients of the old one, as versioning.md says.

Reads OpenAPI documents and the events' schema; gives sentences, none when a client of the old one goes on working.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Schema = dict[str, Any]
BOUNDS = {"maximum": 1, "exclusiveMaximum": 1, "maxLength": 1, "maxItems": 1, "maxProperties": 1,
          "minimum": -1, "exclusiveMinimum": -1, "minLength": -1, "minItems": -1, "minProperties": -1}  # fmt: skip
"""1: a request may say less when it falls; -1: when it rises."""

NAMES = {"string": "str", "boolean": "bool"}
"""JSON's types by the names of Python's, which enumerations have."""


class Comparison:
    """Of two documents, each with its own parts (`components` or `$defs`)."""

    def __init__(self, old: Schema, new: Schema) -> None:
        self._old, self._new = old, new
        self._met: set[tuple[str, str, bool]] = set()

    def api(self) -> Iterator[str]:
        """Of two OpenAPI documents."""
        for path, methods in self._old["paths"].items():
            for method, was in methods.items():
                is_ = self._new["paths"].get(path, {}).get(method)
                where = f"{method.upper()} {path}"
                if is_ is None:
                    yield f"{where} is gone"
                else:
                    yield from self._operation(was, is_, where)

    def events(self) -> Iterator[str]:
        """Of two schemas of events."""
        for name, was in self._old["$defs"].items():
            if name not in self._new["$defs"]:
                yield f"{name} is gone"
            else:
                yield from self._schema(was, self._new["$defs"][name], name, given=False)

    def _operation(self, was: Schema, is_: Schema, where: str) -> Iterator[str]:
        if was["operationId"] != is_["operationId"]:
            yield f"{where}: the operation {was['operationId']} is now {is_['operationId']}"
        if {} in was.get("security", ()) and {} not in is_.get("security", ()):
            yield f"{where} needs a token now"
        yield from self._parameters(was, is_, where)
        body, now = was.get("requestBody"), is_.get("requestBody")
        if now and now["required"] and not (body and body["required"]):
            yield f"{where} needs a body now"
        if body:
            yield from self._contents(body["content"], (now or {"content": {}})["content"], where, given=True)
        for status, answer in was["responses"].items():
            if status >= "4":
                continue
            if status not in is_["responses"]:
                yield f"{where} no longer answers {status}"
                continue
            yield from self._answer(answer, is_["responses"][status], f"{where} {status}")

    def _parameters(self, was: Schema, is_: Schema, where: str) -> Iterator[str]:
        old = {(p["in"], p["name"]): p for p in was["parameters"] if "name" in p}
        new = {(p["in"], p["name"]): p for p in is_["parameters"] if "name" in p}
        for place, name in old.keys() - new.keys():
            yield f"{where} takes no {name} in the {place} any more"
        for (place, name), parameter in new.items():
            before = old.get((place, name))
            if parameter.get("required") and not (before and before.get("required")):
                yield f"{where} needs {name} in the {place} now"
            if before:
                yield from self._schema(before["schema"], parameter["schema"], f"{where} {name}", given=True)

    def _answer(self, was: Schema, is_: Schema, where: str) -> Iterator[str]:
        for name in was.get("headers", {}).keys() - is_.get("headers", {}).keys():
            yield f"{where} has no header {name} any more"
        yield from self._contents(was.get("content", {}), is_.get("content", {}), where, given=False)

    def _contents(self, was: Schema, is_: Schema, where: str, *, given: bool) -> Iterator[str]:
        for media_type, said in was.items():
            if media_type not in is_:
                yield f"{where}: no {media_type} any more"
            elif "schema" in said:
                yield from self._schema(said["schema"], is_[media_type].get("schema", {}), where, given=given)

    def _schema(self, was: Schema, is_: Schema, where: str, *, given: bool) -> Iterator[str]:
        """`given`: a request's, which must not take less; else an answer's, which must not hold more."""
        key = (str(was), str(is_), given)
        if key in self._met:
            return
        self._met.add(key)
        was, is_ = _resolved(was, self._old), _resolved(is_, self._new)
        yield from _kinds(was, is_, where, given=given)
        yield from _bounds(was, is_, where) if given else ()
        yield from self._fields(was, is_, where, given=given)
        for inner in ("items", "additionalProperties"):
            if isinstance(was.get(inner), dict) and isinstance(is_.get(inner), dict):
                yield from self._schema(was[inner], is_[inner], f"{where}[]", given=given)
        yield from self._choices(was.get("anyOf", []), is_.get("anyOf", []), where, given=given)

    def _fields(self, was: Schema, is_: Schema, where: str, *, given: bool) -> Iterator[str]:
        old, new = was.get("properties", {}), is_.get("properties", {})
        for name in old.keys() - new.keys():
            yield f"{where}.{name} is gone"
        required = set(is_.get("required", ())) - set(was.get("required", ()))
        optional = set(was.get("required", ())) - set(is_.get("required", ()))
        for name in sorted(required if given else optional & new.keys()):
            yield f"{where}.{name} {'is required now' if given else 'may be left out now'}"
        for name in old.keys() & new.keys():
            yield from self._schema(old[name], new[name], f"{where}.{name}", given=given)
            if given and old[name].get("default") != new[name].get("default"):
                yield f"{where}.{name} has another default"

    def _choices(self, was: list[Schema], is_: list[Schema], where: str, *, given: bool) -> Iterator[str]:
        """Alternatives are known by what they are called, or by their types."""
        old, new = ({_called(choice): choice for choice in choices} for choices in (was, is_))
        for name in old.keys() & new.keys():
            yield from self._schema(old[name], new[name], where, given=given)
        if given:
            yield from (f"{where} takes no {name} any more" for name in sorted(old.keys() - new.keys()))


def _resolved(schema: Schema, document: Schema) -> Schema:
    while "$ref" in schema:
        part: Any = document
        for name in schema["$ref"].removeprefix("#/").split("/"):
            part = part[name]
        schema = part
    return schema


def _called(schema: Schema) -> str:
    return str(schema.get("$ref", "")).rpartition("/")[2] or str(schema.get("type", "value"))


def _kinds(was: Schema, is_: Schema, where: str, *, given: bool) -> Iterator[str]:
    old, new = _possible(was), _possible(is_)
    lost = old - new if given else (new - old if "null" in new - old or not old & new else set())
    if old and new and lost:
        yield f"{where} was {' or '.join(sorted(old))} and is {' or '.join(sorted(new))}"
    if given and "enum" in was and "enum" in is_:
        for value in was["enum"]:
            if value not in is_["enum"]:
                yield f"{where} takes no {value!r} any more"


def _possible(schema: Schema) -> set[str]:
    """The types that it may be; none known: anything."""
    if "anyOf" in schema:
        return {kind for choice in schema["anyOf"] for kind in (_possible(choice) or {"object"})}
    if "enum" in schema:
        return {"null" if value is None else type(value).__name__ for value in schema["enum"]}
    kind = schema.get("type")
    return {NAMES.get(kind, kind)} if isinstance(kind, str) else set()


def _bounds(was: Schema, is_: Schema, where: str) -> Iterator[str]:
    for bound, sign in BOUNDS.items():
        if bound in is_ and (bound not in was or (is_[bound] - was[bound]) * sign < 0):
            yield f"{where} has a narrower {bound}"
    if is_.get("pattern", was.get("pattern")) != was.get("pattern"):
        yield f"{where} has another pattern"
