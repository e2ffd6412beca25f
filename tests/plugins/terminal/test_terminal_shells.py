"""Shells that stay: what one command leaves for the next, how each one's end is found, and how one is stopped."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trio
import trio.testing

from pillion import events as e
from pillion_terminal.events import TerminalEnded, TerminalStarted
from pillion_terminal.plugin import Config

from ...required import required
from .terminalkit import BOUND, Desk, appear, desk, running, unique


@pytest.fixture
async def at(tmp_path: Path) -> AsyncIterator[Desk]:
    (tmp_path / "sub").mkdir()
    async with desk(tmp_path) as found:
        yield found


@pytest.fixture(params=[False, True], ids=["pipe", "pty"])
def pty(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


async def test_folder_variables_and_functions_stay(at: Desk, tmp_path: Path, pty: bool) -> None:
    text = await at.run("cd sub; x=5; f() { echo f $x; }; export Y=6; shopt -s nullglob", shell="a", pty=pty)
    assert text == f"[exit code 0, now in {tmp_path}/sub, no output]"
    assert await at.run("f; pwd; bash -c 'echo $Y'; echo *.none", shell="a") == f"f 5\n{tmp_path}/sub\n6\n[exit code 0]"
    assert await at.run("echo ${x-unset}", shell="b") == "unset\n[exit code 0]"
    assert await at.run("pwd", shell="c", folder="sub") == f"{tmp_path}/sub\n[exit code 0]"


LOW = """
import os, sys, trio
from pathlib import Path
from tests.plugins.terminal.terminalkit import desk
async def main():
    for held in range(9):
        low = [os.open("/dev/null", os.O_RDONLY) for _ in range(held)]
        async with desk(Path(sys.argv[1])) as at:
            print(await at.run("read -t 0 x; echo hi >&2", shell="a"))
        for one in low:
            os.close(one)
trio.run(main)
"""


async def test_a_shell_begins_whatever_numbers_its_pipes_get(tmp_path: Path) -> None:
    """In a process of its own, where the low ones are free."""
    argv = [sys.executable, "-c", LOW, str(tmp_path)]
    with trio.fail_after(2 * BOUND):
        done = await trio.run_process(argv, cwd=Path(__file__).parents[3], capture_stdout=True)
    assert done.stdout.decode() == "hi\n[exit code 0]\n" * 9


ODD = [
    ("printf 'no newline'; false", "no newline\n[exit code 1]"),
    ("printf 'a\\0b\\n'; (exit 77)", "ab\n[exit code 77]"),
    ("echo '[exit code 0]'; exit_code() { return 9; }; exit_code", "[exit code 0]\n[exit code 9]"),
    ('echo "it\'s" \'a "b" !c\' $((1 + 1)) `echo x`', 'it\'s a "b" !c 2 x\n[exit code 0]'),
    ("cat <<'X'\nhere $x\nX\necho b", "here $x\nb\n[exit code 0]"),
    ("printf() { echo mine; }; printf x; unset -f printf", "mine\n[exit code 0]"),
    ("exec 3>&1; echo three >&3; exec 3>&-", "three\n[exit code 0]"),
    ("-x", "-x: command not found\n[exit code 127]"),
    ("# nothing", "[exit code 0, no output]"),
    ("echo a; } ; echo b", "near unexpected token `}'\n[exit code 2]"),
    ("echo 'open", "unexpected EOF while looking for matching `''\n[exit code 2]"),
    ("for i in 1 2; do", "syntax error: unexpected end of file\n[exit code 2]"),
    ("printf '\\033[31mred\\033[0m\\n10%%\\r20%%\\n'", "red\n20%\n[exit code 0]"),
    ("yes | head -c 300000 | tail -c 4", "y\ny\n[exit code 0]"),
    ("for f in /proc/$$/fd/*; do :; done; for n in 0 1 2 3 4 5; do echo x >&$n; done 2>/dev/null; true", None),
]


@pytest.mark.promise("terminals.shell")
async def test_the_end_of_a_command_is_found_whatever_it_prints(at: Desk, pty: bool) -> None:
    await at.run("true", shell="a", pty=pty)
    for command, expected in ODD:
        text = await at.run(command, shell="a")
        assert text.endswith("[exit code 0]") if expected is None else text.endswith(expected), (command, text)
    assert len(at.terminals.all(at.session)) == 1, "the same shell all the while"


@pytest.mark.promise("terminals.shell")
async def test_what_looks_like_an_end_is_none(at: Desk) -> None:
    """Who writes into the descriptor that ends are told on does not know the word of this command."""
    await at.run("true", shell="a")
    (shell,) = at.terminals.all(at.session)
    pipe = f"pipe:[{os.fstat(shell._theirs_status).st_ino}]"  # type: ignore[attr-defined]
    forging = (
        f'for f in /proc/$$/fd/*; do [ "$(readlink $f)" = "{pipe}" ] && echo found && '
        "for w in '' 0 deadbeefdeadbeef; do printf '%s 0 /\\0' $w > $f; done; done; sleep 0.2; (exit 3)"
    )
    assert await at.run(forging, shell="a") == "found\n[exit code 3]"
    inherits = f'[ -z "$(readlink /proc/self/fd/* | grep -F "{pipe}")" ]'
    assert await at.run(inherits, shell="a") == "[exit code 0, no output]", "what it starts does not even get it"


@pytest.mark.promise("terminals.stopped")
async def test_a_command_that_hangs_is_stopped_and_the_shell_goes_on(at: Desk, pty: bool) -> None:
    n = unique()
    await at.run("x=5", shell="a", pty=pty)
    for command in (
        f"sleep {n}; echo never",
        "while :; do :; done",
        f"while :; do sleep {n}; done",
        f"trap '' INT; sleep {n}",
        f"python3 -c 'import signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN); time.sleep({n})'",
        f"setsid sleep {n} & sleep {n} | cat",
    ):
        text = await at.run(command, shell="a", seconds=0.4)
        assert "[stopped after 0.4 s; the shell goes on" in text, (command, text)
        assert "never" not in text
        assert await at.run("trap - INT; echo $x", shell="a") == "5\n[exit code 0]", command
    await at.session.aclose()
    assert running(n) == []


async def test_a_shell_that_heeds_nothing_goes_with_its_command(at: Desk) -> None:
    text = await at.run("trap '' INT TERM; while :; do :; done", shell="a", seconds=0.3)
    assert (
        text
        == "[stopped after 0.3 s, and the shell with it: ended by SIGKILL; the next command gets a new one, no output]"
    )
    assert await at.run("echo new", shell="a") == "new\n[exit code 0]"


async def test_exit_ends_the_shell_and_the_next_command_gets_a_new_one(at: Desk) -> None:
    await at.run("x=5", shell="a")
    assert "[the shell has ended: exit code 4; the next command gets a new one" in await at.run("exit 4", shell="a")
    assert await at.run("echo ${x-gone}", shell="a") == "gone\n[exit code 0]"
    (ended,) = await at.told(TerminalEnded)
    assert (ended.why, ended.code) == ("exited", 4)


async def test_a_command_that_asks_says_so_and_is_answered(at: Desk, pty: bool) -> None:
    text = await at.run("read -p 'name? ' name; echo hello $name", shell="a", pty=pty, seconds=BOUND)
    number = await at.number()
    assert text.endswith(
        f"[terminal {number} waits for input: give it with terminal_write{'' if pty else ', no output'}]"
    )
    busy = await at.run("echo two", shell="a")
    assert busy.startswith(f"Shell a (terminal {number}) still runs: read -p")
    said = (await at.call("terminal_write", terminal=number, text="bob")).text
    assert "hello bob\n" in said
    waited = (await at.call("terminal_wait", terminal=number)).text
    assert waited.endswith(f"[terminal {number}, shell a, is ready, last exit code 0, no output]")
    nobody = (await at.call("terminal_write", terminal=number, text="ls")).text
    assert nobody.startswith("Nothing runs in the shell a that would read it.")


async def test_ctrl_c_ends_what_a_shell_runs(at: Desk, pty: bool) -> None:
    await at.run("cat", shell="a", pty=pty)
    said = (await at.call("terminal_write", terminal=await at.number(), key="ctrl-c")).text
    assert "is ready, last exit code 130" in said, said
    assert await at.run("cat; echo end", shell="a", seconds=BOUND) != ""
    said = (await at.call("terminal_write", terminal=await at.number(), key="ctrl-d")).text
    assert "end\n" in said and "is ready" in said


@pytest.mark.promise("terminals.cancelled")
async def test_a_cancelled_turn_leaves_nothing_of_it_running(at: Desk) -> None:
    """What the turn runs in an older shell is interrupted; the shell stays."""
    n = unique()
    await at.run("x=5", shell="a")
    with trio.fail_after(BOUND):
        arguments = {"command": f"sleep {n}", "shell": "a", "seconds": 900}
        accepted = await at.session.call_tool("run_command", arguments, when="queue")
        await appear(n)
        await at.session.cancel()
        assert isinstance(await at.session.ended(accepted.turn, accepted.after), e.TurnCancelled)
    assert running(n) == []
    assert await at.run("echo $x", shell="a") == "5\n[exit code 0]"


async def test_a_shell_that_nobody_uses_ends_and_the_session_may_rest(tmp_path: Path) -> None:
    async with desk(tmp_path, config=Config(idle=0.2), defaults__rest_after=0.2) as at:
        await at.run("sleep 0.6", shell="a")
        (shell,) = at.terminals.all(at.session)
        with trio.fail_after(BOUND):
            await shell.over.wait()
            assert shell.why == "idle"
            while at.host.kernel.live():  # noqa: ASYNC110 - the sweep tells nobody
                await trio.sleep(0.05)


async def test_the_log_tells_of_a_shell(at: Desk) -> None:
    await at.run("true", shell="a", pty=True, folder="sub")
    (started,) = await at.told(TerminalStarted)
    assert started == TerminalStarted(name="a", folder="sub", pty=True)
    assert (await at.call("terminal_stop", terminal=await at.number())).text.startswith("[terminal ")
    (ended,) = await at.told(TerminalEnded)
    assert (ended.terminal, ended.why) == (await at.number(), "stopped")


async def test_a_command_for_a_shell_that_is_ending_gets_a_new_one(at: Desk) -> None:
    await at.run("trap '' TERM; x=5", shell="a")
    (old,) = at.terminals.all(at.session)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(old.stop)
        await trio.testing.wait_all_tasks_blocked()
        assert not old.over.is_set()
        assert await at.run("echo ${x-unset}", shell="a") == "unset\n[exit code 0]"
    assert [one.over.is_set() for one in at.terminals.all(at.session)] == [True, False]


async def test_what_is_no_sensible_wish_is_refused(at: Desk) -> None:
    await at.run("true", shell="a")
    for arguments, said in [
        ({"shell": "a", "background": True}, "leave out"),
        ({"shell": "a", "folder": "sub"}, "use cd"),
        ({"shell": "a", "pty": True}, "no terminal of its own"),
        ({"shell": "a b"}, "don't fit"),
        ({"shell": "a", "command": "echo \0"}, "NUL"),
    ]:
        found = await at.call("run_command", **({"command": "true"} | arguments))
        assert found.error and said in found.text, (arguments, found.text)


async def test_in_a_sandbox_a_shell_stays_is_interrupted_and_can_not_write_elsewhere(tmp_path: Path) -> None:
    required("bwrap", hint="apt-get install bubblewrap, where user namespaces are allowed")
    (tmp_path / "work").mkdir()
    async with desk(tmp_path / "work", config=Config(sandbox="required")) as at:
        for pty in (False, True):
            name, n = f"s{pty}", unique()
            assert (await at.run("x=5; mkdir -p a; cd a", shell=name, pty=pty)).startswith("[exit code 0, now in ")
            text = await at.run(f"sleep {n}; echo never", shell=name, seconds=0.5)
            assert "[stopped after 0.5 s; the shell goes on" in text and "never" not in text, text
            assert running(n) == []
            text = await at.run(f"echo $x; touch {tmp_path}/out; touch in", shell=name)
            assert text.startswith("5\n") and text.endswith("[exit code 0]"), text
            text = await at.run("read y; echo got $y", shell=name, seconds=BOUND)
            assert "waits for input" in text, text
            assert "got it" in (await at.call("terminal_write", terminal=await at.number(), text="it")).text
    assert not (tmp_path / "out").exists() and (tmp_path / "work/a/in").exists()
