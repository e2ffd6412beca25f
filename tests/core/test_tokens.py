"""Tokens are counted by the model's own counter where one is here, else by an estimate; each message once."""

from __future__ import annotations

import base64
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest

from pillion.catalog import Catalog
from pillion.imagesize import size_of
from pillion.plugins import PluginHost
from pillion.settings import load
from pillion.testing.scripted import ProviderPlugin, ScriptedProvider
from pillion.tokens import Counter, Framing, estimate, sized, tokens_of
from pillion.values import Image, Message, ModelInfo, Text, Thinking, ToolCall, ToolResult, ToolSpec

PROSE = "A counter that is asked for the same message again need not look at its words a second time. " * 20
CODE = Path(__file__).read_text("utf-8")


class Counting(ScriptedProvider):
    """Its models count a token a letter."""

    def counter(self, model: ModelInfo) -> Counter:
        if model.name.endswith("broken"):
            raise RuntimeError("no tables")
        return Counter("letters", len)


def catalog(folder: Path, provider: Any) -> Catalog:
    settings = load(data_dir=folder, environ={}, shipped=False)
    host = PluginHost(settings)
    host.load()
    host.add("scripted", ProviderPlugin(provider))
    return Catalog(settings, host)


def png(width: int, height: int) -> Image:
    head = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return Image("image/png", b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + head + struct.pack(">I", zlib.crc32(head)))


def said(text: str) -> Message:
    return Message("user", (Text(text),))


def test_a_provider_brings_its_counter_and_else_it_is_an_estimate(tmp_path: Path) -> None:
    counting = catalog(tmp_path, Counting())
    model = counting.models()[0]
    assert counting.counter(model).by == "letters"
    assert counting.counter(model) is counting.counter(model), "it would count all again"
    named = ModelInfo(model.name, 1000, 100, tokenizer="estimate")
    assert counting.counter(named).by == "estimate", "the setting names another"
    assert counting.counter(ModelInfo("scripted/broken", 1000, 100)).by == "estimate"
    assert catalog(tmp_path, ScriptedProvider()).counter(model).by == "estimate"


def test_each_message_is_counted_once(tmp_path: Path) -> None:
    counted: list[str] = []

    def count(text: str) -> int:
        counted.append(text)
        return len(text)

    counter, tools = Counter("letters", count), (ToolSpec("read", "Reads.", {"type": "object"}),)
    messages = [said(f"message {i}") for i in range(300)]
    for step in range(1, 301):
        tokens_of(messages[:step], "Be brief.", tools, counter)
    assert len(counted) == 302, "300 messages, a system prompt, a tool"
    again = [said(f"message {i}") for i in range(300)]
    assert tokens_of(again, "Be brief.", tools, counter) == tokens_of(messages, "Be brief.", tools, counter)
    assert len(counted) == 302, "equal messages are the same"


def test_a_request_is_told_by_part() -> None:
    counter = Counter("letters", len, image=lambda image: 1000, framing=Framing(1, 10, 100, 500, 7))
    call, result = ToolCall("1", "read", "{}"), ToolResult("1", "four", images=(png(9, 9),))
    messages = [said("hello"), Message("assistant", (Thinking("hm"), call)), Message("user", (result,))]
    tools = (ToolSpec("read", "Reads.", {}),)
    found = sized(messages, "Hi.", tools, counter)
    assert found.system == 3 + 10
    assert found.tools == 7 + 500 + len('["read","Reads.",{}]')
    assert found.messages == 1 + (10 + 5) + (10 + 2 + 100 + 4 + 2) + (10 + 100 + 4 + 1000)
    assert found.total == tokens_of(messages, "Hi.", tools, counter)
    assert sized([], "", (), counter).total == 1


def test_thinking_counts_by_its_seal_and_only_where_it_is_sent_back() -> None:
    message = Message("assistant", (Thinking("short", "s" * 5000),))
    assert Counter("letters", len).message(message) > 1000
    assert Counter("letters", len, framing=Framing(thinking=False)).message(message) < 10


@pytest.mark.parametrize(
    ("text", "least"),
    [
        (PROSE, len(PROSE) // 6),
        (CODE, len(CODE) // 5),
        ("今天天气很好，我们去公园散步吧。" * 50, 16 * 50 * 0.9),
        ("이 함수는 모든 파일을 반환합니다. " * 50, 19 * 50 * 0.6),
        (base64.b64encode(bytes(range(256)) * 20).decode(), 5120 * 4 / 3 * 0.6),
        ("🚀✅" * 100, 300),
        ("0123456789 " * 100, 400),
        ("\udcff" * 100, 10),
    ],
)
def test_the_estimate_does_not_count_grossly_too_little(text: str, least: float) -> None:
    """`least` is nearly what the tokenizers of OpenAI and Anthropic make of it."""
    assert least <= estimate(text) <= 5 * least


@pytest.mark.parametrize(
    ("image", "size"),
    [
        (png(640, 480), (640, 480)),
        (Image("image/gif", b"GIF89a" + struct.pack("<HH", 20, 10)), (20, 10)),
        (Image("image/jpeg", b"\xff\xd8\xff\xe0\x00\x04ab\xff\xc0\x00\x0b\x08" + struct.pack(">HH", 30, 40)), (40, 30)),
        (Image("image/webp", b"RIFF....WEBPVP8 " + bytes(10) + struct.pack("<HH", 17, 18)), (17, 18)),
        (Image("image/webp", b"RIFF....WEBPVP8L" + bytes(5) + struct.pack("<I", 99 | 49 << 14)), (100, 50)),
        (Image("image/webp", b"RIFF....WEBPVP8X" + bytes(8) + b"\xc7\x00\x00\x63\x00\x00"), (200, 100)),
        (Image("image/jpeg", b"\xff\xd8\xff"), None),
        (Image("image/png", b"GIF89a"), None),
        (Image("image/webp", b""), None),
    ],
)
def test_a_picture_says_its_size(image: Image, size: tuple[int, int] | None) -> None:
    assert size_of(image) == size


def test_a_picture_counts_by_its_size() -> None:
    assert Counter().image(png(280, 100)) == 10 * 4
    assert Counter().image(png(30_000, 30_000)) == 5_000
    assert Counter().image(Image("image/png", b"nothing")) == 56 * 56
