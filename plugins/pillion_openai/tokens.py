"""OpenAI's own tokenizers, whose tables come with bpe-openai: nothing is downloaded."""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from pillion.tokens import Counter, Framing, by_patches
from pillion.values import ModelInfo

LIBRARY = "bpe_openai"
TOKENIZERS = ("o200k_base", "cl100k_base")
OLD, NOT_OLD = ("gpt-4", "gpt-3.5", "gpt-35"), ("gpt-4o", "gpt-4.")
"""How the names of the models with cl100k_base begin, in tiktoken's table of models, and those of later ones do."""
PICTURE = by_patches(32, 12_000, 1.2)
"""Squares of 32 pixels (the vendor's guide "Images and vision"), each 1.2 tokens as others have measured for gpt-5.5;
they take up to 10,000 squares, later ones as many as a photo of 12 megapixels has."""


def counter(model: ModelInfo, official: bool, chat: bool) -> Counter | None:
    """The counter of a model of OpenAI's, or of one whose settings name a tokenizer. None: that of it is not known."""
    name = model.tokenizer or (_tokenizer(model.name.partition("/")[2]) if official else "")
    if name not in TOKENIZERS or importlib.util.find_spec(LIBRARY) is None:
        return None
    count = functools.partial(_count, name)
    framing, load = Framing(thinking=not chat), functools.partial(_counting, name)
    return Counter(f"bpe-openai {name}", count, image=PICTURE, framing=framing, load=load)


def _tokenizer(model: str) -> str:
    return "cl100k_base" if model.startswith(OLD) and not model.startswith(NOT_OLD) else "o200k_base"


def _count(name: str, text: str) -> int:
    try:
        return _counting(name)(text)
    except UnicodeEncodeError:  # half a surrogate pair, which no vendor takes either
        return _counting(name)(text.encode("utf-8", "replace").decode())


@functools.cache
def _counting(name: str) -> Callable[[str], int]:
    """Made at the first count, which takes a tenth of a second and 70 MB."""
    tokenizer: Any = _native().tokenizer_for_encoding(name)
    count: Callable[[str], int] = tokenizer.count
    return count


@functools.cache
def _native() -> ModuleType:
    """The library's compiled part alone: its Python part builds the tables once more, in a second and a half."""
    package = importlib.util.find_spec(LIBRARY)
    assert package is not None and package.submodule_search_locations, "counter() looked"
    for path in Path(package.submodule_search_locations[0]).glob("_bindings*"):
        spec = importlib.util.spec_from_file_location(f"{LIBRARY}._bindings", path)
        if spec is not None and spec.loader is not None:
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            return module
    return importlib.import_module(f"{LIBRARY}._bindings")
