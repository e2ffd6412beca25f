"""What pytest prints, where its results in XML are not to be had."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ..found import Counts, Found
from ..report import CaseOutcome, TestCase

_LAST = re.compile(r"(?:=+ )?((?:\d+ [a-z]+(?:, )?)+|no tests ran) in [\d.]+ ?s(?: \([\d:]+\))?(?: =+)?")
_SHORT = re.compile(r"(FAILED|ERROR) (\S.*?)(?: - (.*))?")
_VERBOSE = re.compile(r" (PASSED|FAILED|ERROR|SKIPPED|XFAIL|XPASS)\b(?= \(| +\[ *\d+%\]|$)")
_COLLECTED = re.compile(r"collected (\d+) items?(?: / .*)?")
_WORDS = {
    "passed": "passed", "xpassed": "passed", "failed": "failed", "error": "errors", "errors": "errors",
    "skipped": "skipped", "xfailed": "skipped",
}  # fmt: skip
_OF_TESTS = ("passed", "xpassed", "failed", "skipped", "xfailed", "deselected")
_OUTCOMES: dict[str, CaseOutcome] = {
    "PASSED": "passed", "XPASS": "passed", "FAILED": "failed", "ERROR": "error",
    "SKIPPED": "skipped", "XFAIL": "skipped",
}  # fmt: skip


def read(text: str) -> Found | None:
    """By its last line, which counts; names are those of its summary, and all where it was told to be verbose.

    A last line that counts fewer or more than were collected is doubted: a test may have printed it.
    """
    last, at, end, collected = "", 0, 0, -1
    lines = text.split("\n")
    for line in lines:
        end += len(line) + 1
        if " in " in line and (found := _LAST.fullmatch(line)):
            last, at = found[1], end
        elif line.startswith("collected ") and (said := _COLLECTED.fullmatch(line)):
            collected, last = int(said[1]), ""
    if not last:
        return None
    numbers = {"passed": 0, "failed": 0, "errors": 0, "skipped": 0}
    for number, word in re.findall(r"(\d+) ([a-z]+)", last):
        if word in _WORDS:
            numbers[_WORDS[word]] += int(number)
    counts = Counts(**numbers)
    named = list(_named(lines).values())
    bad = counts.failed + counts.errors
    if sum(case.bad for case in named) > bad:  # a test printed such lines
        named = [case for case in named if not case.bad]
    told = sum(int(number) for number, word in re.findall(r"(\d+) ([a-z]+)", last) if word in _OF_TESTS)
    doubt = f"{collected} tests were collected and {told} told of" if 0 <= collected != told and not bad else ""
    return Found("pytest", named, counts, doubt, at)


def _named(lines: Iterable[str]) -> dict[str, TestCase]:
    cases: dict[str, TestCase] = {}
    for line in lines:
        if "::" in line and (verbose := _VERBOSE.search(line)) and " " not in line.partition("::")[0]:
            name = line[: verbose.start()]
            cases[name] = TestCase(name, _OUTCOMES[verbose[1]])
        elif line.startswith(("FAILED ", "ERROR ")) and (short := _SHORT.fullmatch(line)):
            name = short[2]
            cases[name] = TestCase(name, _OUTCOMES[short[1]], short[3] or "", name.partition("::")[0])
    return cases
