"""Tools and calls in the words of the form that is read by tagform.py."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from .values import ToolCall, ToolSpec

THINKING = "thinking"
TOLD = """\
You can use tools. First say in a few words what you are about to do and why:
<thinking>
...
</thinking>
Then write the tool's name as a tag on a line of its own, each parameter as a tag inside it, and close both. Values \
stand as they are, nothing is escaped. So, for instance:
<TOOL>
<PARAMETER>value</PARAMETER>
</TOOL>
You may use several tools, one after the other. Then stop: the results come in the next message. Without a tool your \
words are your answer.
The tools:

{}"""


def told(tools: Sequence[ToolSpec]) -> str:
    """What a model is told of them; "" of none."""
    return TOLD.format("\n\n".join(map(_described, tools))) if tools else ""


def _described(tool: ToolSpec) -> str:
    required = tool.schema.get("required", ())
    lines = [f"# {tool.name}", tool.description]
    for name, schema in tool.schema.get("properties", {}).items():
        known = {key: value for key, value in schema.items() if key not in ("description", "default")}
        shape = "text" if is_text(schema) else f"JSON, {msgspec.json.encode(known).decode()}"
        needed = "" if name in required else ", may be left out"
        lines.append(f"- {name} ({shape}{needed}) {schema.get('description', '')}".rstrip())
    if inner := tool.schema.get("$defs"):
        lines.append(f"In which: {msgspec.json.encode(inner).decode()}")
    return "\n".join(lines)


def written(call: ToolCall) -> str:
    """A call as the model is to write it."""
    try:
        given = msgspec.json.decode(call.arguments or "{}")
    except msgspec.DecodeError:
        given = None
    if not isinstance(given, dict):
        return f"<{call.name}>\n{call.arguments}\n</{call.name}>"
    lines = [f"<{name}>{_value(value)}</{name}>" for name, value in given.items()]
    return "\n".join([f"<{call.name}>", *lines, f"</{call.name}>"])


def _value(value: Any) -> str:
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return f"\n{text}\n" if "\n" in text else text


def is_text(schema: dict[str, Any]) -> bool:
    """Does it take a text? What names no type at all does, and so does what is one of several texts."""
    kinds = schema.get("anyOf", (schema,))
    return any(one.get("type", "string" if "$ref" not in one else "") == "string" for one in kinds)
