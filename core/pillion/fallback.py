"""Who answers: the models of a role in order, the next of which is asked when one can't."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from .contracts.provider import Provider
from .errors import (
    ContextOverflow,
    ModelNotFound,
    NoModelAnswers,
    NotFound,
    PillionError,
    ProviderBusy,
    ProviderDown,
    ProviderError,
    ProviderRefused,
)
from .values import ModelInfo

if TYPE_CHECKING:
    from .catalog import Catalog

PASSES_ON = (ProviderBusy, ProviderDown, ProviderRefused, ModelNotFound)
"""With these another model may do better. BadRequest, RequestTooLarge and ContentFiltered are of the request's own
making: to send it round until somebody takes it would hide the mistake, or get round a filter."""


class Candidate(Struct, frozen=True):
    """A model that may be asked."""

    provider: Provider
    model: ModelInfo


class Missing(Struct, frozen=True):
    """A model of the list that can't be asked: its provider has no key, or there is none."""

    name: str
    error: PillionError


class PassedOver(Struct, frozen=True):
    """Why `model` does not answer."""

    model: str
    error: PillionError


class Bench:
    """The models of one role, for one turn: who could not answer is asked last from then on."""

    def __init__(self, catalog: Catalog, names: Sequence[str]) -> None:
        """Raises NotFound or ConfigError when none of them can be asked."""
        self._all: list[Candidate | Missing] = []
        for name in names:
            try:
                self._all.append(Candidate(*catalog.model(name)))
            except PillionError as error:
                self._all.append(Missing(name, error))
        missing = [one for one in self._all if isinstance(one, Missing)]
        if len(missing) == len(self._all):
            raise missing[0].error if len(missing) == 1 else NotFound(" ".join(str(one.error) for one in missing))
        self._failed: set[str] = set()

    @property
    def first(self) -> Candidate:
        """Who is asked first now."""
        return next(one for one in self._order() if isinstance(one, Candidate))

    def call(self) -> Asking:
        """A call begins."""
        return Asking(self, self._order())

    def failed(self, name: str) -> None:
        self._failed.add(name)

    def answered(self, name: str) -> None:
        self._failed.discard(name)

    def _order(self) -> list[Candidate | Missing]:
        return sorted(self._all, key=lambda one: _name(one) in self._failed)  # else as they were given


class Asking:
    """One call: whom to ask now, and whom next. `passed` are those who could not answer, in order."""

    def __init__(self, bench: Bench, order: Sequence[Candidate | Missing]) -> None:
        self._bench, self._left = bench, list(order)
        self.passed: list[PassedOver] = []
        self.now = self._next()

    def answered(self) -> None:
        self._bench.answered(self.now.model.name)

    def next_after(self, error: ProviderError) -> None:
        """The next one is `now`. Raises `error` where another model would not help, or an error that tells each."""
        failed = self.now.model
        if isinstance(error, ContextOverflow):
            self._left = [one for one in self._left if isinstance(one, Missing) or one.model.context > failed.context]
        elif not isinstance(error, PASSES_ON):
            raise error
        if not any(isinstance(one, Candidate) for one in self._left):
            raise self._all_failed(PassedOver(failed.name, error))
        self._pass_over(failed.name, error)
        self.now = self._next()

    def _next(self) -> Candidate:
        while isinstance(one := self._left.pop(0), Missing):
            self._pass_over(one.name, one.error)
        return one

    def _pass_over(self, name: str, error: PillionError) -> None:
        self.passed.append(PassedOver(name, error))
        self._bench.failed(name)

    def _all_failed(self, last: PassedOver) -> PillionError:
        """One model's own error, or one that tells each; what a shorter conversation mends is told as that."""
        told = [
            *self.passed,
            last,
            *(PassedOver(one.name, one.error) for one in self._left if isinstance(one, Missing)),
        ]
        if len(told) == 1:
            return last.error
        words = " ".join(f"{one.model}: {one.error}" for one in told)
        if any(isinstance(one.error, ContextOverflow) for one in told):
            return ContextOverflow(words)
        return NoModelAnswers(f"None of the {len(told)} models could answer. {words}", [one.error for one in told])


def _name(one: Candidate | Missing) -> str:
    return one.name if isinstance(one, Missing) else one.model.name
