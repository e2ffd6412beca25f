"""What a reader found in the words of one runner, before the exit code has its say."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from .report import TestCase


class Counts(Struct, frozen=True):
    """Of all tests, also of those that are not named."""

    passed: int = 0
    failed: int = 0
    errors: int = 0
    skipped: int = 0

    @property
    def total(self) -> int:
        return self.passed + self.failed + self.errors + self.skipped


class Found(Struct, frozen=True):
    """`counts` are the runner's own where it tells them, else those of the cases. `doubt` is why the words alone can't
    be believed in; `at` is where the last of them stand in the text."""

    runner: str
    cases: Sequence[TestCase] = ()
    counts: Counts = Counts()
    doubt: str = ""
    at: int = 0


def end_of(lines: Sequence[str], number: int) -> int:
    """Where line `number` ends, in the text that they are of."""
    return sum(len(line) + 1 for line in lines[: number + 1])


def counted(cases: Sequence[TestCase]) -> Counts:
    outcomes = [case.outcome for case in cases]
    return Counts(*(outcomes.count(outcome) for outcome in ("passed", "failed", "error", "skipped")))
