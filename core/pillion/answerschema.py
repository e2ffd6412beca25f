"""The JSON Schema that a prompt's answer must fit: the part of it that is understood, and whether a value fits.

Small on purpose (docs/decisions/0011): what it can't check it refuses when the prompt comes, not when the answer does.
Every check is bounded, whatever schema and value are: there are no regular expressions, and each step is counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from typing import Any

import msgspec

from .errors import BadSchema

Schema = Mapping[str, Any] | bool

LARGEST = 64 * 1024
"""Bytes of a schema's JSON."""
DEPTH = 64
"""Levels of a schema, and of a value."""
EFFORT = 100_000
"""Steps that one check may take."""
TYPES: dict[str, Callable[[Any], bool]] = {
    "null": lambda value: value is None,
    "boolean": lambda value: isinstance(value, bool),
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "number": lambda value: _is_number(value),
    "integer": lambda value: _is_number(value) and value == int(value),
}
COUNTS = {"minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"}
BOUNDS = {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}
LISTS = {"anyOf", "oneOf", "allOf", "prefixItems"}
SINGLES = {"items", "additionalProperties", "not"}
TABLES = {"properties", "$defs", "definitions"}
NOTES = {"title", "description", "default", "examples", "format", "deprecated", "readOnly", "writeOnly"}
NOTES |= {"$schema", "$comment"}
"""They say something to the model, and nothing is checked by them."""
OTHERS = {"type", "enum", "const", "required", "$ref", "uniqueItems"}
KNOWN = COUNTS | BOUNDS | LISTS | SINGLES | TABLES | NOTES | OTHERS


class Misfit(Exception):
    """The value does not fit; the sentence says where and why, for the model."""


class AnswerSchema:
    """A schema that can be checked. Raises BadSchema for one that can't, and names the place."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        if len(msgspec.json.encode(schema)) > LARGEST:
            raise BadSchema("", f"The schema is larger than {LARGEST // 1024} KiB.")
        self._whole = schema
        self._check(schema, "", 0)
        self._check_circles()
        self.root = dict(self._root())
        if self.root.get("type") != "object":
            raise BadSchema(".type", "The answer must be an object: many models can give nothing else as JSON.")

    def read(self, text: str) -> Any:
        """The value of a model's words, which may stand in a fence. Raises Misfit."""
        try:
            value = msgspec.json.decode(_unfenced(text))
        except (msgspec.DecodeError, RecursionError) as error:
            raise Misfit(f"It is no JSON: {error}.") from None
        _check_depth(value)
        _Fitting(self._whole).fit(value, self._whole, "$", 0)
        return value

    # ── is the schema one? ──

    def _check(self, schema: Any, at: str, depth: int) -> None:
        if isinstance(schema, bool):
            return
        if not isinstance(schema, dict):
            raise BadSchema(at, "A schema is an object, true or false.")
        if depth > DEPTH:
            raise BadSchema(at, f"The schema has more than {DEPTH} levels.")
        for key, value in schema.items():
            if key not in KNOWN and not (key == "$id" and not at):
                raise BadSchema(f"{at}.{key}", f"{key} can't be checked here. Known are: {', '.join(sorted(KNOWN))}.")
            _check_value(key, value, f"{at}.{key}")
        for place, inner in _inner(schema):
            self._check(inner, at + place, depth + 1)
        if "$ref" in schema:
            _resolve(self._whole, schema["$ref"], f"{at}.$ref")

    def _check_circles(self) -> None:
        """No schema may lead back to itself without going down in the value: no check of it would end."""
        done = set[int]()

        def visit(schema: Any, depth: int) -> None:
            if isinstance(schema, bool) or id(schema) in done:
                return
            if depth > DEPTH:
                raise BadSchema("", "A $ref leads back to itself, or through too many others.")
            for inner in _beside(schema, self._whole):
                visit(inner, depth + 1)
            done.add(id(schema))

        for schema in _all(self._whole):
            visit(schema, 0)

    def _root(self) -> Mapping[str, Any]:
        """The schema without a $ref at its top, which not every vendor takes."""
        schema: Any = self._whole
        for _ in range(DEPTH):
            if not isinstance(schema, dict) or "$ref" not in schema:
                break
            rest = {key: value for key, value in schema.items() if key != "$ref"}
            schema = {**_resolve(self._whole, schema["$ref"], ".$ref"), **rest}
        return schema if isinstance(schema, dict) else {}


class _Fitting:
    """One check of one value."""

    def __init__(self, whole: Mapping[str, Any]) -> None:
        self._whole, self._left = whole, EFFORT

    def fit(self, value: Any, schema: Schema, at: str, depth: int) -> None:
        """Raises Misfit."""
        self._spend(1)
        if depth > 4 * DEPTH:
            raise Misfit(f"{at}: it is nested too deeply.")
        if isinstance(schema, bool):
            if not schema:
                raise Misfit(f"{at}: nothing is allowed here.")
            return
        if "$ref" in schema:
            self.fit(value, _resolve(self._whole, schema["$ref"], ""), at, depth + 1)
        self._plain(value, schema, at)
        self._combined(value, schema, at, depth + 1)
        match value:
            case dict():
                self._object(value, schema, at, depth + 1)
            case list():
                self._array(value, schema, at, depth + 1)
            case str():
                _within(len(value), schema, "minLength", "maxLength", "characters", at)
            case int() | float() if _is_number(value):
                _number(value, schema, at)
            case _:
                pass

    def _fits(self, value: Any, schema: Schema, at: str, depth: int) -> bool:
        try:
            self.fit(value, schema, at, depth)
        except Misfit:
            self._spend(0)  # what was too much for one branch is too much for all
            return False
        return True

    def _spend(self, steps: int) -> None:
        self._left -= steps
        if self._left < 0:
            raise Misfit("It is too large to be checked.")

    def _same(self, value: Any) -> Any:
        """Equal for equal JSON: 1 is 1.0, but not true."""
        self._spend(1)
        match value:
            case bool() | None:
                return ("is", value)
            case dict():
                return ("object", frozenset((name, self._same(inner)) for name, inner in value.items()))
            case list():
                return ("array", tuple(map(self._same, value)))
            case _:
                return value

    def _plain(self, value: Any, schema: Mapping[str, Any], at: str) -> None:
        wanted = schema.get("type")
        names = [wanted] if isinstance(wanted, str) else wanted
        if names is not None and not any(TYPES[name](value) for name in names):
            raise Misfit(f"{at}: {' or '.join(names)} is expected, not {_kind(value)}.")
        if "const" in schema and self._same(value) != self._same(schema["const"]):
            raise Misfit(f"{at}: it must be {_json(schema['const'])}.")
        if "enum" in schema and self._same(value) not in [self._same(one) for one in schema["enum"]]:
            raise Misfit(f"{at}: it must be one of {_json(schema['enum'])}.")

    def _combined(self, value: Any, schema: Mapping[str, Any], at: str, depth: int) -> None:
        for inner in schema.get("allOf", ()):
            self.fit(value, inner, at, depth)
        for key in [key for key in ("anyOf", "oneOf") if key in schema]:
            count = sum(self._fits(value, inner, at, depth) for inner in schema[key])
            if count == 0 or (count > 1 and key == "oneOf"):
                raise Misfit(f"{at}: it fits {count or 'none'} of the {len(schema[key])} schemas of {key}.")
        if "not" in schema and self._fits(value, schema["not"], at, depth):
            raise Misfit(f"{at}: it fits what it must not fit.")

    def _object(self, value: dict[str, Any], schema: Mapping[str, Any], at: str, depth: int) -> None:
        self._spend(len(value))
        missing = [name for name in schema.get("required", ()) if name not in value]
        if missing:
            raise Misfit(f"{at}: {', '.join(map(repr, missing))} is missing.")
        _within(len(value), schema, "minProperties", "maxProperties", "properties", at)
        known, others = schema.get("properties", {}), schema.get("additionalProperties", True)
        for name, inner in value.items():
            if name not in known and others is False:
                raise Misfit(f"{at}: there is no property {name[:80]!r}; there are: {', '.join(known) or 'none'}.")
            self.fit(inner, known.get(name, others), f"{at}.{name[:80]}", depth)

    def _array(self, value: list[Any], schema: Mapping[str, Any], at: str, depth: int) -> None:
        self._spend(len(value))
        _within(len(value), schema, "minItems", "maxItems", "items", at)
        first = schema.get("prefixItems", ())
        for index, inner in enumerate(value):
            self.fit(inner, first[index] if index < len(first) else schema.get("items", True), f"{at}[{index}]", depth)
        if schema.get("uniqueItems") and len({self._same(inner) for inner in value}) < len(value):
            raise Misfit(f"{at}: the same item stands there twice.")


def _check_value(key: str, value: Any, at: str) -> None:
    """Is the keyword's own value one?"""
    strings = isinstance(value, list) and all(isinstance(one, str) for one in value)
    named = value in TYPES if isinstance(value, str) else bool(strings and value and set(value) <= TYPES.keys())
    counted = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    fine: dict[str, tuple[bool, str]] = {
        "type": (named, f"one of {', '.join(TYPES)}, or a list of them"),
        "required": (strings, "a list of names"),
        "enum": (isinstance(value, list) and bool(value), "a list with something in it"),
        "$ref": (isinstance(value, str), "a text like #/$defs/Name"),
        "uniqueItems": (isinstance(value, bool), "true or false"),
        "multipleOf": (_is_number(value) and value > 0, "a number above 0"),
    }
    fine |= dict.fromkeys(COUNTS, (counted, "a whole number, 0 or more"))
    fine |= {name: (_is_number(value), "a number") for name in BOUNDS - {"multipleOf"}}
    fine |= {name: (isinstance(value, list) and bool(value), "a list of schemas") for name in LISTS}
    fine |= {name: (isinstance(value, dict), "an object of schemas by name") for name in TABLES}
    good, wanted = fine.get(key, (True, ""))
    if not good:
        raise BadSchema(at, f"{key} must be {wanted}.")


def _inner(schema: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The schemas right below this one, each with its place."""
    for key, value in schema.items():
        if key in SINGLES:
            yield f".{key}", value
        elif key in LISTS:
            yield from ((f".{key}[{index}]", inner) for index, inner in enumerate(value))
        elif key in TABLES:
            yield from ((f".{key}.{name}", inner) for name, inner in value.items())


def _all(schema: Any) -> Iterator[Any]:
    yield schema
    for _, inner in _inner(schema) if isinstance(schema, dict) else ():
        yield from _all(inner)


def _beside(schema: Mapping[str, Any], whole: Mapping[str, Any]) -> Iterator[Any]:
    """The schemas that judge the same value as this one."""
    for key in ("anyOf", "oneOf", "allOf"):
        yield from schema.get(key, ())
    if "not" in schema:
        yield schema["not"]
    if "$ref" in schema:
        yield _resolve(whole, schema["$ref"], "")


def _resolve(whole: Mapping[str, Any], reference: str, at: str) -> Any:
    """`#`, `#/$defs/Name` or `#/definitions/Name`; nothing is ever fetched."""
    table, _, name = reference.removeprefix("#/").partition("/")
    if reference == "#":
        return whole
    found = whole.get(table, {}) if reference.startswith("#/") and table in ("$defs", "definitions") else {}
    name = name.replace("~1", "/").replace("~0", "~")
    if name not in found:
        raise BadSchema(at, f"{reference} leads nowhere; it can lead to # or into #/$defs/.")
    return found[name]


def _within(count: int, schema: Mapping[str, Any], low: str, high: str, what: str, at: str) -> None:
    if count < schema.get(low, 0):
        raise Misfit(f"{at}: it has {count} {what}, fewer than {schema[low]}.")
    if high in schema and count > schema[high]:
        raise Misfit(f"{at}: it has {count} {what}, more than {schema[high]}.")


def _number(value: float, schema: Mapping[str, Any], at: str) -> None:
    checks: dict[str, Callable[[Any], bool]] = {
        "minimum": lambda bound: value >= bound,
        "maximum": lambda bound: value <= bound,
        "exclusiveMinimum": lambda bound: value > bound,
        "exclusiveMaximum": lambda bound: value < bound,
        "multipleOf": lambda bound: Fraction(str(value)) % Fraction(str(bound)) == 0,
    }
    for key, fine in checks.items():
        if key in schema and not fine(schema[key]):
            raise Misfit(f"{at}: {_json(value)} does not fit {key} {_json(schema[key])}.")


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _kind(value: Any) -> str:
    return next(name for name, fits in TYPES.items() if fits(value))


def _check_depth(value: Any) -> None:
    level, depth = [value], 0
    while level:
        depth += 1
        if depth > DEPTH:
            raise Misfit(f"It is nested more than {DEPTH} levels deep.")
        level = [
            inner
            for one in level
            if isinstance(one, (dict, list))
            for inner in (one.values() if isinstance(one, dict) else one)
        ]


def _json(value: Any) -> str:
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= 200 else f"{text[:200]}…"


def _unfenced(text: str) -> str:
    """The words without the fence that models like to put around code."""
    words = text.strip()
    if words.startswith("```") and words.endswith("```") and "\n" in words:
        return words.partition("\n")[2].removesuffix("```")
    return words
