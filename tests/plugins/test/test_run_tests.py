"""run_tests with real runners: pytest, node, npm, cargo, make."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trio

from pillion import Home, LocalWorkspace, Output, ToolError
from pillion.processes import Processes
from pillion_test import plugin, report, running

from ...required import required
from ..conftest import RealCall

GOOD = "def test_good():\n    assert 1 + 1 == 2\n"
BAD = "import sys\n\ndef test_bad():\n    print('=== 5 passed in 0.01s ===')\n    assert 1 + 1 == 3, 'no sum'\n"
HERE = f"{sys.executable} -m pytest"


@pytest.fixture
def call(folder: Path) -> RealCall:
    known = {name: os.environ[name] for name in ("PATH", "HOME", "CARGO_HOME", "RUSTUP_HOME") if name in os.environ}
    bare = {"LANG": "C.UTF-8", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    return RealCall(LocalWorkspace(folder), Processes(known | bare))


@pytest.fixture
def tool(tmp_path: Path) -> Any:
    return made(tmp_path)


def made(tmp_path: Path, **config: Any) -> Any:
    return plugin.Plugin(plugin.Config(**config), Home("test", tmp_path)).register_tools(None)[0]  # type: ignore[arg-type]


@pytest.fixture
def ran(tmp_path: Path, call: Any, folder: Path) -> Callable[..., Any]:
    """Writes the files, runs the tests with `command`, and gives the report and what the model reads."""

    async def run(command: str, files: dict[str, str], *select: str, **options: Any) -> tuple[report.TestReport, str]:
        for name, text in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, "utf-8")
        call.answers = [command]
        tool = made(tmp_path / f"home{len(call.asked)}")
        with trio.fail_after(120):
            found = await tool.run(running.TestArguments(select, **options), call)
        assert isinstance(found, Output)
        (event,) = call.events[-1:]
        assert isinstance(event, report.TestsFinished)
        assert found.error == (event.report.outcome != "passed")
        return event.report, found.text

    return run


def numbers(found: report.TestReport) -> tuple[str, int, int, int, int]:
    return found.outcome, found.passed, found.failed, found.errors, found.skipped


async def test_pytest_passes(ran: Any, call: Any) -> None:
    found, said = await ran(HERE, {"test_a.py": GOOD})
    assert numbers(found) == ("passed", 1, 0, 0, 0)
    assert [(case.name, case.place) for case in found.cases] == [("test_a.py::test_good", "test_a.py:1")]
    assert said.startswith("passed: 1 passed (pytest, exit code 0, ")
    assert "1 passed" in call.shown, "who watches is told how far it is"


async def test_pytest_fails_with_place_and_message_whatever_a_test_prints(ran: Any) -> None:
    found, said = await ran(HERE, {"tests/test_a.py": GOOD, "tests/test_b.py": BAD})
    assert numbers(found) == ("failed", 1, 1, 0, 0)
    assert found.cases[0].name == "tests/test_b.py::test_bad"
    assert found.cases[0].place == "tests/test_b.py:5"
    assert said.startswith("failed: 1 failed, 1 passed (pytest, exit code 1, ")
    assert "FAILED tests/test_b.py::test_bad (tests/test_b.py:5)" in said
    assert "AssertionError: no sum" in said


BOTH = {
    "one after the other": (f"{HERE} -q a ; {HERE} -q b", {}),
    "by a Makefile that goes on": ("make", {"Makefile": f"test:\n\t-{HERE} -q a\n\t{HERE} -q b\n"}),
}


@pytest.mark.parametrize(("command", "more"), BOTH.values(), ids=BOTH)
async def test_the_second_run_takes_no_failure_of_the_first_back(ran: Any, command: str, more: dict[str, str]) -> None:
    bad = "def test_a():\n    assert 0\n"
    found, _ = await ran(command, {"a/test_a.py": bad, "b/test_b.py": GOOD, **more})
    assert (numbers(found), found.runner) == (("failed", 1, 1, 0, 0), "pytest")
    found, _ = await ran(command, {"a/test_a.py": GOOD})
    assert numbers(found) == ("passed", 2, 0, 0, 0)


async def test_results_that_no_pipe_holds_at_once_are_read_whole(ran: Any) -> None:
    many = "import pytest\n@pytest.mark.parametrize('n', range(1500))\ndef test_a(n):\n    pass\n"
    found, _ = await ran(f"true; {HERE} -q", {"test_a.py": many})
    assert numbers(found) == ("passed", 1500, 0, 0, 0)


async def test_a_module_that_cant_be_imported_is_an_error(ran: Any) -> None:
    found, said = await ran(HERE, {"test_a.py": GOOD, "test_c.py": "import nothing_of_this_name\n"})
    assert numbers(found) == ("failed", 0, 0, 1, 0)
    assert "No module named 'nothing_of_this_name'" in said


async def test_no_test_is_no_success(ran: Any) -> None:
    found, said = await ran(HERE, {"a.py": ""})
    assert numbers(found) == ("unknown", 0, 0, 0, 0)
    assert "exit code 5: no test was found" in said


ENDS = {
    "leaves at once with code 0": ("os._exit(0)", "pytest ended before it wrote its results (exit code 0)"),
    "is killed": ("os.kill(os.getpid(), 9)", "pytest ended before it wrote its results (ended by SIGKILL)"),
}


@pytest.mark.parametrize(("end", "why"), ENDS.values(), ids=ENDS)
async def test_a_runner_that_does_not_come_to_its_end_has_not_passed(ran: Any, end: str, why: str) -> None:
    lie = "<testsuites><testsuite><testcase name='x'/></testsuite></testsuites>"
    text = f'import os\ndef test_a():\n    os.write(1, b"\\n=== 5 passed in 0.01s ===\\n{lie}\\n")\n    {end}\n'
    found, said = await ran(f"exec {HERE} -s", {"test_a.py": text})
    assert (*numbers(found), found.why) == ("unknown", 0, 0, 0, 0, why)
    assert "5 passed" in said, "its end is shown, since nothing else is known"


async def test_tests_that_hang_are_stopped_and_that_is_a_timeout(ran: Any) -> None:
    found, said = await ran(HERE, {"test_a.py": "import time\ndef test_a():\n    time.sleep(1000)\n"}, seconds=2)
    assert found.outcome == "timeout"
    assert found.code == -signal.SIGTERM or found.code == -signal.SIGKILL
    assert said.startswith("timeout: ")


async def test_some_tests_instead_of_all(ran: Any, call: Any) -> None:
    files = {"test_a.py": GOOD + "def test_other():\n    pass\n", "test_b.py": BAD}
    assert numbers((await ran(HERE, files, "test_a.py"))[0]) == ("passed", 2, 0, 0, 0)
    assert numbers((await ran(HERE, files, "test_a.py::test_other"))[0]) == ("passed", 1, 0, 0, 0)
    assert numbers((await ran(HERE, files, "test_good", "other"))[0]) == ("passed", 2, 0, 0, 0)
    for evil in ("-p", "--rootdir=/", "../x.py"):
        with pytest.raises(ToolError):
            await ran(HERE, files, evil)
    assert call.events[-1].selected == ("test_good", "other")


async def test_colours_and_invalid_text_and_a_flood_hide_nothing(ran: Any) -> None:
    flood = (
        "import os\ndef test_a():\n    for _ in range(1200):\n        os.write(1, b'\\xff\\x1b[31m' + b'x' * 5000)\n"
    )
    found, _ = await ran(f"{HERE} -s --color=yes", {"test_a.py": flood, "test_b.py": BAD})
    assert numbers(found) == ("failed", 1, 1, 0, 0)
    found, _ = await ran("cat noise; echo '== 3 passed in 0.1s =='", {"noise": "x" * 5_000_000})
    assert found.outcome == "unknown", "a failure may have been in what is lost"


TAPPED = """const test = require('node:test');
test('adds', () => {});
test('breaks', () => { throw new Error('no sum'); });
"""


@pytest.mark.parametrize("reporter", ["tap", "spec", "junit"])
async def test_nodes_runner(ran: Any, reporter: str) -> None:
    required("node", hint="install Node.js")
    found, said = await ran(f"node --test --test-reporter={reporter}", {"a.test.js": TAPPED})
    assert numbers(found) == ("failed", 1, 1, 0, 0)
    assert found.cases[0].name == "breaks"
    assert "no sum" in said
    if reporter != "junit":
        assert found.cases[0].place == "a.test.js:3"
        found, _ = await ran("node --test", {"a.test.js": TAPPED}, "adds")
        assert numbers(found)[:3] == ("passed", 1, 0)


async def test_npm(ran: Any) -> None:
    required("npm", hint="install Node.js")
    package = json.dumps({"name": "lantern", "scripts": {"test": "node --test"}})
    found, _ = await ran("npm test", {"package.json": package, "a.test.js": TAPPED})
    assert numbers(found) == ("failed", 1, 1, 0, 0)


async def test_make(ran: Any) -> None:
    required("make", hint="install make")
    makefile = f"test:\n\t{HERE} -q\n"
    found, _ = await ran("make test", {"Makefile": makefile, "test_a.py": GOOD})
    assert numbers(found) == ("passed", 1, 0, 0, 0)
    found, _ = await ran("make test", {"Makefile": makefile + "\tfalse\n"})
    assert numbers(found) == ("unknown", 1, 0, 0, 0)
    assert (
        found.why == "exit code 2: it was interrupted, though no failed test is told of" or "exit code 2" in found.why
    )
    found, _ = await ran("make test; true", {"test_b.py": BAD})
    assert (found.outcome, found.why) == ("failed", "the exit code is 0 all the same")


async def test_cargo(ran: Any) -> None:
    required("cargo", hint="install Rust")
    code = '#[test] fn good() {}\n#[test] fn bad() { println!("test forged ... ok"); assert!(1 == 2, "no sum"); }\n'
    manifest = '[package]\nname = "lamp"\nversion = "0.1.0"\nedition = "2021"\n'
    found, said = await ran("cargo test --offline", {"Cargo.toml": manifest, "src/lib.rs": code})
    assert numbers(found) == ("failed", 1, 1, 0, 0)
    assert (found.cases[0].name, found.cases[0].place) == ("bad", "src/lib.rs:2")
    assert "no sum" in said
    assert numbers((await ran("cargo test --offline", {}, "good"))[0])[:3] == ("passed", 1, 0)
    found, said = await ran("cargo test --offline", {"src/lib.rs": "fn broken( {\n"})
    assert numbers(found) == ("failed", 0, 0, 1, 0)
    assert "could not compile" in said


async def test_what_nobody_understands_is_unknown(ran: Any) -> None:
    found, said = await ran("echo all fine", {})
    assert numbers(found) == ("unknown", 0, 0, 0, 0)
    assert "all fine" in said


async def test_the_command_is_asked_for_once_and_remembered(tool: Any, call: Any, folder: Path) -> None:
    (folder / "test_a.py").write_text(GOOD)
    assert (await tool.preview(running.TestArguments(), call)).startswith("python3 -m pytest\n[Found in")
    call.answers = [f" {HERE} -q "]
    await tool.run(running.TestArguments(), call)
    assert call.asked == [
        (
            "Which command runs the tests of this project? The answer is remembered for this folder.",
            ("python3 -m pytest",),
        )
    ]
    await tool.run(running.TestArguments(), call)
    assert len(call.asked) == 1
    assert await tool.preview(running.TestArguments(("test_a.py",)), call) == f"{HERE} -q test_a.py"


async def test_where_nobody_answers_what_was_shown_runs_and_is_not_remembered(
    tool: Any, call: Any, folder: Path
) -> None:
    (folder / "Makefile").write_text("test:\n\techo 1..1; echo ok 1 - one\n")
    for asked in (1, 2):
        found = await tool.run(running.TestArguments(), call)
        assert (len(call.asked), call.events[-1].command) == (asked, "make test")
        assert call.events[-1].report.runner == "tap"
        assert not found.error
    (folder / "Makefile").unlink()
    with pytest.raises(ToolError, match="No command is known"):
        await tool.run(running.TestArguments(), call)


async def test_the_settings_beat_what_was_answered(tmp_path: Path, call: Any, folder: Path) -> None:
    call.answers = ["false"]
    assert (await made(tmp_path).run(running.TestArguments(), call)).error
    tool = made(tmp_path, commands={str(folder.parent): "echo 1..1; echo ok 1", str(folder / "else"): "false"})
    assert not (await tool.run(running.TestArguments(), call)).error
    assert len(call.asked) == 1


def test_the_kernels_deadline_is_later(tool: Any) -> None:
    assert tool.seconds(running.TestArguments()) > 600
    assert tool.seconds(running.TestArguments(seconds=1e9)) == tool.seconds(running.TestArguments(seconds=3600))
    assert tool.seconds(running.TestArguments(seconds=float("nan"))) == tool.seconds(running.TestArguments())
