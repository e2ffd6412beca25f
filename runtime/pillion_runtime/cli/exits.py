"""What a command's end means to a shell, and how an error becomes one sentence."""

from __future__ import annotations

from collections.abc import Iterator

from pillion.errors import (
    BadCursor,
    BadExport,
    BudgetSpent,
    ConfigError,
    NotFound,
    PillionError,
    ProviderError,
    TooLarge,
)

DONE = 0
FAILED = 1
USAGE = 2
NEEDS_APPROVAL = 3
LIMIT = 4
PROVIDER = 5
INTERRUPTED = 130
TERMINATED = 143
WRONGLY_ASKED = {kind.code for kind in (NotFound, BadCursor, BadExport, TooLarge)}


class ServerSaid(PillionError):
    """The live server answered with a problem; `code` and `status` are its own."""

    def __init__(self, message: str, code: str, status: int) -> None:
        super().__init__(message)
        self.code, self.status = code, status


class ServerLost(PillionError):
    """The live server does not answer any more."""

    code = "server_lost"
    retryable = True


def of_code(code: str) -> int:
    """The exit code for an error's `code`, as `turn.failed` and problems carry it.

    What was asked for by name and isn't there (a model, an event), or a file that is none, is a usage error.
    """
    if code in _codes(ProviderError):
        return PROVIDER
    if code in _codes(ConfigError) or code in WRONGLY_ASKED:
        return USAGE
    return LIMIT if code == BudgetSpent.code else FAILED


def of_error(error: PillionError) -> int:
    """The exit code for an error that ended a command."""
    if isinstance(error, ServerSaid) and error.status in (400, 404, 413, 422):
        return USAGE
    return of_code(error.code)


def first_error(error: BaseException) -> BaseException:
    """The error to tell a person of: of a group, the first of our own, else the first."""
    if not isinstance(error, BaseExceptionGroup):
        return error
    leaves = list(_leaves(error))
    return next((leaf for leaf in leaves if isinstance(leaf, PillionError)), leaves[0])


def _codes(kind: type[PillionError]) -> set[str]:
    codes = {kind.code}
    for below in kind.__subclasses__():
        codes |= _codes(below)
    return codes


def _leaves(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error
