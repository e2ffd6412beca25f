"""The first tools and the policy through a kernel: a session reads, edits and runs, and is stopped."""

from __future__ import annotations

import itertools
import random
from pathlib import Path

import trio

from pillion import events as e
from pillion.testing.kit import Host, events, kernel_host
from pillion.testing.scripted import ScriptedProvider, calls, says
from pillion_approvals.plugin import Config as ApprovalsConfig
from pillion_approvals.plugin import Plugin as Approvals
from pillion_approvals.rule import Rule
from pillion_edit.plugin import Config as EditConfig
from pillion_edit.plugin import Plugin as Edit
from pillion_files.plugin import Config as FilesConfig
from pillion_files.plugin import Plugin as Files
from pillion_terminal.plugin import Config as TerminalConfig
from pillion_terminal.plugin import Plugin as Terminal

UNIQUE = itertools.count(random.randrange(10**6, 10**9))


def plugins(*rules: Rule) -> dict[str, object]:
    return {
        "files": Files(FilesConfig()),
        "edit": Edit(EditConfig()),
        "terminal": Terminal(TerminalConfig()),
        "approvals": Approvals(ApprovalsConfig(rules=rules)),
    }


ALLOW = Rule("allow", tool="edit_file"), Rule("allow", tool="run_command")


def running(word: str) -> list[Path]:
    return [found for found in Path("/proc").glob("[0-9]*/cmdline") if word in _words(found)]


def _words(cmdline: Path) -> list[str]:
    try:
        return cmdline.read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return []


async def results(host: Host, prompt: str) -> list[e.ToolFinished]:
    session = await host.open()
    with trio.fail_after(60):
        await host.run(session, prompt)
    return [event for event in await events(session) if isinstance(event, e.ToolFinished)]


async def test_reads_edits_runs(tmp_path: Path) -> None:
    (tmp_path / "sum.py").write_text("def add(a, b):\n    return a - b\n")
    provider = ScriptedProvider(
        calls(("search", '{"pattern": "return"}'), ("read_file", '{"path": "sum.py"}')),
        calls(("edit_file", '{"path": "sum.py", "old": "a - b", "new": "a + b"}')),
        calls(("run_command", '{"command": "cat sum.py"}')),
        says("done"),
    )
    async with kernel_host(tmp_path, provider=provider, plugins=plugins(*ALLOW)) as host:
        found = await results(host, "mend it")
    assert [result.error for result in found] == [False] * 4
    assert {found[0].text, found[1].text} == {"sum.py:2:    return a - b", "def add(a, b):\n    return a - b\n"}
    assert found[3].text == "def add(a, b):\n    return a + b\n[exit code 0]"


async def test_a_denied_command_does_not_run(tmp_path: Path) -> None:
    provider = ScriptedProvider(calls(("run_command", '{"command": "ls && touch made"}')), says("well"))
    rules = (*ALLOW, Rule("deny", command="touch", reason="no new files"))
    async with kernel_host(tmp_path, provider=provider, plugins=plugins(*rules)) as host:
        [found] = await results(host, "go")
    assert (found.error, found.code) == (True, "denied")
    assert "no new files" in found.text
    assert not (tmp_path / "made").exists()


async def test_a_cancelled_turn_leaves_no_process(tmp_path: Path) -> None:
    n = str(next(UNIQUE))
    command = f"sleep {n} & setsid sleep {n} & nohup sleep {n} & (setsid sleep {n} &) ; sleep {n}"
    provider = ScriptedProvider(calls(("run_command", f'{{"command": "{command}"}}')))
    async with kernel_host(tmp_path, provider=provider, plugins=plugins(*ALLOW)) as host:
        session = await host.open()
        with trio.fail_after(40):
            accepted = await session.prompt("go")
            while len(running(n)) < 5:  # noqa: ASYNC110 - another process can't set an event
                await trio.sleep(0.01)
            await session.cancel()
            ended = await session.ended(accepted.turn, accepted.after)
        assert isinstance(ended, e.TurnCancelled)
        assert running(n) == []
