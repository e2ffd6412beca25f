"""Tools for models that have none of their own: one JSON schema of all calls, to which the decoding is held."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from pillion.contracts.provider import CallPart, Chunk, Finish
from pillion.values import Message, Part, Text, ToolCall, ToolResult, ToolSpec


def schema(tools: Sequence[ToolSpec]) -> dict[str, Any]:
    """`{"tool": name, "arguments": {…}}` for one of the tools, or `{"answer": words}`."""
    choices: list[dict[str, Any]] = []
    definitions: dict[str, Any] = {}
    for tool in tools:
        # definitions move to the top, so each tool's get its name before them
        text = msgspec.json.encode(tool.schema).replace(b"#/$defs/", f"#/$defs/{tool.name}.".encode())
        arguments: dict[str, Any] = msgspec.json.decode(text)
        for name, definition in arguments.pop("$defs", {}).items():
            definitions[f"{tool.name}.{name}"] = definition
        choices.append(_object(tool={"const": tool.name}, arguments=arguments))
    choices.append(_object(answer={"type": "string"}))
    return {"anyOf": choices} | ({"$defs": definitions} if definitions else {})


def _object(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def instructions(tools: Sequence[ToolSpec]) -> str:
    """What the model is told of the tools."""
    lines = [
        f"- {tool.name}: {tool.description} Arguments: {msgspec.json.encode(tool.schema).decode()}" for tool in tools
    ]
    return (
        'Answer with JSON: {"tool": NAME, "arguments": {…}} to use a tool, or {"answer": "…"} when you are done. '
        "Tools:\n" + "\n".join(lines)
    )


def flattened(messages: Sequence[Message]) -> tuple[Message, ...]:
    """The conversation with calls and results as words."""
    return tuple(Message(message.role, tuple(_worded(message))) for message in messages)


def _worded(message: Message) -> Iterator[Part]:
    for part in message.parts:
        match part:
            case ToolCall(_, name, arguments):
                yield Text(f'{{"tool": {msgspec.json.encode(name).decode()}, "arguments": {arguments or "{}"}}}')
            case ToolResult(_, text, error, images):
                yield Text(f"The tool {'failed' if error else 'said'}:\n{text}\n")
                yield from images
            case _:
                yield part


def chunks(text: str, ending: Finish) -> Iterator[Chunk]:
    """The model's JSON as a call or as words. What was cut or is no such JSON is given as it is."""
    try:
        said = msgspec.json.decode(text)
    except msgspec.DecodeError:
        said = None
    match said:
        case {"tool": str(name), "arguments": dict(arguments)}:
            yield CallPart(0, f"call_{secrets.token_hex(8)}", name, msgspec.json.encode(arguments).decode())
            yield Finish("tool_calls")
        case {"answer": str(answer)}:
            yield Text(answer)
            yield ending
        case _:
            yield Text(text)
            yield ending
