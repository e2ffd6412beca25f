"""Taking a constrained answer apart, whatever pieces it comes in."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import pairwise

import msgspec
from hypothesis import given
from hypothesis import strategies as some

from pillion.contracts.provider import CallPart
from pillion.values import Text, ToolSpec
from pillion_embedded.constrained import Unfolding, one_schema


def unfold(answer: str, cuts: Sequence[int]) -> list[Text | CallPart]:
    places = sorted({cut % (len(answer) + 1) for cut in cuts} | {0, len(answer)})
    unfolding = Unfolding()
    found = [part for a, b in pairwise(places) for part in unfolding.feed(answer[a:b])]
    return [*found, *unfolding.end()]


@given(some.text(), some.lists(some.integers(0, 10_000)), some.booleans(), some.sampled_from([None, 2]))
def test_words_survive_any_cuts(words: str, cuts: list[int], ascii_only: bool, indent: int | None) -> None:
    answer = json.dumps({"answer": words}, ensure_ascii=ascii_only, indent=indent)
    assert "".join(part.text for part in unfold(answer, cuts) if isinstance(part, Text)) == words


@given(
    some.dictionaries(some.text(), some.text() | some.dictionaries(some.text(), some.none())),
    some.lists(some.integers(0, 10_000)),
)
def test_arguments_survive_any_cuts(arguments: dict[str, object], cuts: list[int]) -> None:
    parts = unfold(json.dumps({"tool": "edit", "arguments": arguments}), cuts)
    calls = [part for part in parts if isinstance(part, CallPart)]
    assert [call.name for call in calls if call.id] == ["edit"]
    assert json.loads("".join(call.arguments for call in calls)) == arguments


class Line(msgspec.Struct):
    """A definition."""

    number: int


class Place(msgspec.Struct):
    """Has a definition, which another tool's schema also has."""

    line: Line


def test_definitions_of_two_tools_do_not_meet() -> None:
    tools = [ToolSpec(name, "", msgspec.json.schema(Place)) for name in ("one", "two")]
    schema = one_schema(tools)
    assert set(schema["$defs"]) == {"one.Line", "one.Place", "two.Line", "two.Place"}
    assert schema["anyOf"][1]["properties"]["arguments"] == {"$ref": "#/$defs/two.Place"}
    assert schema["$defs"]["two.Place"]["properties"]["line"] == {"$ref": "#/$defs/two.Line"}
