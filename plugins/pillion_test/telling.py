"""What the model reads of a report: counts first, then what did not pass, then as much of the output as helps."""

from __future__ import annotations

from pillion.escapes import plain
from pillion.longresult import shortened

from .report import TestCase, TestReport

OUTPUT = 4_000
"""Characters of the output's end, where the report alone says too little."""
NAMED = 200
"""Names of tests that are told."""


def told(report: TestReport, command: str, output: str, room: int) -> str:
    lines = [f"{report.outcome}: {counts(report)}", f"$ {command}"]
    bad = [case for case in report.cases if case.bad]
    room -= OUTPUT
    for number, case in enumerate(bad):
        said = _case(case)
        if number >= NAMED or room < len(said):
            lines.append(f"\n[{len(bad) - number} more that did not pass are not told: run them by themselves.]")
            break
        room -= len(said) + 1
        lines.append(said)
    if report.outcome != "passed" and not any(case.message for case in bad):
        end = plain(output[-4 * OUTPUT :]).strip()
        lines.append(f"\nThe end of the output:\n{shortened(end, OUTPUT)}" if end else "\nThere was no output.")
    return "\n".join(lines)


def counts(report: TestReport) -> str:
    """In one line, with the reason where it is not plain."""
    numbers = {"failed": report.failed, "errors": report.errors, "passed": report.passed, "skipped": report.skipped}
    said = ", ".join(f"{number} {word}" for word, number in numbers.items() if number) or "no test"
    how = ", ".join(filter(None, (report.runner, f"exit code {report.code}", f"{report.seconds:.1f} s")))
    return f"{said} ({how})" + (f": {report.why}" if report.why else "")


def _case(case: TestCase) -> str:
    place = f" ({case.place})" if case.place and case.place not in case.name else ""
    message = "".join(f"\n  {line}" for line in case.message.split("\n")) if case.message else ""
    return f"\n{'FAILED' if case.outcome == 'failed' else 'ERROR'} {case.name}{place}{message}"
