"""The Test Anything Protocol, versions 12 to 14, with what node's runner adds to it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ..found import Counts, Found, counted, end_of
from ..report import CaseOutcome, TestCase

_LINE = re.compile(r"^( *)(not )?ok\b(?: +(\d+))?(?: +- +| +)?(.*)$")
_DIRECTIVE = re.compile(r"(?:^|\s)# ?(skip|todo)\S*(?:\s+(.*))?$", re.IGNORECASE)
_PLAN = re.compile(r"^1\.\.(\d+)(?:\s*#.*)?$")
_FIELD = re.compile(r"^(error|location|message|at|duration_ms|stack): *(.*)$")
_NODE = re.compile(r"^# (tests|suites|pass|fail|cancelled|skipped|todo) (\d+)$")
_LAST = re.compile(r"1\.\.\d|# \w+ \d|Bail out!|(?:not )?ok\b")
_NESTED = 4
"""Spaces of one level."""


def read(text: str) -> Found | None:
    """Tests that have tests in them count by those alone. A missing or unkept plan is a doubt."""
    lines = text.split("\n")
    if not any(line.startswith(("TAP version ", "1..")) for line in lines):
        return None
    points = list(_points(lines))
    plans = [int(found[1]) for line in lines if (found := _PLAN.match(line))]
    node = {found[1]: int(found[2]) for line in lines if (found := _NODE.match(line))}
    if not points and not plans:
        return None
    last = max(number for number, line in enumerate(lines) if line[:1] in "1#Bon" and _LAST.match(line))
    at = end_of(lines, last)
    top = sum(point.depth == 0 for point in points)
    cases = [point.case for point in points if not point.parent]
    doubt = ""
    if any(line.startswith("Bail out!") for line in lines):
        doubt = "it bailed out"
    elif not plans:
        doubt = "it broke off: there is no plan"
    elif sum(plans) != top:
        doubt = f"{sum(plans)} tests were planned and {top} told of"
    if "tests" not in node:
        return Found("tap", cases, counted(cases), doubt, at)
    return _nodes(cases, len(points), node, doubt, at)


def _nodes(cases: Sequence[TestCase], points: int, node: dict[str, int], doubt: str, at: int) -> Found:
    """Node tells its own counts; where they are other ones, tests have printed such lines, and no name is believed."""
    counts = counted(cases)
    bad = node.get("fail", 0) + node.get("cancelled", 0)
    if points != node["tests"] + node.get("suites", 0) or bool(bad) != bool(counts.failed + counts.errors):
        skipped = node.get("skipped", 0) + node.get("todo", 0)
        return Found("node", (), Counts(node.get("pass", 0), bad, 0, skipped), doubt, at)
    return Found("node", cases, counts, doubt, at)


class _Point:
    """A line `ok` or `not ok`, with what its YAML says. `parent`: tests came before it that are inside it."""

    __slots__ = ("case", "depth", "parent")

    def __init__(self, case: TestCase, depth: int, parent: bool) -> None:
        self.case, self.depth, self.parent = case, depth, parent


def _points(lines: Sequence[str]) -> Iterator[_Point]:
    inner: dict[int, bool] = {}
    """Depths at which tests were seen since the last one above them, and whether one of those is bad."""
    for number, line in enumerate(lines):
        found = _LINE.match(line)
        if found is None:
            continue
        depth = len(found[1]) // _NESTED
        case = _case(found, _yaml(lines, number + 1, len(found[1])))
        below = {level: inner.pop(level) for level in list(inner) if level > depth}
        parent = bool(below) and (not case.bad or any(below.values()))
        inner[depth] = inner.get(depth, False) or case.bad
        yield _Point(case, depth, parent)


def _case(found: re.Match[str], told: dict[str, str]) -> TestCase:
    name = found[4].strip()
    outcome: CaseOutcome = "failed" if found[2] else "passed"
    if directive := _DIRECTIVE.search(name):
        name, outcome = name[: directive.start()].strip(), "skipped"
    message = "\n".join(told[key] for key in ("error", "message", "stack") if told.get(key)) if found[2] else ""
    place = told.get("location") or told.get("at", "")
    seconds = float(told["duration_ms"]) / 1000 if re.fullmatch(r"\d+(\.\d+)?", told.get("duration_ms", "")) else None
    return TestCase(name or f"test {found[3] or ''}".strip(), outcome, message, place, seconds)


def _yaml(lines: Sequence[str], start: int, indent: int) -> dict[str, str]:
    """The fields of interest of the block below a line, if there is one. Only what all writers write the same way."""
    prefix = " " * (indent + 2)
    if start >= len(lines) or lines[start] != f"{prefix}---":
        return {}
    told: dict[str, str] = {}
    key = ""
    for line in lines[start + 1 : start + 400]:
        if not line.startswith(prefix) or line == f"{prefix}...":
            break
        rest = line[len(prefix) :]
        if found := _FIELD.match(rest):
            key = found[1]
            value = found[2].strip()
            told[key] = "" if value in ("|-", "|", ">-", ">") else value.strip("'\"")
        elif key and rest.startswith("  "):
            told[key] = f"{told[key]}\n{rest[2:]}".lstrip("\n")
        else:
            key = ""
    return told
