"""The few facts that a GGUF file's header tells, read without loading the model."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from msgspec import Struct

MAGIC = b"GGUF"
LONGEST = 64 * 1024 * 1024
"""Bytes of one string or array that are believed; more means the file is broken."""
NUMBERS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
STRING, ARRAY = 8, 9


class Header(Struct, frozen=True):
    """`context` is the number of tokens the model was trained for, 0 when the file does not say."""

    architecture: str
    context: int


def read_header(path: Path) -> Header:
    """Raises OSError when the file can't be read, ValueError when it is no GGUF file."""
    with path.open("rb") as file:
        found: dict[str, Any] = {}
        for key, of in _entries(file):
            found[key] = _value(file, of)
            architecture = found.get("general.architecture")
            # The rest is mostly the vocabulary, which is long and not needed.
            if architecture and f"{architecture}.context_length" in found:
                break
    architecture = str(found.get("general.architecture", ""))
    return Header(architecture, int(found.get(f"{architecture}.context_length", 0)))


def read_merges(path: Path, *, only_kind: bool = False) -> tuple[str, list[str]]:
    """How the file's tokenizer splits text, "" unless it joins byte pairs; and the pairs that it joins, in order, but
    if `only_kind` is wanted. Raises OSError, and ValueError when it is no GGUF file."""
    kind, splits = "", ""
    with path.open("rb") as file:
        for key, of in _entries(file):
            if key == "tokenizer.ggml.merges" and not only_kind:
                return (splits if kind == "gpt2" else ""), list(_strings(file))
            value = _value(file, of)
            kind = str(value) if key == "tokenizer.ggml.model" else kind
            splits = str(value) if key == "tokenizer.ggml.pre" else splits
            if only_kind and kind and splits:
                break
    return (splits if kind == "gpt2" else ""), []


def _entries(file: BinaryIO) -> Iterator[tuple[str, int]]:
    """The keys, each with the kind of its value, which must be read before the next one."""
    if file.read(4) != MAGIC:
        raise ValueError("it does not begin with GGUF")
    _, _, entries = _unpack(file, "IQQ")
    for _ in range(entries):
        yield _string(file), _unpack(file, "I")[0]


def _strings(file: BinaryIO) -> Iterator[str]:
    of, count = _unpack(file, "IQ")
    if of != STRING or count > LONGEST:
        raise ValueError("its header holds an unknown type")
    for _ in range(count):
        yield _string(file)


def _unpack(file: BinaryIO, layout: str) -> tuple[Any, ...]:
    data = file.read(struct.calcsize("<" + layout))
    try:
        return struct.unpack("<" + layout, data)
    except struct.error as error:
        raise ValueError("its header is cut") from error


def _string(file: BinaryIO) -> str:
    (size,) = _unpack(file, "Q")
    if size > LONGEST:
        raise ValueError("its header is broken")
    return file.read(size).decode(errors="replace")


def _value(file: BinaryIO, kind: int) -> Any:
    if kind == STRING:
        return _string(file)
    if kind in NUMBERS:
        return _unpack(file, NUMBERS[kind])[0]
    if kind != ARRAY:
        raise ValueError("its header holds an unknown type")
    of, count = _unpack(file, "IQ")
    if of in NUMBERS:
        file.seek(struct.calcsize("<" + NUMBERS[of]) * count, 1)
    elif count <= LONGEST:
        for _ in range(count):
            _value(file, of)
    return None
