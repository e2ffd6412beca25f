"""What `go test` prints: as JSON lines (`-json`), or for people."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import msgspec
from msgspec import Struct

from ..found import Found, counted, end_of
from ..report import MESSAGE, CaseOutcome, TestCase

_PLACE = re.compile(r"^\s*(\S+\.go:\d+):", re.MULTILINE)
_OUTCOMES: dict[str, CaseOutcome] = {"pass": "passed", "fail": "failed", "skip": "skipped"}
_WORDS: dict[str, CaseOutcome] = {"PASS": "passed", "FAIL": "failed", "SKIP": "skipped"}
_TEST = re.compile(r"^ *--- (PASS|FAIL|SKIP): (\S+) \(([\d.]+)s\)$")
_PACKAGE = re.compile(r"^(ok  |FAIL|---  ?|\?   )\s(\S+)(?:\s+(.*))?$")
KEPT = 4 * MESSAGE
"""Characters of a test's output that are looked at."""


class Line(Struct, frozen=True, rename="pascal"):
    """What cmd/test2json documents, as far as it is needed."""

    action: str
    package: str = ""
    test: str = ""
    elapsed: float | None = None
    output: str = ""
    import_path: str = ""


class _Test:
    """What was told of one test, or of a package (whose `name` is empty)."""

    def __init__(self, package: str, name: str) -> None:
        self.package, self.name = package, name
        self.outcome: CaseOutcome | None = None
        self.seconds: float | None = None
        self.said = ""

    def case(self, doubt: CaseOutcome = "error") -> TestCase:
        name = f"{self.package}.{self.name}" if self.name else self.package
        found = _PLACE.search(self.said)
        message = "" if self.outcome == "passed" else self.said
        return TestCase(name, self.outcome or doubt, message, found[1] if found else "", self.seconds)


def read(text: str) -> Found | None:
    lines = text.split("\n")
    events = list(_events(lines))
    if any(event.action in ("run", "pass", "fail", "skip") and event.package for event in events):
        last = max(number for number, line in enumerate(lines) if line.startswith('{"'))
        return _of_events(events, end_of(lines, last))
    return _of_words(lines)


def _events(lines: Iterable[str]) -> Iterable[Line]:
    for line in lines:
        if line.startswith('{"') and '"Action":' in line:
            try:
                yield _decoder.decode(line)
            except msgspec.MsgspecError:
                continue


def _of_events(events: Iterable[Line], at: int) -> Found:
    tests: dict[tuple[str, str], _Test] = {}
    builds: dict[str, str] = {}
    for event in events:
        if event.action == "build-output":
            builds[event.import_path] = (builds.get(event.import_path, "") + event.output)[-KEPT:]
            continue
        if not event.package:
            continue
        test = tests.setdefault((event.package, event.test), _Test(event.package, event.test))
        if event.action == "output":
            test.said = (test.said + event.output)[-KEPT:]
        elif event.action in _OUTCOMES:
            test.outcome, test.seconds = _OUTCOMES[event.action], event.elapsed
    cases = list(_told(tests, "\n".join(builds.values())))
    ended = all(tests[package, ""].outcome for package, _ in tests if (package, "") in tests)
    whole = ended and all((package, "") in tests for package, _ in tests)
    return Found("go", cases, counted(cases), "" if whole else "it broke off", at)


def _told(tests: dict[tuple[str, str], _Test], built: str) -> Iterable[TestCase]:
    """A test with others in it counts where it failed by itself, a package where none of its tests did."""
    parents = {(package, name.rpartition("/")[0]) for package, name in tests if "/" in name}
    bad = {key for key, test in tests.items() if key[1] and test.outcome in ("failed", None)}
    for (package, name), test in tests.items():
        if not name:
            if test.outcome == "failed" and not any(of == package for of, _ in bad):
                test.outcome, test.said = None, f"{built}\n{test.said}".strip()
                yield test.case()
        elif (package, name) not in parents:
            yield test.case()
        elif (package, name) in bad and not any(of == package and inner.startswith(f"{name}/") for of, inner in bad):
            yield test.case("failed")


def _of_words(lines: Sequence[str]) -> Found | None:
    """Where it was not told to be verbose, only bad tests have names: then a package that is `ok` is one test."""
    cases: list[TestCase] = []
    here: list[TestCase] = []
    said: list[str] = []
    last, below = -1, False
    for number, line in enumerate(lines):
        if found := _TEST.match(line):
            test = TestCase(found[2], _WORDS[found[1]], "", "", float(found[3]))
            for earlier in said if test.bad else ():  # a verbose run tells what was said before the verdict
                test = _longer(test, earlier) if earlier.startswith(" ") else test
            here.append(_like_parent(test, here))
            said, below = [], True
        elif (found := _PACKAGE.match(line)) and (found[1] != "FAIL" or "\t" in line):
            last = number
            cases += _of_package(found, here, said)
            here, said, below = [], [], False
        elif line.startswith("=== "):
            said, below = [], False
        else:
            said = [*said[-200:], line]
            if below and here[-1].bad and line.startswith(" "):
                here[-1] = _longer(here[-1], line)
    if last < 0:
        return None
    doubt = "it broke off: tests are told of whose package is not" if here else ""
    return Found("go", cases, counted(cases), doubt, end_of(lines, last))


def _of_package(found: re.Match[str], tests: list[TestCase], said: list[str]) -> list[TestCase]:
    package, rest = found[2], found[3] or ""
    named = [
        TestCase(f"{package}.{test.name}", test.outcome, test.message, test.place, test.seconds)
        for test in tests
        if not any(inner.name.startswith(f"{test.name}/") for inner in tests)
    ]
    if found[1].startswith("?") or "[no test files]" in rest or "[no tests to run]" in rest:
        return named
    if found[1] == "FAIL" and not any(test.bad for test in named):
        return [*named, TestCase(package, "error", "\n".join([*said, rest]).strip())]
    return named if named or found[1] != "ok  " else [TestCase(package, "passed")]


def _like_parent(test: TestCase, earlier: Sequence[TestCase]) -> TestCase:
    """A bad test within another one stands below it; what it said stands above both."""
    parent = next((one for one in earlier if test.name.startswith(f"{one.name}/")), None)
    if test.message or not test.bad or parent is None:
        return test
    return TestCase(test.name, test.outcome, parent.message, parent.place, test.seconds)


def _longer(test: TestCase, line: str) -> TestCase:
    message = f"{test.message}\n{line.strip()}".strip()[:KEPT]
    found = _PLACE.search(message)
    return TestCase(test.name, test.outcome, message, found[1] if found else "", test.seconds)


_decoder = msgspec.json.Decoder(Line)
