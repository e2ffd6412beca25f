"""What two requests have to share to count as the same: all but what differs from run to run."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable
from typing import Any

import msgspec
from msgspec import Struct, structs

from pillion.contracts.provider import Request
from pillion.values import Image, Message

WORKSPACE = "⟦workspace⟧"
"""Stands for the folder of the session, in what is kept and in what is compared."""
NOT_SENT = {"caller"}
"""Fields of a request that no vendor gets: for whom the call is."""
APART = {"model", "system", "tools", "messages"}
VARIES = (
    (re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|\b[0-9a-f]{32,64}\b", re.I), "⟦id⟧"),
    (re.compile(r"\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?: ?Z|[+-]\d\d:?\d\d)?)?"), "⟦date⟧"),
    (re.compile(r"\b\d\d?:\d\d:\d\d(?:\.\d+)?\b"), "⟦time⟧"),
    (re.compile(r"\b\d+(?:\.\d+)? ?ms\b|\b\d+\.\d+ ?(?:s|seconds)\b"), "⟦duration⟧"),
    (re.compile(r"(?<=\b127\.0\.0\.1:)\d{2,5}\b|(?<=\blocalhost:)\d{2,5}\b|(?<=\[::1\]:)\d{2,5}\b"), "⟦port⟧"),
)
"""What is another in each run, and what stands for it where requests are compared."""


class Asked(Struct, frozen=True):
    """A request as it is kept: pictures by their hash, fields that say nothing left out."""

    model: str
    system: str
    tools: list[dict[str, Any]]
    messages: list[dict[str, Any]]
    more: dict[str, Any]


class Plain(Struct, frozen=True):
    """A request without what varies. `parts` are its places and what stands there, as text; `key` is made of them."""

    key: bytes
    parts: dict[str, str]


def spelled(request: Request) -> Asked:
    """The request as it is to be kept."""
    usual, more = Request("", ()), {}
    for name in request.__struct_fields__:
        value = getattr(request, name)
        if name not in APART | NOT_SENT and value != getattr(usual, name):
            more[name] = msgspec.to_builtins(value)
    tools = [msgspec.to_builtins(tool) for tool in request.tools]
    return Asked(request.model, request.system, tools, [*map(_message, request.messages)], more)


def plain(asked: Asked) -> Plain:
    """What is to be compared."""
    parts = {"model": asked.model, "system": _without(asked.system), "tools": _text(asked.tools)}
    for number, message in enumerate(asked.messages):
        parts[f"messages[{number}] ({message['role']})"] = _text([*map(_nameless, message["parts"])])
    parts |= {name: _text(value) for name, value in asked.more.items()}
    return Plain(hashlib.sha256(msgspec.json.encode(parts)).digest(), parts)


def changed(value: Any, change: Callable[[str], str]) -> Any:
    """The value with each of its texts changed."""
    match value:
        case str():
            return change(value)
        case dict():
            return {key: changed(inner, change) for key, inner in value.items()}
        case list() | tuple():
            return [changed(inner, change) for inner in value]
        case Struct():
            return structs.replace(value, **{k: changed(v, change) for k, v in structs.asdict(value).items()})
        case _:
            return value


class Folders:
    """The folders that turns have worked on so far, which in a recording are all called WORKSPACE."""

    def __init__(self) -> None:
        self._roots: list[str] = []

    def add(self, root: str) -> None:
        """A turn begins there."""
        if root in self._roots:
            self._roots.remove(root)
        self._roots.append(root)  # the newest last

    def out_of(self, text: str) -> str:
        """The text without their names."""
        for root in sorted(self._roots, key=len, reverse=True):
            if root in text:
                text = re.sub(re.escape(root) + r"(?![\w-]|\.\w)", WORKSPACE, text)
        return text

    def named_in(self, texts: Iterable[str]) -> str:
        """The first of them that the texts name; else the newest, "" where there is none."""
        for text in texts:
            for root in self._roots:
                if root in text:
                    return root
        return self._roots[-1] if self._roots else ""


def _message(message: Message) -> dict[str, Any]:
    return {"role": message.role, "parts": [msgspec.to_builtins(_light(part)) for part in message.parts]}


def _light(part: Any) -> Any:
    """The part with the hash of a picture in its place."""
    if isinstance(part, Image):
        return structs.replace(part, data=hashlib.sha256(part.data).digest())
    if images := getattr(part, "images", ()):
        return structs.replace(part, images=tuple(map(_light, images)))
    return part


def _nameless(part: dict[str, Any]) -> dict[str, Any]:
    """The part without a call's id, which is made up. Results stand in the order of their calls."""
    left_out = {"tool_call": "id", "tool_result": "call"}.get(part["type"])
    return {key: value for key, value in part.items() if key != left_out}


def _without(text: str) -> str:
    for pattern, stands in VARIES:
        text = pattern.sub(stands, text)
    return text


def _text(value: Any) -> str:
    return _without(msgspec.json.format(msgspec.json.encode(value), indent=1).decode())
