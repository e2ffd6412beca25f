"""An error of a model call, kept in a recording and raised again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from pillion.errors import PillionError, ProviderError


class Failure(Struct, frozen=True):
    """An error's class by its `code`, its words, and what else it says of itself."""

    code: str
    message: str
    status: int = 500
    retryable: bool = False
    says: dict[str, Any] = {}

    @classmethod
    def of(cls, error: Exception) -> Failure:
        """What is to be kept of an error."""
        if not isinstance(error, PillionError):
            return cls(ProviderError.code, f"{type(error).__name__}: {error}", ProviderError.status)
        says = {name: value for name, value in vars(error).items() if isinstance(value, (str, int, float, bool))}
        return cls(error.code, str(error), error.status, error.retryable, says)

    def error(self) -> PillionError:
        """The error again, of the class that has its code; where there is none, a ProviderError that says the same."""
        kind = next((kind for kind in _below(PillionError) if kind.code == self.code), ProviderError)
        error = kind.__new__(kind, self.message)
        vars(error).update(_blank(kind) | self.says)
        if error.code != self.code:
            vars(error).update(code=self.code, status=self.status, retryable=self.retryable)
        return error


def _blank(kind: type[PillionError]) -> dict[str, Any]:
    """What handlers look at, where the error did not say it."""
    return {"retry_after": None} if kind.code == "provider_busy" else {}


def _below(kind: type[PillionError]) -> Iterator[type[PillionError]]:
    yield kind
    for below in kind.__subclasses__():
        yield from _below(below)
