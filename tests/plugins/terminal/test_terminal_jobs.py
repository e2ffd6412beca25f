"""Jobs in the background and programs on a terminal of their own: read, answered, awaited, stopped, and ended."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import trio

from pillion import events as e
from pillion.testing.scripted import calls, says
from pillion_terminal.events import TerminalEnded, TerminalStarted
from pillion_terminal.plugin import Config
from pillion_terminal.running import CommandArguments
from pillion_terminal.terminals import ENDED
from pillion_terminal.tools import StopArguments, WriteArguments

from .terminalkit import BOUND, Desk, appear, desk, running, unique


@pytest.fixture
async def at(tmp_path: Path) -> AsyncIterator[Desk]:
    async with desk(tmp_path) as found:
        yield found


@pytest.mark.promise("terminals.kept")
async def test_a_job_outlives_its_turn_and_ends_with_its_session(at: Desk) -> None:
    n = unique()
    assert (await at.run(f"echo begun; sleep {n}", background=True)).startswith("begun\n[terminal ")
    assert running(n), "the turn is over"
    number = await at.number()
    assert (await at.call("terminal_read")).text == f"terminal {number} runs\n    echo begun; sleep {n}"
    await at.host.kernel.delete(at.session.id)
    assert running(n) == []


async def test_a_job_is_read_from_where_it_was_read_last(at: Desk, tmp_path: Path) -> None:
    await at.run("for i in 1 2 3; do echo $i; read x; done", background=True)
    number = await at.number()
    first = (await at.call("terminal_read", terminal=number)).text
    assert first.endswith(f"[terminal {number} waits for input: give it with terminal_write, no output]")
    assert (await at.call("terminal_write", terminal=number)).text.startswith("2\n[")
    assert (await at.call("terminal_write", terminal=number)).text.startswith("3\n[")
    assert (await at.call("terminal_write", terminal=number, key="ctrl-d")).text.endswith(
        "has ended: exit code 1, no output]"
    )
    gone = await at.call("terminal_write", terminal=number, text="x")
    assert (gone.error, gone.text) == (True, f"Terminal {number} has ended.")
    assert (await at.call("terminal_read", terminal=number)).text.endswith("has ended: exit code 1, no output]")


async def test_waiting_ends_with_the_job_with_a_text_and_with_the_deadline(at: Desk, tmp_path: Path) -> None:
    await at.run(
        "mkfifo go; cat go >/dev/null; printf 'it lis\\033[1mtens\\n'; cat go >/dev/null; exit 3", background=True
    )
    number = await at.number()
    late = (await at.call("terminal_wait", terminal=number, seconds=0.3)).text
    assert late == f"[terminal {number} runs; waited 0.3 s, no output]"
    await at.run("echo > go")
    found = (await at.call("terminal_wait", terminal=number, until="it listens", seconds=BOUND)).text
    assert found == f"it listens\n[terminal {number} runs]"
    await at.run("echo > go")
    assert (await at.call("terminal_wait", terminal=number, seconds=BOUND)).text.startswith(
        f"[terminal {number} has ended: exit code 3"
    )


@pytest.mark.promise("terminals.cancelled")
async def test_a_cancelled_turn_takes_its_jobs_along_and_leaves_older_ones(at: Desk) -> None:
    old, new, now = unique(), unique(), unique()
    await at.run(f"sleep {old}", background=True)
    at.host.provider.script(
        calls(("run_command", f'{{"command": "sleep {new}", "background": true}}')),
        calls(("run_command", f'{{"command": "sleep {now}", "pty": true, "seconds": 900}}')),
        says("never"),
    )
    with trio.fail_after(BOUND):
        accepted = await at.session.prompt("go")
        await appear(now)
        await at.session.cancel()
        assert isinstance(await at.session.ended(accepted.turn, accepted.after), e.TurnCancelled)
    assert (running(new), running(now), len(running(old))) == ([], [], 1)
    whys = [one.why for one in at.terminals.all(at.session)]
    assert whys == [None, "cancelled", "cancelled"]


@pytest.mark.promise("terminals.kept")
async def test_a_session_with_a_job_does_not_rest(tmp_path: Path) -> None:
    n = unique()
    async with desk(tmp_path, defaults__rest_after=0.1) as at:
        await at.run(f"sleep {n}", background=True)
        with trio.fail_after(BOUND):
            await at.host.kernel.roster.put_to_rest(-1)
            assert not await at.session.rest()
            assert running(n)
            await at.terminals.all(at.session)[0].stop()
            while at.host.kernel.live():
                await at.host.kernel.roster.put_to_rest(-1)
                await trio.sleep(0.01)


async def test_a_program_on_a_terminal_of_its_own_is_a_terminal_when_it_waits(at: Desk) -> None:
    text = await at.run(
        "tty >/dev/null && stty size; read -s -p 'password: ' x; echo; echo \"<$x>\"", pty=True, seconds=BOUND
    )
    number = await at.number()
    assert text == f"24 80\npassword: \n[terminal {number} waits for input: give it with terminal_write]"
    said = (await at.call("terminal_write", terminal=number, text="hush")).text
    assert said == f"\n<hush>\n[terminal {number} has ended: exit code 0]"


PROMPTS = {
    "input": f"{sys.executable} -c 'input()'",
    "getpass": f"{sys.executable} -c 'import getpass; getpass.getpass()'",
    "dev_tty": "exec </dev/null; read x </dev/tty",
    "cat": "cat | wc -c",
    "below": "sh -c 'sh -c cat'",
    "python": f"{sys.executable} -q -i",
    "keys": f"{sys.executable} -c 'import sys, tty, select; tty.setraw(0); select.select([0], [], [])'",
    "select": f"{sys.executable} -c 'import select; select.select([0], [], [])'",
    "poll": f"{sys.executable} -c 'import select; p = select.poll(); p.register(0, select.POLLIN); p.poll()'",
    "epoll": f"{sys.executable} -c 'import select; p = select.epoll(); p.register(0, select.EPOLLIN); p.poll()'",
}


@pytest.mark.promise("terminals.waits")
@pytest.mark.parametrize("which", PROMPTS)
async def test_whoever_waits_for_input_on_a_terminal_is_found(at: Desk, which: str) -> None:
    text = await at.run(PROMPTS[which], pty=True, seconds=BOUND)
    wanted = "may wait for input" if which in ("python", "keys", "select", "poll", "epoll") else "waits for input"
    assert wanted in text, text


SLEEPS = f"{sys.executable} -c 'import time; time.sleep(1)'"
OTHERS = f"{sys.executable} -c 'import os, select; r, w = os.pipe(); select.select([r], [], [], 3)'"
"""Waits for another one, longer than it takes to be believed in."""


@pytest.mark.promise("terminals.waits")
@pytest.mark.parametrize("command", ["sleep 1", "sleep 1 | cat", SLEEPS, OTHERS])
@pytest.mark.parametrize("pty", [False, True], ids=["pipe", "pty"])
async def test_whoever_only_takes_time_is_not(at: Desk, command: str, pty: bool) -> None:
    assert (await at.run(command, shell="a", pty=pty)) == "[exit code 0, no output]"


async def test_a_pty_command_that_takes_too_long_is_stopped(at: Desk) -> None:
    n = unique()
    assert await at.run(f"echo begun; sleep {n}", pty=True, seconds=0.4) == "begun\n[stopped after 0.4 s]"
    assert running(n) == []


async def test_old_terminals_are_forgotten(at: Desk) -> None:
    for _ in range(ENDED + 2):
        await at.run("true", background=True)
    assert len(at.terminals.all(at.session)) == ENDED
    unknown = await at.call("terminal_stop", terminal=1)
    assert unknown.text.startswith("There is no terminal 1 in this session. There are: ")


async def test_the_living_ones_are_bounded(tmp_path: Path) -> None:
    async with desk(tmp_path, config=Config(terminals=2)) as at:
        for _ in range(2):
            await at.run("sleep 600", background=True)
        one_more = await at.call("run_command", command="true", shell="a")
        assert one_more.code == "busy", one_more
        await at.call("terminal_stop", terminal=await at.number())
        assert await at.run("true", shell="a") == "[exit code 0, no output]"


async def test_what_can_not_start_leaves_no_terminal(at: Desk, tmp_path: Path) -> None:
    await at.run("mkdir -m 0 closed; true")
    (tmp_path / "gone").mkdir()
    at.plugin._tools[0]._shell = "/nowhere/sh"  # type: ignore[attr-defined]
    failed = await at.call("run_command", command="true", background=True)
    assert failed.error and failed.text.startswith("/nowhere/sh can't be started: ")
    assert at.terminals.all(at.session) == []
    (ended,) = await at.told(TerminalEnded)
    assert (ended.why, ended.code) == ("failed", None)


async def test_the_log_says_what_began_and_how_it_ended(at: Desk) -> None:
    await at.run("printf abc; exit 3", background=True)
    (started,), (ended,) = await at.told(TerminalStarted), await at.told(TerminalEnded)
    assert started == TerminalStarted(command="printf abc; exit 3")
    assert (ended.terminal, ended.why, ended.code, ended.output) == (await at.number(), "exited", 3, 3)


async def test_switched_off_the_plugin_ends_what_it_started(at: Desk) -> None:
    n = unique()
    await at.run(f"sleep {n}", background=True)
    with trio.fail_after(BOUND):
        await at.host.kernel.switchboard.switch("terminal", False)
        (terminal,) = at.terminals.all(at.session)
        await terminal.over.wait()
    assert (running(n), terminal.why) == ([], "plugin")


async def test_effects_are_what_they_do(at: Desk) -> None:
    assert {tool.name: tool.effect for tool in at.plugin._tools} == {
        "run_command": "execute",
        "terminal_read": "read",
        "terminal_write": "execute",
        "terminal_wait": "read",
        "terminal_stop": "execute",
    }


async def test_previews_show_what_would_be_typed_and_where(at: Desk, call: Any) -> None:
    await at.run("cat", background=True)
    call.session, number = at.session.id, await at.number()
    tools = {tool.name: tool for tool in at.plugin._tools}
    for arguments, shown in [
        (WriteArguments(number, "rm -rf /\x1b[2J"), f"rm -rf /\\x1b[2J<enter>\n[Typed into terminal {number}, cat]"),
        (WriteArguments(number, key="ctrl-c"), f"<ctrl-c>\n[Typed into terminal {number}, cat]"),
    ]:
        assert await tools["terminal_write"].preview(arguments, call) == shown
    assert await tools["terminal_stop"].preview(StopArguments(number), call) == f"End terminal {number}: cat"
    in_shell = CommandArguments("ls", shell="a")
    assert await tools["run_command"].preview(in_shell, call) == "ls\n[In the shell a]"
