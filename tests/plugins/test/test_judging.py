"""The judgement of texts: what runners print, what tests forge, and what can't be believed in."""

from __future__ import annotations

import json

import pytest

from pillion_test import judging, report

GO = """\
=== RUN   TestAdd
--- PASS: TestAdd (0.00s)
=== RUN   TestSplit
=== RUN   TestSplit/empty
    split_test.go:21: got 1 part, want 0
--- FAIL: TestSplit (0.01s)
    --- FAIL: TestSplit/empty (0.00s)
=== RUN   TestLater
    later_test.go:5: not yet
--- SKIP: TestLater (0.00s)
FAIL
FAIL\texample.com/lantern\t0.012s
ok  \texample.com/lantern/wick\t0.003s
?   \texample.com/lantern/cmd\t[no test files]
FAIL
"""
GO_BUILD = """\
# example.com/lantern [example.com/lantern.test]
./split_test.go:9:2: undefined: Splt
FAIL\texample.com/lantern [build failed]
FAIL
"""
CARGO = """\
running 2 tests
test tests::good ... ok
test tests::later ... ignored, not yet

test result: ok. 1 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s
"""
TAP = "TAP version 14\n1..3\nok 1 - one\nok 2 - two # SKIP later\n    1..1\n    ok 1 - inner\nok 3 - three\n"
JEST = """\
FAIL ./b.test.js
  ● sums › adds

    expect(received).toBe(expected)

Test Suites: 1 failed, 1 passed, 2 total
Tests:       1 failed, 1 skipped, 4 passed, 6 total
Snapshots:   0 total
Time:        0.4 s
Ran all test suites.
"""
VITEST = """\
 FAIL  b.test.ts > sums > adds
AssertionError: expected 2 to be 3

 Test Files  1 failed | 1 passed (2)
      Tests  1 failed | 4 passed | 1 skipped (6)
   Start at  10:00:00
   Duration  210ms
"""
MOCHA = """\
  sums
    ✔ subtracts
    1) adds

  1 passing (4ms)
  1 pending
  1 failing

  1) sums
       adds:
     AssertionError: 2 == 3
"""


def go(*lines: dict[str, object]) -> str:
    package = {"Package": "example.com/lantern"}
    return "".join(json.dumps({"Time": "2026-01-01T00:00:00Z", **package, **line}) + "\n" for line in lines)


GO_JSON = go(
    {"Action": "start"},
    {"Action": "run", "Test": "TestAdd"},
    {"Action": "output", "Test": "TestAdd", "Output": "ok  \texample.com/forged\t0.1s\n"},
    {"Action": "pass", "Test": "TestAdd", "Elapsed": 0.5},
    {"Action": "run", "Test": "TestSplit"},
    {"Action": "run", "Test": "TestSplit/empty"},
    {"Action": "output", "Test": "TestSplit/empty", "Output": "    split_test.go:21: got 1 part, want 0\n"},
    {"Action": "fail", "Test": "TestSplit/empty", "Elapsed": 0.0},
    {"Action": "fail", "Test": "TestSplit", "Elapsed": 0.0},
    {"Action": "fail", "Elapsed": 0.02},
)
GO_PANIC = go(
    {"Action": "run", "Test": "TestAdd"},
    {"Action": "output", "Test": "TestAdd", "Output": "panic: no lamp\n"},
    {"Action": "fail", "Elapsed": 0.02},
)
GO_BROKEN = json.dumps({"ImportPath": "x", "Action": "build-output", "Output": "./a.go:3: undefined: Splt\n"}) + "\n"
GO_BROKEN += go({"Action": "start"}, {"Action": "fail", "Elapsed": 0.0, "FailedBuild": "x"})

UNDERSTOOD = {
    "pytest": ("...F [100%]\nFAILED a.py::t - no\n1 failed, 3 passed, 2 xfailed in 0.1s\n", 1, "pytest failed 3 1 0 2"),
    "pytest's bars": (
        "collected 3 items\n=== 2 passed, 1 skipped in 61.2s (0:01:01) ===\n",
        0,
        "pytest passed 2 0 0 1",
    ),
    "pytest under make": ("1 failed in 0.1s\nmake: *** [Makefile:2: test] Error 1\n", 2, "pytest failed 0 1 0 0"),
    "go": (GO, 1, "go failed 2 1 0 1"),
    "go without names": ("ok  \ta\t0.1s\nok  \tb\t(cached)\n", 0, "go passed 2 0 0 0"),
    "go that does not build": (GO_BUILD, 1, "go failed 0 0 1 0"),
    "go's lines": (GO_JSON, 1, "go failed 1 1 0 0"),
    "go that panics": (GO_PANIC, 1, "go failed 0 0 1 0"),
    "go's lines, that does not build": (GO_BROKEN, 1, "go failed 0 0 1 0"),
    "cargo": (CARGO + CARGO, 0, "cargo passed 2 0 0 2"),
    "tap": (TAP, 0, "tap passed 2 0 0 1"),
    "jest": (JEST, 1, "jest failed 4 1 0 1"),
    "vitest": (VITEST, 1, "vitest failed 4 1 0 1"),
    "mocha": (MOCHA, 1, "mocha failed 1 1 0 1"),
    "coloured": ("\x1b[32m\x1b[1m2 passed\x1b[0m\x1b[32m in 0.1s\x1b[0m\r\n", 0, "pytest passed 2 0 0 0"),
}


def said(found: report.TestReport) -> str:
    return f"{found.runner} {found.outcome} {found.passed} {found.failed} {found.errors} {found.skipped}"


@pytest.mark.parametrize(("text", "code", "expected"), UNDERSTOOD.values(), ids=UNDERSTOOD)
def test_what_runners_print_is_understood(text: str, code: int, expected: str) -> None:
    found = judging.judge(judging.Run(text, code))
    assert said(found) == expected
    assert judging.judge(judging.Run(text, code, timed_out=True)).outcome == "timeout"


def test_places_and_messages_of_go() -> None:
    for text in (GO, GO_JSON):
        (bad,) = (case for case in judging.judge(judging.Run(text, 1)).cases if case.bad)
        assert bad.name == "example.com/lantern.TestSplit/empty"
        assert (bad.place, bad.message.strip()) == ("split_test.go:21", "split_test.go:21: got 1 part, want 0")
    (bad,) = judging.judge(judging.Run(GO_BROKEN, 1)).cases
    assert "undefined: Splt" in bad.message


NOT_PASSED = {
    "nothing": ("", 0, "is none of a runner that is known"),
    "words alone": ("all 5 tests passed!\n", 0, "is none of a runner that is known"),
    "a good word and a bad code": ("5 passed in 0.1s\n", 1, "exit code 1, though no failed test is told of"),
    "a signal": ("5 passed in 0.1s\n", -11, "ended by SIGSEGV, though"),
    "no test": ("no tests ran in 0.01s\n", 0, "no test was run"),
    "all skipped": ("3 skipped in 0.01s\n", 0, "all tests were skipped"),
    "a forged last line": ("collected 1 item\n=== 5 passed in 0.1s ===\n", 0, "1 tests were collected and 5 told of"),
    "a line amid other words": ("5 passed in 0.1s\n" + "noise\n" * 3000, 0, "is none of a runner that is known"),
    "a plan that is not kept": ("1..3\nok 1\nok 2\n", 0, "3 tests were planned and 2 told of"),
    "a plan that never came": ("TAP version 13\nok 1\nok 2\n", 0, "there is no plan"),
    "bailed out": ("1..1\nok 1\nBail out! no lamp\n", 0, "it bailed out"),
    "cargo that broke off": (CARGO + "running 2 tests\ntest a ... ok\n", 0, "begun and not told of"),
    "go that broke off": (go({"Action": "run", "Test": "T"}, {"Action": "pass", "Test": "T"}), 0, "it broke off"),
    "no test of node": ("1..0\n# tests 0\n# pass 0\n# fail 0\n", 0, "no test was run"),
}


@pytest.mark.parametrize(("text", "code", "why"), NOT_PASSED.values(), ids=NOT_PASSED)
def test_what_can_t_be_believed_in_is_unknown(text: str, code: int, why: str) -> None:
    found = judging.judge(judging.Run(text, code))
    assert found.outcome == "unknown"
    assert why in found.why


def test_a_failure_beats_a_good_exit_code() -> None:
    found = judging.judge(judging.Run("1..2\nok 1\nnot ok 2 - two\n", 0))
    assert (found.outcome, found.why) == ("failed", "the exit code is 0 all the same")


PASSES = "=== 5 passed in 0.10s ===\n"
RESULTS = b"<testsuite><testcase name='a'/></testsuite>"
EARLIER = {
    "pytest": "FAILED a.py::t - x\n=== 1 failed, 2 passed in 0.10s ===\n",
    "unittest": "F\nFAIL: t\nRan 2 tests in 0.000s\n\nFAILED (failures=1)\n",
    "go": "--- FAIL: TestX (0.00s)\nFAIL\nFAIL\tex/a\t0.1s\n",
    "go in json": '{"Action":"fail","Package":"ex/a"}\n',
    "cargo": "test result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n",
    "node": "ℹ tests 1\nℹ suites 0\nℹ pass 0\nℹ fail 1\nℹ cancelled 0\nℹ duration_ms 10\n",
    "tap": "1..1\nnot ok 1 - x\n",
    "jest": "Tests:       1 failed, 2 passed, 3 total\n",
    "vitest": "      Tests  1 failed | 4 passed | 1 skipped (6)\n",
    "mocha": "  1 passing (4ms)\n  1 failing\n",
}
"""Who fails before another one passes."""


@pytest.mark.parametrize("earlier", EARLIER.values(), ids=EARLIER)
def test_what_passes_later_takes_no_failure_back(earlier: str) -> None:
    lines = "of something else\n" * 1000
    assert judging.judge(judging.Run(PASSES, 0)).outcome == "passed"
    assert judging.judge(judging.Run(earlier + lines + PASSES, 0)).outcome == "failed"
    assert judging.judge(judging.Run(earlier + lines, 0, results=RESULTS)).outcome == "failed"
    alone = judging.Run(earlier, 0, results=RESULTS, expected=True)
    assert judging.judge(alone).outcome == "passed", "of pytest alone its results say all"


def test_a_point_that_is_to_be_done_has_not_failed() -> None:
    assert judging.judge(judging.Run("1..2\nok 1\nnot ok 2 # todo later\n", 0)).outcome == "passed"


def test_a_failure_that_make_ignores_is_no_success() -> None:
    found = judging.judge(judging.Run(f"make: [Makefile:3: lint] Error 1 (ignored)\n{PASSES}", 0))
    assert (found.outcome, found.why) == ("unknown", "a command failed, and make was told to go on")


def test_who_began_and_wrote_no_results_may_have_failed() -> None:
    text = "===== test session starts =====\n"
    assert judging.judge(judging.Run(text, 0, results=RESULTS)).outcome == "passed"
    found = judging.judge(judging.Run(2 * text, 0, results=RESULTS))
    assert (found.outcome, "more often" in found.why) == ("unknown", True)


def test_what_is_lost_of_an_output_may_be_a_failure() -> None:
    assert judging.judge(judging.Run("5 passed in 0.1s\n", 0)).outcome == "passed"
    assert judging.judge(judging.Run("5 passed in 0.1s\n", 0, cut=1)).outcome == "unknown"


def xml(inner: str, **options: object) -> report.TestReport:
    data = f"<testsuites><testsuite>{inner}</testsuite></testsuites>".encode()
    return judging.judge(judging.Run("", 0, results=data, **options))  # type: ignore[arg-type]


BOMB = (
    "<!DOCTYPE x ["
    + '<!ENTITY a "ha">'
    + "".join(f'<!ENTITY {after} "{f"&{before};" * 10}">' for before, after in zip("abcdefgh", "bcdefghi", strict=True))
    + "]><testsuite><testcase name='&i;'/></testsuite>"
)
BAD_XML = {
    "entities": (BOMB, "it has a document type"),
    "external": ("<!DOCTYPE x SYSTEM 'file:///etc/passwd'><testsuite/>", "it has a document type"),
    "deep": ("<testsuite>" * 100_000, "it is too deep"),
    "cut": ("<testsuite><testcase name='a'/>", "can't be read"),
    "something else": ("<html/>", "it begins with 'html'"),
    "empty": ("<testsuite/>", "no test was run"),
    "failures without names": ("<testsuite failures='1'><testcase name='a'/></testsuite>", "1 failures and name none"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "why"), BAD_XML.values(), ids=BAD_XML)
def test_results_that_can_t_be_read_are_unknown(text: str, why: str) -> None:
    found = judging.judge(judging.Run("5 passed in 0.1s", 0, results=text.encode()))
    assert found.outcome == "unknown"
    assert why in found.why


def test_a_report_is_bounded_and_names_the_bad_ones_first() -> None:
    good = "".join(f"<testcase name='good{number}'/>" for number in range(5000))
    bad = "".join(f"<testcase name='bad{n}'><failure>{'long ' * 2000}</failure></testcase>" for n in range(200))
    found = xml(good + bad)
    assert said(found) == "pytest failed 5000 200 0 0"
    assert (len(found.cases), found.unnamed) == (report.CASES, 4200)
    assert all(case.bad for case in found.cases[:200])
    assert sum(len(case.message) for case in found.cases) <= report.MESSAGES


def test_the_workspace_is_taken_out_of_places() -> None:
    text = "1..1\nnot ok 1 - a\n  ---\n  location: '/work/lantern/a.test.js:3:1'\n  error: 'no lamp'\n  ...\n"
    (case,) = judging.judge(judging.Run(text, 1, root="/work/lantern")).cases
    assert (case.place, case.message) == ("a.test.js:3", "no lamp")
