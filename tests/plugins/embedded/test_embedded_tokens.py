"""The embedded model's tokens are counted by the tables of its own file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import trio

from pillion.contracts.provider import Request, UsageSeen
from pillion.tokens import Counter, tokens_of
from pillion.values import Message, Text
from pillion_embedded.gguf import read_merges
from pillion_embedded.plugin import find_weights

TEXTS = [
    "Hello, world! It's 2024, we'll see.",
    "今天天气很好 größer naïve 🚀✅ Привет",
    "def f(a_b, c1):\n    return [a_b  +     12]  # x²½\n\n\n\tdone",
]


async def asked(provider: Any, text: str) -> int:
    """How many tokens the library made of a prompt."""
    request = Request(provider.models()[0].name, (Message("user", (Text(text),)),), "Be brief.", max_output=1)
    with trio.fail_after(120):
        async with provider.stream(request) as chunks:
            return [chunk.usage.input async for chunk in chunks if isinstance(chunk, UsageSeen)][-1]


async def test_it_counts_what_the_library_does(embedded: Any) -> None:
    counter = embedded.counter(embedded.models()[0])
    assert isinstance(counter, Counter) and counter.by == "gguf smollm2-135m"
    await counter.ready()
    empty = await asked(embedded, "x") - counter.count("x")
    for text in TEXTS:
        assert await asked(embedded, text) == empty + counter.count(text)
    message = [Message("user", (Text(TEXTS[0]),))]
    real = empty + counter.count(TEXTS[0])
    assert real <= tokens_of(message, "Be brief.", (), counter) <= real + 30


def test_a_word_without_end_takes_no_long_time(installed: None) -> None:
    from pillion_embedded.tokens import counter

    counting = counter(find_weights(), "x")
    assert counting is not None
    assert 10_000 < counting.count("xq" * 50_000) <= 100_000
    assert counting.count("\ud83d") > 0


def test_a_file_of_another_kind_has_no_such_counter(tmp_path: Path) -> None:
    from pillion_embedded.tokens import counter

    def text(said: str) -> bytes:
        return len(said).to_bytes(8, "little") + said.encode()

    other = b"".join((text("tokenizer.ggml.model"), (8).to_bytes(4, "little"), text("llama")))
    pre = b"".join((text("tokenizer.ggml.pre"), (8).to_bytes(4, "little"), text("smollm")))
    head = b"GGUF" + (3).to_bytes(4, "little") + (0).to_bytes(8, "little") + (2).to_bytes(8, "little")
    file = tmp_path / "other.gguf"
    file.write_bytes(head + other + pre)
    assert read_merges(file, only_kind=True) == ("", [])
    assert counter(file, "other") is None
    file.write_bytes(b"nothing")
    with pytest.raises(ValueError, match="GGUF"):
        read_merges(file)
