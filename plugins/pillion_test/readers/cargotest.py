"""What `cargo test` prints, which is what Rust's libtest does, one block for each program."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..found import Counts, Found, counted, end_of
from ..report import CaseOutcome, TestCase

_RUNNING = re.compile(r"^running (\d+) tests?$")
_TEST = re.compile(r"^test (.+?)(?: - should panic)? \.\.\. (ok|FAILED|ignored)(?:, (.*))?(?: <[\d.]+s>)?$")
_RESULT = re.compile(
    r"^test result: (?:ok|FAILED)\. (\d+) passed; (\d+) failed; (\d+) ignored; (\d+) measured; \d+ filtered out"
)
_STDOUT = re.compile(r"^---- (.+) stdout ----$")
_PANICKED = re.compile(r"panicked at (?:'.*', )?(\S+?:\d+)(?::\d+)?:?$", re.MULTILINE)
_ERROR = re.compile(r"^error(?:\[E\d+\])?: .*")
_BROKEN = re.compile(r"^error: could not compile `([^`]+)`")
_LAST = re.compile(r"test result: |error: |running \d+ tests?$")
_WORDS: dict[str, CaseOutcome] = {"ok": "passed", "FAILED": "failed", "ignored": "skipped"}
COMPILER = 40
"""Lines of the compiler's first errors that are kept."""


def read(text: str) -> Found | None:
    """Each block says how many tests it runs and how many did what; where that does not fit, it is doubted."""
    lines = text.split("\n")
    announced = [int(found[1]) for line in lines if (found := _RUNNING.match(line))]
    results = [tuple(map(int, found.groups())) for line in lines if (found := _RESULT.match(line))]
    broken = [found[1] for line in lines if (found := _BROKEN.match(line))]
    if not results and not broken and not announced:
        return None
    told = [TestCase(name, "error", _compiler(lines)) for name in dict.fromkeys(broken)]
    counts = Counts(
        sum(result[0] + result[3] for result in results),
        sum(result[1] for result in results),
        len(told),
        sum(result[2] for result in results),
    )
    doubt = "" if sum(announced) == sum(map(sum, results)) else "it broke off: tests were begun and not told of"
    cases = [*told, *_explained(lines)]
    if counted(cases) != counts:  # a test printed such lines, or its own tore one
        cases = told
    last = max(number for number, line in enumerate(lines) if line[:1] in "ter" and _LAST.match(line))
    return Found("cargo", cases, counts, doubt, end_of(lines, last))


def _explained(lines: Sequence[str]) -> list[TestCase]:
    cases: list[TestCase] = []
    said: dict[str, list[str]] = {}
    current: list[str] | None = None
    failures = False
    for line in lines:
        if line == "failures:" or _RUNNING.match(line):
            failures, current = line == "failures:", None
        elif failures and (found := _STDOUT.match(line)):
            current = said.setdefault(found[1], [])
        elif current is not None:
            current.append(line)
        elif not failures and (found := _TEST.match(line)):
            cases.append(TestCase(found[1], _WORDS[found[2]], found[3] or ""))
        if _RESULT.match(line):
            failures, current = False, None
    return [_with(case, said) for case in cases]


def _with(case: TestCase, said: dict[str, list[str]]) -> TestCase:
    if not case.bad or case.name not in said:
        return case
    message = "\n".join(said[case.name]).partition("\nstack backtrace:")[0].strip()
    place = _PANICKED.search(message)
    return TestCase(case.name, case.outcome, message, place[1] if place else "")


def _compiler(lines: Sequence[str]) -> str:
    first = next((number for number, line in enumerate(lines) if _ERROR.match(line)), 0)
    return "\n".join(lines[first : first + COMPILER]).strip()
