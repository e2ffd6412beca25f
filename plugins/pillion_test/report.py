"""What a run of tests came to: a value of bounded size, and the event that carries it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Literal

from msgspec import Struct

from pillion import Event

CASES = 1000
"""Tests that a report names; those that did not pass come first."""
NAME = 300
"""Characters of a name, and of a place."""
MESSAGE = 2000
"""Characters of one message."""
MESSAGES = 60_000
"""Characters of all messages together."""

CaseOutcome = Literal["passed", "failed", "error", "skipped"]
Outcome = Literal["passed", "failed", "unknown", "timeout"]


class TestCase(Struct, frozen=True, omit_defaults=True):
    """One test. `place` is `path:line`, or a path, where the runner tells it; `seconds` too.

    `error`: it could not be run to its end, e.g. since it can't be imported; a failed one says no.
    """

    __test__: ClassVar[bool] = False  # no test of pytest's

    name: str
    outcome: CaseOutcome
    message: str = ""
    place: str = ""
    seconds: float | None = None

    @property
    def bad(self) -> bool:
        return self.outcome in ("failed", "error")


class TestReport(Struct, frozen=True):
    """What a run came to.

    `passed` only where tests ran, all of them passed or were skipped, and output and exit code say the same. `why`
    says what is the matter with any other outcome. The counts are those of all tests; `cases` are at most 1000 of
    them, the bad ones first, and `unnamed` is how many are not among them. `code` is the exit code, negative for a
    signal; `seconds` is the run's time; `runner` is whose words were understood, empty where nobody's.
    """

    __test__: ClassVar[bool] = False

    outcome: Outcome
    why: str
    runner: str
    code: int
    seconds: float
    passed: int = 0
    failed: int = 0
    errors: int = 0
    skipped: int = 0
    cases: tuple[TestCase, ...] = ()
    unnamed: int = 0

    @property
    def total(self) -> int:
        return self.passed + self.failed + self.errors + self.skipped


class TestsFinished(Event, frozen=True, tag="tests.finished"):
    """Tests were run by call `call`: with `command`, of which `selected` were asked for; none: all."""

    __test__: ClassVar[bool] = False

    call: str
    command: str
    report: TestReport
    selected: tuple[str, ...] = ()


def bounded(cases: Iterable[TestCase]) -> tuple[TestCase, ...]:
    """Those that a report has room for, the bad ones first."""
    kept, room = [], MESSAGES
    for case in sorted(cases, key=lambda case: not case.bad)[:CASES]:
        message = clipped(case.message.strip("\n"), min(MESSAGE, room)) if case.bad else case.message[:NAME]
        room -= len(message)
        kept.append(TestCase(case.name[:NAME], case.outcome, message, case.place[:NAME], case.seconds))
    return tuple(kept)


def clipped(text: str, room: int) -> str:
    """Its beginning and end: how it began to fail, and what was wrong in the end."""
    if len(text) <= room:
        return text
    if room < 40:
        return ""
    return f"{text[: room // 3]}\n…\n{text[-(room - room // 3 - 3) :]}"
