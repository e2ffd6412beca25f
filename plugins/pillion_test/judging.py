"""The judgement of a run: a pure function of what it printed, what it wrote, and how it ended.

`passed` is said only where everything says so. A program that does not know its own tests (they crashed it, its output
was cut, nobody understands it) gets `unknown`, with the reason.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from msgspec import Struct

from pillion.escapes import plain_pieces
from pillion.processes import how_ended

from .found import Counts, Found, counted
from .readers import cargotest, failures, gotest, javascript, junit, nodespec, pytesttext, tap
from .report import TestCase, TestReport, bounded

LINE = 2_000
"""Characters of a line that are looked at."""
END = 8_000
"""Characters at the end among which a runner's last words have to stand."""
_READERS: Sequence[Callable[[str], Found | None]] = (
    pytesttext.read, cargotest.read, gotest.read, nodespec.read, tap.read, javascript.read,
)  # fmt: skip
_XML = re.compile(r"(?:<\?xml|<testsuites?[ >]).*</testsuites?>", re.DOTALL)
_PYTEST = {2: "it was interrupted", 3: "an internal error", 4: "it was called wrongly", 5: "no test was found"}
"""What pytest's exit codes mean."""


class Run(Struct, frozen=True):
    """How a run went. `text` is what it printed, `cut` bytes of it left out; `code` the exit code, negative for a
    signal; `seconds` how long it took. `results` are those in JUnit's XML that it was told to write, of
    one run after the other, None where there are none; `expected`: there have to be, and of one run. `root` is the
    workspace, which is taken out of places."""

    text: str
    code: int
    timed_out: bool = False
    cut: int = 0
    seconds: float = 0.0
    results: bytes | None = None
    expected: bool = False
    root: str = ""


def judge(run: Run) -> TestReport:
    """The report. Where the text is long it takes its time (some 0.5 s for each MB), and belongs into a thread."""
    text = "".join(plain_pieces(run.text))  # between them another thread gets its turn
    found = _found(run, text)
    counts = found.counts if found else Counts()
    outcome, why = _judged(run, found, counts, _failing(run, text))
    cases = bounded(_placed(case, run.root) for case in found.cases) if found else ()
    return TestReport(
        outcome,  # type: ignore[arg-type]
        why,
        found.runner if found else "",
        run.code,
        round(run.seconds, 3),
        counts.passed,
        counts.failed,
        counts.errors,
        counts.skipped,
        cases,
        max(0, counts.total - len(cases)),
    )


def _found(run: Run, text: str) -> Found | None:
    """The written results, of one run after the other; else what the words at the output's end are understood as."""
    if run.results is not None:
        return _of_runs(run, text)
    if run.expected:
        return Found("pytest", doubt="pytest ended before it wrote its results")
    if whole := _XML.fullmatch(_without_header(text)):
        return junit.read(whole[0].encode())
    text = "\n".join(line[:LINE] for line in text.split("\n"))
    found = [found for read in _READERS if (found := read(text)) is not None and found.at >= len(text) - END]
    return max(found, key=lambda one: (one.counts.total > 0, one.at), default=None)


def _of_runs(run: Run, text: str) -> Found:
    """Of all that wrote their results, each with its own declaration. Who began and wrote none is a doubt."""
    written = [part for part in re.split(rb"(?=<\?xml )", run.results or b"") if part.strip()]
    found = [junit.read(part, "pytest") for part in written] if len(run.results or b"") <= junit.LARGEST else []
    if not found:
        return junit.read(run.results or b"", "pytest")
    cases = [case for one in found for case in one.cases]
    doubt = next((one.doubt for one in found if one.doubt), "")
    if not run.expected and not doubt and len(failures.SESSION.findall(text)) > len(found):
        doubt = "pytest ran more often than it wrote results"
    return Found("pytest", cases, counted(cases), doubt)


def _failing(run: Run, text: str) -> str:
    """Who tells of a failure in the words of the whole output. Of a run of pytest alone its results say all."""
    return "" if run.expected and run.results is not None else failures.failing(text)


def _judged(run: Run, found: Found | None, counts: Counts, failing: str) -> tuple[str, str]:
    bad = counts.failed + counts.errors
    if run.timed_out:
        return "timeout", f"it did not end within {run.seconds:.0f} s"
    if bad:
        return "failed", f"the exit code is {run.code} all the same" if run.code == 0 else ""
    if failing == "make":
        return "unknown", "a command failed, and make was told to go on"
    if failing:
        return "failed", f"{failing} tells of a failure" + (f", {found.runner} of none" if found else "")
    ended = _ended(run.code, found.runner if found else "")
    if found is None:
        return "unknown", f"the output is none of a runner that is known ({ended})"
    if found.doubt:
        return "unknown", f"{found.doubt} ({ended})"
    if run.code != 0:
        return "unknown", f"{ended}, though no failed test is told of"
    if not counts.passed:
        return "unknown", "all tests were skipped" if counts.skipped else "no test was run"
    if run.cut and not (run.expected and run.results is not None):
        return "unknown", f"{run.cut:,} bytes of the output are lost, so that a failure may be among them"
    return "passed", ""


def _ended(code: int, runner: str) -> str:
    meaning = _PYTEST.get(code, "") if runner == "pytest" else ""
    return f"{how_ended(code)}: {meaning}" if meaning else how_ended(code)


def _placed(case: TestCase, root: str) -> TestCase:
    place = re.sub(r"(:\d+):\d+$", r"\1", case.place)  # no column
    place = place.removeprefix("file://").removeprefix(f"{root}/" if root else "")
    name = case.name.removeprefix(f"{root}/" if root else "")
    return TestCase(name, case.outcome, case.message, place, case.seconds)


def _without_header(text: str) -> str:
    """Without the lines in which npm and its kin tell what they run."""
    lines = text.strip().split("\n")
    while lines and (not lines[0].strip() or lines[0].startswith(("> ", "$ "))):
        lines = lines[1:]
    return "\n".join(lines)
