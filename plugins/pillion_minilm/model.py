"""The model: BERT's encoder in numpy, six layers, and the mean of what it makes of a text's pieces.

Devlin and others, 2018, https://arxiv.org/abs/1810.04805; Reimers and Gurevych, 2019, https://arxiv.org/abs/1908.10084.
The weights are all-MiniLM-L6-v2's, 384 numbers a vector.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing

from .wordpiece import WordPieces

PIECES = 256
"""Of a text; what stands behind them does not count. The model was taught with so many."""
LAYERS, HEADS = 6, 12
LARGE = 5_000_000
"""Numbers of a table that stays in the file."""
SMALL = 1e-12
"""What BERT adds to a variance."""
Numbers = np.typing.NDArray[np.float32]


class MiniLM:
    """`folder` has `vocab.txt` and `model.safetensors`. Raises OSError, ValueError."""

    def __init__(self, folder: Path) -> None:
        self._pieces = WordPieces(folder / "vocab.txt")
        self._weights = read_safetensors(folder / "model.safetensors")

    def vectors(self, texts: Sequence[str], most: int = PIECES) -> Numbers:
        """A row for each, of length 1. Texts of about the same length cost least together."""
        rows = [self._pieces.numbers(text, most) for text in texts]
        width = max(map(len, rows), default=0)
        there = np.array([[place < len(row) for place in range(width)] for row in rows])
        numbers = np.array([row + [0] * (width - len(row)) for row in rows])
        found = self._encoded(numbers, there)
        total = (found * there[:, :, None]).sum(1)
        length: Numbers = np.linalg.norm(total, axis=1, keepdims=True)
        made: Numbers = (total / np.maximum(length, SMALL)).astype(np.float32)  # a mean has the direction of its sum
        return made

    def _encoded(self, numbers: np.typing.NDArray[np.int64], there: np.typing.NDArray[np.bool_]) -> Numbers:
        weights, width = self._weights, numbers.shape[1]
        state = weights["embeddings.word_embeddings.weight"][numbers]
        state = state + weights["embeddings.position_embeddings.weight"][:width]
        state = state + weights["embeddings.token_type_embeddings.weight"][0]
        state = self._level("embeddings.LayerNorm", state)
        unseen = np.where(there, np.float32(0), np.float32(-1e9))[:, None, None, :]
        for layer in range(LAYERS):
            at = f"encoder.layer.{layer}"
            state = self._level(f"{at}.attention.output.LayerNorm", state + self._attended(at, state, unseen))
            inner = _gelu(self._dense(f"{at}.intermediate.dense", state))
            state = self._level(f"{at}.output.LayerNorm", state + self._dense(f"{at}.output.dense", inner))
        return state

    def _attended(self, at: str, state: Numbers, unseen: Numbers) -> Numbers:
        texts, width, size = state.shape
        query, key, value = (
            self._dense(f"{at}.attention.self.{name}", state)
            .reshape(texts, width, HEADS, size // HEADS)
            .transpose(0, 2, 1, 3)
            for name in ("query", "key", "value")
        )
        scores = query @ key.transpose(0, 1, 3, 2) / np.float32((size // HEADS) ** 0.5) + unseen
        scores = np.exp(scores - scores.max(-1, keepdims=True))
        scores /= scores.sum(-1, keepdims=True)
        mixed = (scores @ value).transpose(0, 2, 1, 3).reshape(texts, width, size)
        return self._dense(f"{at}.attention.output.dense", mixed)

    def _dense(self, name: str, state: Numbers) -> Numbers:
        found: Numbers = state @ self._weights[f"{name}.weight"].T + self._weights[f"{name}.bias"]
        return found

    def _level(self, name: str, state: Numbers) -> Numbers:
        state = state - state.mean(-1, keepdims=True)
        state /= np.sqrt((state * state).mean(-1, keepdims=True) + np.float32(SMALL))
        return state * self._weights[f"{name}.weight"] + self._weights[f"{name}.bias"]


def _gelu(state: Numbers) -> Numbers:
    """x · Φ(x). Φ by Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.26, good to 1.5e-7."""
    x = np.abs(state) * np.float32(0.5**0.5)
    t = 1 / (1 + np.float32(0.3275911) * x)
    tail = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
    tail *= np.exp(-x * x)
    half = np.where(state < 0, tail, 2 - tail) * np.float32(0.5)
    return (state * half).astype(np.float32)


def read_safetensors(file: Path) -> Mapping[str, Numbers]:
    """A file's tables of 32-bit numbers. A large one stays where the system maps it, since few of its rows are looked
    at; the others are laid out as products want them, ten times quicker than as they lie in the file."""
    with open(file, "rb") as opened:
        size = int.from_bytes(opened.read(8), "little")
        if size > 10_000_000:
            raise ValueError(f"{file} is no safetensors file.")
        head = json.loads(opened.read(size))
    data = np.memmap(file, mode="r", offset=8 + size)
    found = {
        name: np.asarray(data[slice(*told["data_offsets"])].view(np.float32).reshape(told["shape"]))
        for name, told in head.items()
        if name != "__metadata__" and told["dtype"] == "F32"
    }
    return {name: table if table.size > LARGE else table.copy() for name, table in found.items()}
