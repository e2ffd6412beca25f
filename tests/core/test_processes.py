"""Real processes: what they print, when they end, and that none of their descendants is left."""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import signal
import sys
from pathlib import Path

import pytest
import trio

from pillion.errors import ToolError
from pillion.processes import Kept, Processes, Size
from pillion.processtree import VARIABLE, find_groups

ENVIRONMENT = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
UNIQUE = itertools.count(random.randrange(10**6, 10**9))
WAYS = [
    pytest.param(True, marks=pytest.mark.skipif(find_groups() is None, reason="no cgroup v2 can be made here")),
    False,
]

DAEMON = """
import os, sys, time
if os.fork(): os._exit(0)
os.setsid()
if os.fork(): os._exit(0)
os.closerange(0, 3)
os.execve("/bin/sleep", ["sleep", sys.argv[1]], {})
"""
STUBBORN = """
import signal, time, sys
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP): signal.signal(number, signal.SIG_IGN)
print("ready", flush=True)
time.sleep(int(sys.argv[1]))
"""


@pytest.fixture(params=WAYS, ids=["cgroup", "no_cgroup"])
def processes(request: pytest.FixtureRequest) -> Processes:
    return Processes(ENVIRONMENT, groups=request.param)


def unique() -> str:
    """Seconds to sleep, as nobody else sleeps: a process is found by them."""
    return str(next(UNIQUE))


def running(word: str) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                if word in entry.joinpath("cmdline").read_bytes().decode(errors="replace").split("\0"):
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


def children() -> set[int]:
    """Also those that have ended and wait to be reaped."""
    found = set()
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if entry.read_text().rpartition(") ")[2].split()[1] == str(os.getpid()):
                found.add(int(entry.parent.name))
    return found


async def appear(word: str, number: int) -> None:
    with trio.fail_after(20):
        while len(running(word)) < number:  # noqa: ASYNC110 - another process can't set an event
            await trio.sleep(0.005)


async def test_run_tells_code_and_output(processes: Processes, tmp_path: Path) -> None:
    ended = await processes.run(["sh", "-c", "printf out; printf err >&2; exit 3"], cwd=tmp_path, seconds=10)
    assert (ended.code, ended.output, ended.cut, ended.timed_out, ended.left) == (3, "outerr", 0, False, 0)


async def test_a_signal_is_a_negative_code(processes: Processes, tmp_path: Path) -> None:
    ended = await processes.run(["sh", "-c", "kill -KILL $$"], cwd=tmp_path, seconds=10)
    assert ended.code == -signal.SIGKILL


async def test_the_environment_is_only_what_was_passed(tmp_path: Path) -> None:
    os.environ["PILLION_TEST_LEAK"] = "leaked"
    try:
        ended = await Processes({"A": "1"}).run(["/usr/bin/env"], cwd=tmp_path, seconds=10, extra={"B": "2"})
    finally:
        del os.environ["PILLION_TEST_LEAK"]
    assert {line.partition("=")[0] for line in ended.output.splitlines()} == {"A", "B", VARIABLE}


async def test_no_terminal_no_input_an_own_session(processes: Processes, tmp_path: Path) -> None:
    script = "import os, sys; print(os.getsid(0) == os.getpid(), sys.stdin.read() == '', os.isatty(1))"
    ended = await processes.run([sys.executable, "-c", script], cwd=tmp_path, seconds=10)
    assert ended.output == "True True False\n"


async def test_input_larger_than_a_pipe(processes: Processes, tmp_path: Path) -> None:
    ended = await processes.run(["wc", "-c"], cwd=tmp_path, seconds=10, stdin=b"x" * 1_000_000)
    assert ended.output.strip() == "1000000"


@pytest.mark.parametrize("argv", [["/nowhere/at-all"], ["no-such-program-here"], ["a\0b"], []])
async def test_what_cannot_start_is_a_tool_error(processes: Processes, tmp_path: Path, argv: list[str]) -> None:
    with pytest.raises(ToolError):
        await processes.run(argv, cwd=tmp_path, seconds=10)


async def test_a_flood_is_drained_and_bounded(processes: Processes, tmp_path: Path) -> None:
    script = "import sys\nprint('first', flush=True)\nfor _ in range(800): sys.stdout.write('x' * 65536)\nprint('last')"
    ended = await processes.run([sys.executable, "-c", script], cwd=tmp_path, seconds=25, limit=10_000)
    assert ended.code == 0
    assert ended.output.startswith("first\nxxx")
    assert ended.output.endswith("xxxlast\n")
    assert ended.cut == 6 + 800 * 65536 + 5 - 10_000
    assert f"\n… {ended.cut} bytes left out …\n" in ended.output


async def test_output_is_told_as_it_comes(processes: Processes, tmp_path: Path) -> None:
    told: list[str] = []
    command = "printf '\\303'; sleep 0.05; printf '\\244\\377no newline'"
    ended = await processes.run(["sh", "-c", command], cwd=tmp_path, seconds=10, on_output=told.append)
    assert "".join(told) == ended.output == "ä\ufffdno newline"


def test_a_cut_never_halves_a_character() -> None:
    kept = Kept(9)
    for _ in range(100):
        kept.add("äöü€".encode())
    assert kept.text() == "äö\n… 891 bytes left out …\nü€"


TREES = {
    "background": "sleep {n} & sleep {n} & setsid sleep {n} & nohup sleep {n} >/dev/null 2>&1 & (sleep {n} &)",
    "daemon": "for i in 1 2; do {python} -c '{daemon}' {n}; done; sleep {n} & setsid sleep {n} & env -i sleep {n} &",
    "stubborn": "for i in 1 2 3 4 5; do setsid {python} -c '{stubborn}' {n} & done",
}


def tree(kind: str, n: str) -> list[str]:
    values = {"n": n, "python": sys.executable, "daemon": DAEMON, "stubborn": STUBBORN}
    return ["bash", "-c", TREES[kind].format(**values) + "\nwait"]


@pytest.mark.parametrize("kind", list(TREES))
async def test_leaving_ends_every_descendant(processes: Processes, tmp_path: Path, kind: str) -> None:
    n = unique()
    async with processes.start(tree(kind, n), cwd=tmp_path):
        await appear(n, 5)
    assert running(n) == []


@pytest.mark.parametrize("kind", list(TREES))
async def test_cancel_ends_every_descendant(processes: Processes, tmp_path: Path, kind: str) -> None:
    n = unique()
    with trio.fail_after(30):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(lambda: processes.run(tree(kind, n), cwd=tmp_path, seconds=600))
            await appear(n, 5)
            nursery.cancel_scope.cancel()
    assert running(n) == []


async def test_an_exception_ends_every_descendant(processes: Processes, tmp_path: Path) -> None:
    n = unique()
    with pytest.raises(ZeroDivisionError):  # noqa: PT012
        async with processes.start(tree("background", n), cwd=tmp_path):
            await appear(n, 5)
            raise ZeroDivisionError
    assert running(n) == []


async def test_the_deadline_ends_it(processes: Processes, tmp_path: Path) -> None:
    n = unique()
    ended = await processes.run(["sh", "-c", f"echo begun; sleep {n}; echo never"], cwd=tmp_path, seconds=2)
    assert (ended.timed_out, ended.output) == (True, "begun\n")
    assert ended.code == -signal.SIGTERM
    assert running(n) == []


async def test_a_held_pipe_does_not_keep_the_result(processes: Processes, tmp_path: Path) -> None:
    n = unique()
    ended = await processes.run(["sh", "-c", f"setsid sleep {n} & echo done"], cwd=tmp_path, seconds=20)
    assert (ended.code, ended.output, ended.timed_out) == (0, "done\n", False)
    assert running(n) == []


HOPPER = """#!/bin/sh
# A process that is always gone before it is looked at: each starts its successors and ends. It tires after 2000 hops.
[ -e "$STOP" ] || [ $2 -gt 2000 ] && exit
[ $1 -gt 0 ] || : >"$STOP.grown"
setsid $0 $(($1 - 1)) $(($2 + 1)) $3 &
[ $1 -gt 0 ] && setsid $0 $(($1 - 1)) $(($2 + 1)) $3 &
sleep 0.02
"""


async def grown(flag: Path) -> None:
    """Waits until a hopper has all its chains; counting them would lose, as each is gone before /proc is read."""
    with trio.fail_after(60):
        while not await trio.Path(flag).exists():  # noqa: ASYNC110 - another process can't set an event
            await trio.sleep(0.01)


async def is_over(flag: Path) -> bool:
    """Whether no hop comes in the time of some fifty: each makes the flag again."""
    await trio.Path(flag).unlink()
    await trio.sleep(1)
    return not await trio.Path(flag).exists()


@pytest.mark.alone
async def test_a_fork_bomb_ends(processes: Processes, tmp_path: Path) -> None:
    script, n = tmp_path / "hopper", unique()
    script.write_text(HOPPER)
    script.chmod(0o755)
    try:
        async with processes.start([str(script), "4", "0", n], cwd=tmp_path, extra={"STOP": str(tmp_path / "stop")}):
            await grown(tmp_path / "stop.grown")
        assert await is_over(tmp_path / "stop.grown")
        assert running(n) == []
    finally:
        (tmp_path / "stop").touch()


async def test_trees_do_not_end_each_other(processes: Processes, tmp_path: Path) -> None:
    one, other = unique(), unique()
    async with processes.start(tree("daemon", one), cwd=tmp_path):
        await appear(one, 5)
        async with processes.start(tree("daemon", other), cwd=tmp_path):
            await appear(other, 5)
        assert (running(other), len(running(one))) == ([], 5)
    assert running(one) == []


async def test_nothing_is_left_to_reap(processes: Processes, tmp_path: Path) -> None:
    n, before = unique(), children()
    async with processes.start(tree("daemon", n), cwd=tmp_path):
        await appear(n, 5)
    assert children() == before


async def test_an_open_input_is_written_to_and_closed(processes: Processes, tmp_path: Path) -> None:
    async with processes.start(["cat"], cwd=tmp_path, open_input=True) as process:
        await process.write(b"one ")
        await process.write(b"two")
        await process.close_input()
        assert b"".join([piece async for piece in process]) == b"one two"
        assert await process.wait() == 0
        with pytest.raises(ToolError):
            await process.write(b"three")


async def test_a_terminal_is_its_own_controlling_one_of_the_size_that_is_asked(tmp_path: Path) -> None:
    script = "trap 'stty size; exit 7' WINCH; tty; stty size; exec 9</dev/tty && echo mine; sleep 20 & wait"
    starting = Processes(ENVIRONMENT).start(["bash", "-c", script], cwd=tmp_path, terminal=Size(30, 100))
    said = b""
    async with starting as process:
        with trio.fail_after(20):
            async for piece in process:
                said += piece
                if b"mine" in said and said.count(b"\n") == 3:
                    assert process.foreground == process.pid
                    process.resize(Size(50, 132))
        assert await process.wait() == 7
    assert said.startswith(b"/dev/pts/") and b"\r\n30 100\r\nmine\r\n" in said and said.endswith(b"50 132\r\n")


async def test_descriptors_are_handed_on_under_their_numbers_and_no_others(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    try:
        starting = Processes(ENVIRONMENT).start(
            ["sh", "-c", f"echo told >/dev/fd/{writing}"], cwd=tmp_path, passing=[writing]
        )
        async with starting as process:
            assert await process.wait() == 0
        assert os.read(reading, 100) == b"told\n"
    finally:
        os.close(reading)
        os.close(writing)
