"""What jest, vitest and mocha print at their end. Only the tests that failed have names there."""

from __future__ import annotations

import re

from ..found import Counts, Found
from ..report import TestCase

_JEST = re.compile(r"^Tests: +(.+), \d+ total$", re.MULTILINE)
_JEST_SUITES = re.compile(r"^Test Suites: +(.+), \d+ (?:of \d+ )?total$", re.MULTILINE)
_JEST_BAD = re.compile(r"^  ● (.+)$", re.MULTILINE)
_VITEST = re.compile(r"^ +Tests +(?:(.+) \(\d+\)|no tests)$", re.MULTILINE)
_VITEST_FILES = re.compile(r"^ Test Files +(.+) \(\d+\)$", re.MULTILINE)
_VITEST_ERRORS = re.compile(r"^ +Errors +(\d+) errors?$", re.MULTILINE)
_VITEST_BAD = re.compile(r"^ FAIL +(.+)$", re.MULTILINE)
_MOCHA = re.compile(r"^ +(\d+) passing \(\S+\)$(?:\n^ +(\d+) pending$)?(?:\n^ +(\d+) failing$)?", re.MULTILINE)
_MOCHA_BAD = re.compile(r"^  \d+\) (.+\n(?:       .+\n)*?.*):$", re.MULTILINE)
TAIL = 400_000
"""Characters at the end that are looked at: all that they print behind the tests."""
_NO_TEST = "Test suite failed to run"


def read(text: str) -> Found | None:
    text = text[-TAIL:]
    return _jest(text) or _vitest(text) or _mocha(text)


def _jest(text: str) -> Found | None:
    tests, suites = _last(_JEST, text), _last(_JEST_SUITES, text)
    if tests is None or suites is None:
        return None
    names = [name for name in dict.fromkeys(_JEST_BAD.findall(text)) if not name.startswith(("Console", _NO_TEST))]
    return _of("jest", tests, suites, names, text)


def _vitest(text: str) -> Found | None:
    tests, files = _last(_VITEST, text), _last(_VITEST_FILES, text)
    if tests is None or files is None:
        return None
    found = _of("vitest", tests, files, list(dict.fromkeys(_VITEST_BAD.findall(text))), text)
    errors = _last(_VITEST_ERRORS, text)
    if errors is None or found.counts.errors:
        return found
    counts = Counts(found.counts.passed, found.counts.failed, int(errors[1]), found.counts.skipped)
    return Found("vitest", found.cases, counts, at=found.at)


def _mocha(text: str) -> Found | None:
    last = _last(_MOCHA, text)
    if last is None:
        return None
    passed, skipped, failed = (int(number or 0) for number in last.groups())
    names = [re.sub(r"\s*\n\s*", " ", name) for name in _MOCHA_BAD.findall(text, last.end())]
    cases = [TestCase(name, "failed") for name in names] if len(names) == failed else []
    return Found("mocha", cases, Counts(passed, failed, 0, skipped), at=len(text) if failed else last.end())


def _of(runner: str, tests: re.Match[str], files: re.Match[str], names: list[str], text: str) -> Found:
    """A file that failed where no test did could not be run."""
    number = _numbers(tests[1] or "")
    skipped = number.get("skipped", 0) + number.get("todo", 0)
    failed, broken = number.get("failed", 0), _numbers(files[1]).get("failed", 0)
    counts = Counts(number.get("passed", 0), failed, 0 if failed else broken, skipped)
    cases = [TestCase(name, "failed") for name in names] if len(names) == failed else []
    return Found(runner, cases, counts, at=max(tests.end(), files.end()))


def _numbers(text: str) -> dict[str, int]:
    return {word: int(number) for number, word in re.findall(r"(\d+) (\w+)", text)}


def _last(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    found = list(pattern.finditer(text))
    return found[-1] if found else None
