"""A request's messages as plain chat turns: small models' templates know no tools, pictures or thinking."""

from __future__ import annotations

from itertools import groupby

import msgspec

from pillion.contracts.provider import Request
from pillion.values import Image, Message, Part, Text, ToolCall, ToolResult, ToolSpec


def messages(request: Request) -> list[dict[str, str]]:
    """System, then user and assistant in turns: neighbours of one role are joined, as many templates demand."""
    system = "\n\n".join(filter(None, (request.system, _tools(request.offered))))
    said = [(message.role, _words(message)) for message in request.messages]
    turns = [
        {"role": role, "content": "\n\n".join(text for _, text in group)}
        for role, group in groupby(((role, text) for role, text in said if text), key=lambda pair: pair[0])
    ]
    return [{"role": "system", "content": system}, *turns] if system else turns


def _tools(tools: tuple[ToolSpec, ...]) -> str:
    if not tools:
        return ""
    return (
        'Reply with one JSON object. To use a tool: {"tool": its name, "arguments": {...}}. '
        'To speak to the user: {"answer": your words}.\nThe tools:\n' + "\n".join(map(_described, tools))
    )


def _described(tool: ToolSpec) -> str:
    return f"- {tool.name}: {tool.description} Arguments: {msgspec.json.encode(tool.schema).decode()}"


def _words(message: Message) -> str:
    return "\n\n".join(filter(None, map(_word, message.parts)))


def _word(part: Part) -> str:
    match part:
        case Text(text):
            return text
        case ToolCall(name=name, arguments=arguments):
            return f'{{"tool": "{name}", "arguments": {arguments}}}'
        case ToolResult(text=text, error=error):
            return f"The tool {'failed' if error else 'answered'}:\n{text}"
        case Image():
            return "(a picture, which this model can't see)"
        case _:
            return ""
