"""A conversation as a text for a model that is to sum it up, as long as that model can read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import assert_never

from pillion import Image, Message, Part, Text, Thinking, ToolCall, ToolResult

CAPS = (6_000, 2_000, 600, 200, 60)
"""Characters of one part, tried in order."""
GAP = "\n\n[Here {} characters are left out.]\n\n"


def transcript(messages: Sequence[Message], tokens: int, count: Callable[[str], int]) -> str:
    """At most about `tokens` long: each part is cut first, then the middle of the whole is left out."""
    text = ""
    for cap in CAPS:
        text = "\n\n".join(
            said for message in messages for part in message.parts if (said := _said(message, part, cap))
        )
        if count(text) <= tokens:
            return text
    whole, characters = text, len(text)
    while characters > 0 and (size := count(text)) > tokens:
        characters = max(0, int(characters * tokens / size * 0.9))
        text = _ends(whole, characters)
    return text


def texts(messages: Sequence[Message]) -> Iterator[str]:
    """All that is said in them, piece by piece."""
    for message in messages:
        for part in message.parts:
            match part:
                case Text(text) | ToolResult(_, text):
                    yield text
                case ToolCall(_, _, arguments):
                    yield arguments
                case _:
                    pass


def _said(message: Message, part: Part, cap: int) -> str:
    match part:
        case Text(text):
            return f"[{message.role}]\n{_ends(text, cap)}" if text.strip() else ""
        case Thinking():
            return ""
        case Image():
            return f"[{message.role}: a picture]"
        case ToolCall(_, name, arguments):
            return f"[call of {name}] {_ends(arguments, cap)}"
        case ToolResult(_, text, error, _):
            return f"[{'it failed' if error else 'its result'}]\n{_ends(text, cap)}"
        case _:
            assert_never(part)


def _ends(text: str, characters: int) -> str:
    """Beginning and end of what is longer."""
    if len(text) <= characters:
        return text
    half = characters // 2
    return f"{text[:half]}{GAP.format(len(text) - 2 * half)}{text[len(text) - half :]}"
