"""What a model is: from a table that a provider's plugin ships as data, and from the settings over it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import replace

from .values import ModelInfo, Price

Tokens = Annotated[int, Meta(ge=1)]


class ModelConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """`models."NAME"` of a provider: what is not said is taken from the table, or assumed. Sizes are tokens.

    `effort` is how hard the model thinks, in its vendor's words (`low`, `high`, …); `tokenizer` names the counter.
    """

    context: Tokens | None = None
    output: Tokens | None = None
    tools: Literal["native", "constrained", "tags", "none"] | None = None
    images: bool | None = None
    thinking: bool | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    effort: str | None = None
    tokenizer: str | None = None
    price: Price | None = None

    def over(self, known: ModelInfo) -> ModelInfo:
        """That model, with what is said here."""
        said = {name: value for name in self.__struct_fields__ if (value := getattr(self, name)) is not None}
        return replace(known, **said)


class Table(Struct, frozen=True, forbid_unknown_fields=True):
    """A file of known models. `every` holds for each of them, `unknown` for one that the file does not have."""

    every: ModelConfig
    unknown: ModelConfig
    models: Mapping[str, ModelConfig]


class KnownModels:
    """The models of one provider, by full name; the first is what `auto` takes."""

    def __init__(self, provider: str, file: Path, given: Mapping[str, ModelConfig] = {}) -> None:
        table = msgspec.convert(tomllib.loads(file.read_text("utf-8")), Table)
        blank = ModelInfo(f"{provider}/", context=1, output=1)
        self.unknown = table.unknown.over(blank)
        self.known: dict[str, ModelInfo] = {}
        for name, said in table.models.items():
            self.known[f"{provider}/{name}"] = said.over(table.every.over(replace(blank, name=f"{provider}/{name}")))
        for name, said in given.items():
            self.known[f"{provider}/{name}"] = said.over(self.get(f"{provider}/{name}"))

    def get(self, name: str) -> ModelInfo:
        """The model of that full name, as far as it is known."""
        return self.known.get(name) or replace(self.unknown, name=name)
