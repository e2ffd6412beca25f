"""What a client asked, the same for every wire format."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from msgspec import Struct

from pillion.values import Image, Message, Part, Text, ToolCall, ToolResult, ToolSpec

Format = Literal["chat", "responses", "messages"]
FAILED = "Error: "
"""OpenAI's formats have no mark for a failed tool; clients say it in words."""


class Conversation(Struct, frozen=True):
    """A request's contents. Neighbouring messages of one role are one; tool results stand in a user's message."""

    model: str
    messages: tuple[Message, ...]
    system: str = ""
    tools: tuple[ToolSpec, ...] = ()
    stream: bool = False
    max_output: int | None = None
    schema: dict[str, Any] | None = None


class Asked(Struct, frozen=True):
    """One request as a program sees it. `number` counts the server's model calls from 1, `headers` are lower case."""

    format: Format
    number: int
    model: str
    messages: tuple[Message, ...]
    system: str
    tools: tuple[ToolSpec, ...]
    stream: bool
    max_output: int | None
    schema: dict[str, Any] | None
    headers: Mapping[str, str]
    body: bytes

    @property
    def prompt(self) -> str:
        """The words of the last message in which the user said something."""
        return next((said.text for said in reversed(self.messages) if said.role == "user" and said.text), "")

    @property
    def results(self) -> tuple[ToolResult, ...]:
        """The tool results that came with this request, newest message only."""
        last = self.messages[-1].parts if self.messages else ()
        return tuple(part for part in last if isinstance(part, ToolResult))

    @property
    def calls(self) -> tuple[ToolCall, ...]:
        """All tool calls so far, in order."""
        return tuple(part for said in self.messages for part in said.parts if isinstance(part, ToolCall))

    @property
    def images(self) -> tuple[Image, ...]:
        return tuple(part for said in self.messages for part in said.parts if isinstance(part, Image))

    @property
    def tool_names(self) -> tuple[str, ...]:
        return tuple(tool.name for tool in self.tools)


def joined(messages: Iterable[tuple[Literal["user", "assistant"], Sequence[Part]]]) -> tuple[Message, ...]:
    """Messages with those of the same role that stand together made one. Empty ones are left out."""
    merged: list[Message] = []
    for role, parts in messages:
        if not parts:
            continue
        if merged and merged[-1].role == role:
            merged[-1] = Message(role, (*merged[-1].parts, *parts))
        else:
            merged.append(Message(role, tuple(parts)))
    return tuple(merged)


def image(url: str) -> Image:
    """The image of a `data:` URL."""
    head, _, data = url.partition(",")
    kind: Any = head.removeprefix("data:").removesuffix(";base64")
    return Image(kind, base64.b64decode(data))


def result(call: str, text: str) -> ToolResult:
    """A result of a format that has no mark for failure."""
    return ToolResult(call, text.removeprefix(FAILED), error=text.startswith(FAILED))


def words(parts: Sequence[Part]) -> str:
    return "".join(part.text for part in parts if isinstance(part, Text))
