"""Tools for a model that was never taught them: one JSON schema holds its decoding, and its answer is taken apart.

The shape is `{"tool": "read_file", "arguments": {…}}` for a call and `{"answer": "…"}` for words.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterator, Sequence
from typing import Any

from pillion.contracts.provider import CallPart
from pillion.values import Text, ToolSpec

KNOWN = {
    "type", "properties", "required", "additionalProperties", "items", "anyOf", "oneOf", "enum", "const", "$ref",
    "minimum", "maximum", "minItems", "description",
}  # fmt: skip
"""Keywords kept. Others (patterns, lengths) make grammars that are refused or slow; the tool run checks them."""

CALL = re.compile(r'\s*\{\s*"tool"\s*:\s*("(?:[^"\\]|\\.)*")\s*,\s*"arguments"\s*:\s*')
ANSWER = re.compile(r'\s*\{\s*"answer"\s*:\s*"')
QUOTED = re.compile(r'(?:[^"\\]|\\(?:[^u]|u[0-9a-fA-F]{4}))*')
HALF_PAIR = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}$")
CLOSING = "} \t\r\n"


def one_schema(tools: Sequence[ToolSpec]) -> dict[str, Any]:
    """The JSON schema of an answer that either calls one of `tools` or speaks."""
    definitions: dict[str, Any] = {}
    shapes = [_object({"tool": {"const": tool.name}, "arguments": _arguments(tool, definitions)}) for tool in tools]
    schema: dict[str, Any] = {"anyOf": [*shapes, _object({"answer": {"type": "string"}})]}
    return schema | ({"$defs": definitions} if definitions else {})


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _arguments(tool: ToolSpec, definitions: dict[str, Any]) -> Any:
    """The tool's schema with its definitions moved to the top, under names that don't meet another tool's."""
    for name, schema in tool.schema.get("$defs", {}).items():
        definitions[f"{tool.name}.{name}"] = _kept(schema, tool.name)
    return _kept({key: value for key, value in tool.schema.items() if key != "$defs"}, tool.name)


def _kept(schema: Any, tool: str) -> Any:
    if not isinstance(schema, dict):
        return schema
    kept: dict[str, Any] = {}
    for key, value in schema.items():
        if key == "$ref":
            kept[key] = value.replace("#/$defs/", f"#/$defs/{tool}.", 1)
        elif key == "properties":
            kept[key] = {name: _kept(property, tool) for name, property in value.items()}
        elif key in ("anyOf", "oneOf"):
            kept[key] = [_kept(choice, tool) for choice in value]
        elif key in ("items", "additionalProperties"):
            kept[key] = _kept(value, tool)
        elif key in KNOWN:
            kept[key] = value
    return kept


class Unfolding:
    """Takes the JSON apart while it grows: a CallPart with the name, then its arguments piece by piece; or Text."""

    def __init__(self) -> None:
        self.called = False
        self._speaks = False
        self._raw = ""
        """What has come and is not passed on yet."""

    def feed(self, text: str) -> Iterator[Text | CallPart]:
        self._raw += text
        if not (self.called or self._speaks):
            yield from self._begin()
        if self.called:
            # The last brace closes our own object, not the arguments: closing ones wait until more comes.
            yield from self._pass_on(len(self._raw.rstrip(CLOSING)))
        elif self._speaks:
            yield from self._speak()

    def end(self) -> Iterator[CallPart]:
        """The model is done; whatever is left belongs to the call, but for the brace that closes ours."""
        if self.called:
            yield from self._pass_on(self._raw.rindex("}") if "}" in self._raw else len(self._raw))

    def _begin(self) -> Iterator[CallPart]:
        if found := CALL.match(self._raw):
            self.called = True
            self._raw = self._raw[found.end() :]
            yield CallPart(0, id=f"call_{secrets.token_hex(12)}", name=json.loads(found[1]))
        elif found := ANSWER.match(self._raw):
            self._speaks = True
            self._raw = self._raw[found.end() :]

    def _pass_on(self, size: int) -> Iterator[CallPart]:
        if size:
            yield CallPart(0, arguments=self._raw[:size])
            self._raw = self._raw[size:]

    def _speak(self) -> Iterator[Text]:
        """The string so far, but for an escape, or a pair of them, that is still coming."""
        found = QUOTED.match(self._raw)
        whole = HALF_PAIR.sub("", found[0]) if found else ""
        if whole:
            self._raw = self._raw[len(whole) :]
            yield Text(json.loads(f'"{whole}"', strict=False))
