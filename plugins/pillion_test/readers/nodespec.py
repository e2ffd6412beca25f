"""What node's test runner prints for people: the reporter `spec`."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..found import Counts, Found, counted, end_of
from ..report import CaseOutcome, TestCase

_SUM = re.compile(r"^ℹ (tests|suites|pass|fail|cancelled|skipped|todo) (\d+)$")
_ENTRY = re.compile(r"^( *)([✔✖﹣⚠▶]) (.*?)(?: \(([\d.]+)ms\))?( # .*)?$")
_PLACE = re.compile(r"^test at (.+:\d+):\d+$")
_FAILING = "✖ failing tests:"
_OUTCOMES: dict[str, CaseOutcome] = {"✔": "passed", "✖": "failed", "﹣": "skipped", "⚠": "skipped"}


def read(text: str) -> Found | None:
    """Counts are those of tests that have none in them; where node's own say something else, tests have printed such
    lines: then node's count, and no name is believed."""
    lines = text.split("\n")
    sums: dict[str, int] = {}
    last = 0
    for number, line in enumerate(lines):
        if found := _SUM.match(line):
            sums[found[1]] = int(found[2])
            last = number
    if not {"tests", "pass", "fail"} <= sums.keys():
        return None
    details = next((number for number in range(last, len(lines)) if lines[number] == _FAILING), len(lines))
    cases, entries = _cases(lines[:last])
    bad = sums["fail"] + sums.get("cancelled", 0)
    counts = counted(cases)
    at = end_of(lines, last)
    if entries != sums["tests"] + sums.get("suites", 0) or bool(bad) != bool(counts.failed):
        skipped = sums.get("skipped", 0) + sums.get("todo", 0)
        return Found("node", (), Counts(sums["pass"], bad, 0, skipped), at=at)
    return Found("node", _explained(cases, lines[details + 1 :]), counts, at=at)


def _cases(lines: Sequence[str]) -> tuple[list[TestCase], int]:
    """Those that have none in them, and how many there are of both kinds."""
    cases: list[TestCase] = []
    entries, begun = 0, [(-1, 0)]
    """Where groups begin that are open: their indentation, and how many bad cases there were."""
    for line in lines:
        found = _ENTRY.match(line)
        if found is None:
            continue
        indent = len(found[1])
        if found[2] == "▶":
            begun.append((indent, sum(case.bad for case in cases)))
            continue
        entries += 1
        outcome = "skipped" if found[5] else _OUTCOMES[found[2]]
        if begun[-1][0] == indent:  # a group's end
            _, before = begun.pop()
            if outcome != "failed" or sum(case.bad for case in cases) > before:
                continue
        seconds = float(found[4]) / 1000 if found[4] else None
        cases.append(TestCase(found[3], outcome, (found[5] or "").removeprefix(" # "), "", seconds))
    return cases, entries


def _explained(cases: Sequence[TestCase], lines: Sequence[str]) -> list[TestCase]:
    """With the places and messages that stand at the end, in the same order."""
    told: list[tuple[str, str, list[str]]] = []
    place = ""
    for line in lines:
        if found := _PLACE.match(line):
            place = found[1]
        elif found := _ENTRY.match(line):
            told.append((found[3], place, []))
        elif told and line.strip():
            told[-1][2].append(line.removeprefix("  "))
    explained = []
    for case in cases:
        at = next((number for number, (name, _, _) in enumerate(told) if name == case.name), None)
        if case.bad and at is not None:
            _, place, message = told.pop(at)
            case = TestCase(case.name, case.outcome, "\n".join(message), place, case.seconds)
        explained.append(case)
    return explained
