"""The JSON Schema of an answer: what is taken, what is refused, what fits. Held against a full validator."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema_rs import Draft202012Validator

from pillion.answerschema import AnswerSchema, Misfit
from pillion.errors import BadSchema


def obj(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


@pytest.mark.parametrize(
    ("schema", "at", "said"),
    [
        (obj(a={"pattern": "(a+)+$"}), ".properties.a.pattern", "can't be checked"),
        (obj(a={"type": "text"}), ".properties.a.type", "one of null"),
        (obj(a={"type": []}), ".properties.a.type", "one of null"),
        (obj(a=3), ".properties.a", "A schema is an object"),
        (obj(a={"anyOf": []}), ".properties.a.anyOf", "a list of schemas"),
        (obj(a={"anyOf": [True, 1]}), ".properties.a.anyOf[1]", "A schema is an object"),
        (obj(a={"items": {"minLength": -1}}), ".properties.a.items.minLength", "0 or more"),
        (obj(a={"multipleOf": 0}), ".properties.a.multipleOf", "above 0"),
        (obj(a={"required": "x"}), ".properties.a.required", "a list of names"),
        (obj(a={"$ref": "https://example.com/s"}), ".properties.a.$ref", "leads nowhere"),
        (obj(a={"$ref": "#/$defs/none"}), ".properties.a.$ref", "leads nowhere"),
        (obj(a={"$id": "x"}), ".properties.a.$id", "can't be checked"),
        ({"type": "array"}, ".type", "must be an object"),
        ({}, ".type", "must be an object"),
        ({"$ref": "#"}, "", "leads back to itself"),
        (obj(a={"$ref": "#/$defs/a"}) | {"$defs": {"a": {"anyOf": [{"$ref": "#/$defs/a"}]}}}, "", "leads back"),
        (obj(a={"const": "x" * 70_000}), "", "larger than 64 KiB"),
        (obj(**{f"d{n}": {"$ref": f"#/$defs/d{n}"} for n in range(3)}), ".properties.d0.$ref", "leads nowhere"),
    ],
)
def test_what_can_not_be_checked_is_refused_and_named(schema: dict[str, Any], at: str, said: str) -> None:
    with pytest.raises(BadSchema) as caught:
        AnswerSchema(schema)
    assert (caught.value.at, said in caught.value.said) == (at, True), caught.value


def test_deep_schemas_and_long_ways_are_refused() -> None:
    deep: dict[str, Any] = {"type": "object"}
    for _ in range(100):
        deep = obj(a=deep)
    with pytest.raises(BadSchema, match="64 levels"):
        AnswerSchema(deep)
    chain = {f"d{n}": {"$ref": f"#/$defs/d{n + 1}"} for n in range(900)} | {"d900": True}
    with pytest.raises(BadSchema, match="too many others"):
        AnswerSchema(obj(a={"$ref": "#/$defs/d0"}) | {"$defs": chain})


def test_a_ref_at_the_top_is_followed_for_the_vendors() -> None:
    schema = AnswerSchema({"$ref": "#/$defs/P", "$defs": {"P": obj(a={"type": "string"})}})
    assert schema.root["type"] == "object"
    assert "$ref" not in schema.root
    assert schema.read('{"a": "b"}') == {"a": "b"}


@pytest.mark.parametrize("text", ['{"a": 1}', ' {"a": 1}\n', '```json\n{"a": 1}\n```', '```\n{"a": 1}```'])
def test_json_may_stand_in_a_fence(text: str) -> None:
    assert AnswerSchema(obj(a={"type": "integer"})).read(text) == {"a": 1}


TREE = obj(children={"type": "array", "items": {"$ref": "#"}})
BUSY = {"type": "object", "additionalProperties": {"anyOf": [{"enum": list(range(200))}, {"type": "string"}]}}


@pytest.mark.parametrize(
    ("schema", "text", "said"),
    [
        (obj(), "I think so", "It is no JSON"),
        (obj(), "[1]", "$: object is expected, not array."),
        (obj(), "[" * 5000, "It is no JSON"),
        (obj(a={"type": ["string", "null"]}), '{"a": true}', "$.a: string or null is expected, not boolean."),
        (obj() | {"required": ["a", "b"]}, '{"a": 1}', "$: 'b' is missing."),
        (obj(a=True) | {"additionalProperties": False}, '{"b": 1}', "$: there is no property 'b'; there are: a."),
        (obj(a={"enum": [1, "x"]}), '{"a": true}', '$.a: it must be one of [1,"x"].'),
        (obj(a={"items": {"minimum": 3}}), '{"a": [4, 2]}', "$.a[1]: 2 does not fit minimum 3."),
        (
            obj(a={"oneOf": [{"type": "integer"}, {"minimum": 0}]}),
            '{"a": 3}',
            "$.a: it fits 2 of the 2 schemas of oneOf",
        ),
        (TREE, '{"children": [{"children": [1]}]}', "$.children[0].children[0]: object is expected"),
        (TREE, '{"children": [' * 40 + "]}" * 40, "nested more than 64 levels"),
        (BUSY, json.dumps({str(n): "x" for n in range(2000)}), "too large to be checked"),
    ],
)
def test_what_does_not_fit_is_told_to_the_model(schema: dict[str, Any], text: str, said: str) -> None:
    with pytest.raises(Misfit) as caught:
        AnswerSchema(schema).read(text)
    assert said in str(caught.value)


# ── against a full validator ──

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.sampled_from([0.5, 1.0, -2.5])
    | st.sampled_from(["", "a", "é😀"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)
SMALL = st.integers(0, 3)
LEAVES = st.one_of(
    st.booleans(),
    st.sampled_from(["null", "boolean", "object", "array", "string", "number", "integer"]).map(lambda t: {"type": t}),
    VALUES.map(lambda value: {"const": value}),
    st.lists(VALUES, min_size=1, max_size=3).map(lambda values: {"enum": values}),
    st.builds(
        lambda key, n: {key: n},
        st.sampled_from(["minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"]),
        SMALL,
    ),
    st.builds(
        lambda key, n: {key: n},
        st.sampled_from(["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"]),
        st.integers(-3, 3) | st.just(0.5),
    ),
    st.sampled_from([0.5, 1, 2]).map(lambda n: {"multipleOf": n}),
    st.booleans().map(lambda unique: {"uniqueItems": unique}),
    st.lists(st.sampled_from("abc"), unique=True, max_size=2).map(lambda names: {"required": names}),
    st.just({"$ref": "#/$defs/d"}),
)
SCHEMAS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(
            lambda key, schemas: {key: schemas},
            st.sampled_from(["anyOf", "oneOf", "allOf", "prefixItems"]),
            st.lists(inner, min_size=1, max_size=3),
        ),
        st.builds(lambda key, schema: {key: schema}, st.sampled_from(["not", "items", "additionalProperties"]), inner),
        st.dictionaries(st.sampled_from("abc"), inner, max_size=3).map(lambda table: {"properties": table}),
        st.builds(
            lambda one, two: {**one, **two} if isinstance(one, dict) and isinstance(two, dict) else one, inner, inner
        ),
    ),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from("abc"), SCHEMAS, max_size=3), LEAVES, VALUES)
def test_it_judges_as_a_full_validator_does(properties: dict[str, Any], definition: Any, value: Any) -> None:
    if isinstance(definition, dict) and "$ref" in definition:
        definition = True
    whole = obj(**properties) | {"$defs": {"d": definition}}
    said = {"a": value, "b": value}
    try:
        AnswerSchema(whole).read(json.dumps(said))
        fits = True
    except Misfit:
        fits = False
    assert fits == Draft202012Validator(whole).is_valid(said)
