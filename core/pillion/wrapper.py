"""What all wrappers of a provider have in common."""

from __future__ import annotations

from collections.abc import Sequence

from .contracts.provider import Provider
from .values import ModelInfo


class Wrapper:
    """A provider round `inner`, with its name and models. A subclass has `stream`, and says what becomes of a call."""

    def __init__(self, inner: Provider) -> None:
        self._inner = inner
        self.name = inner.name

    def models(self) -> Sequence[ModelInfo]:
        return self._inner.models()
