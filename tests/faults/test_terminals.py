"""Programs that misbehave in every way that a terminal offers: each ends in time, bounded, and nothing is left."""

from __future__ import annotations

import os
import resource
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trio

from pillion import events as e
from pillion_terminal.terminal import KEPT

from ..core.test_processes import DAEMON, HOPPER, STUBBORN, grown, is_over
from ..plugins.terminal.terminalkit import BOUND, Desk, appear, desk, running, unique

LONG = bool(os.environ.get("PILLION_LONG"))
FLOOD = 10 * 1024**3 if LONG else 64 * 1024**2
"""Bytes of the flood; the long form is `PILLION_LONG=1`."""
MEMORY = 200 * 1024
"""KiB by which this process may grow meanwhile: what is kept of one result for people to read, a few times over."""
WAYS = {
    "job": {"background": True},
    "job on a pty": {"background": True, "pty": True},
    "shell": {"shell": "a"},
    "shell on a pty": {"shell": "a", "pty": True},
}
TREES = {
    "background": "sleep {n} & setsid sleep {n} & nohup sleep {n} >/dev/null 2>&1 & (sleep {n} &); echo held",
    "daemon": "{python} -c '{daemon}' {n}; env -i setsid sleep {n} & disown; setsid nohup sleep {n} & echo held",
    "stubborn": "for i in 1 2 3; do setsid {python} -c '{stubborn}' {n} & done; trap '' TERM HUP INT; echo held",
}
NUMBER = {"background": 4, "daemon": 3, "stubborn": 3}


@pytest.fixture
async def at(tmp_path: Path) -> AsyncIterator[Desk]:
    async with desk(tmp_path) as found:
        yield found


def tree(kind: str, n: str) -> str:
    return TREES[kind].format(n=n, python=sys.executable, daemon=DAEMON, stubborn=STUBBORN)


@pytest.mark.promise("terminals.faults")
@pytest.mark.parametrize("kind", TREES)
@pytest.mark.parametrize("way", WAYS)
async def test_a_session_that_ends_takes_every_descendant_along(at: Desk, way: str, kind: str) -> None:
    n = unique()
    wait = "" if "shell" in way else "; sleep 600"
    await at.run(tree(kind, n) + wait, **WAYS[way])  # type: ignore[arg-type]
    await appear(n, NUMBER[kind])
    with trio.fail_after(BOUND):
        await at.host.kernel.delete(at.session.id)
    assert running(n) == []


@pytest.mark.promise("terminals.faults")
@pytest.mark.parametrize("way", ["by itself", "job", "job on a pty"])
async def test_who_holds_the_output_when_its_command_has_ended_is_ended(at: Desk, way: str) -> None:
    n = unique()
    text = await at.run(f"setsid sleep {n} & nohup sleep {n} & echo done", **WAYS.get(way, {}))  # type: ignore[arg-type]
    if way != "by itself":
        text += (await at.call("terminal_wait", terminal=await at.number(), seconds=BOUND)).text
    assert "done" in text and "exit code 0" in text
    assert running(n) == []


async def test_who_holds_a_shells_output_holds_up_nobody(at: Desk) -> None:
    n = unique()
    assert (await at.run(f"setsid sleep {n} & disown; echo done", shell="a")).endswith("done\n[exit code 0]")
    assert await at.run("echo more", shell="a") == "more\n[exit code 0]"
    await appear(n, 1)  # a shell may have something running beside its commands


@pytest.mark.alone
@pytest.mark.promise("terminals.faults")
@pytest.mark.parametrize("way", WAYS)
async def test_a_fork_bomb_ends(at: Desk, tmp_path: Path, way: str) -> None:
    script, n = tmp_path / "hopper", unique()
    script.write_text(HOPPER)
    script.chmod(0o755)
    try:
        command = f"STOP={tmp_path}/stop ./hopper 4 0 {n} & sleep 600"
        with trio.fail_after(BOUND):
            accepted = await at.session.call_tool("run_command", {"command": command} | WAYS[way])
            await grown(tmp_path / "stop.grown")
            await at.host.kernel.delete(at.session.id)
        assert await is_over(tmp_path / "stop.grown")
        assert running(n) == []
        assert accepted.turn
    finally:
        (tmp_path / "stop").touch()


@pytest.mark.alone
@pytest.mark.promise("terminals.faults")
@pytest.mark.parametrize("way", ["by itself", *WAYS])
async def test_a_flood_is_drained_and_bounded(at: Desk, way: str) -> None:
    size = FLOOD // 8 if "pty" in way else FLOOD  # a terminal's own pace is some 100 MB/s at best
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds = 1200 if LONG else BOUND
    command = f"yes | head -c {size}; echo end"
    found = await flooded(at, command, seconds, WAYS.get(way, {}))  # type: ignore[arg-type]
    assert "end\n" in found[-300:] and "exit code 0" in found[-100:]
    for terminal in at.terminals.all(at.session):
        assert (terminal.ring.end >= size, terminal.ring.end - terminal.ring.start) == (True, KEPT)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MEMORY


async def flooded(at: Desk, command: str, seconds: float, way: dict[str, object]) -> str:
    arguments = {"command": command, "seconds": seconds} | way
    with trio.fail_after(2 * seconds):
        text = await one(at, "run_command", arguments)
        if "background" in way:
            text += await one(at, "terminal_wait", {"terminal": await at.number(), "seconds": seconds})
    return text


async def one(at: Desk, tool: str, arguments: dict[str, object]) -> str:
    accepted = await at.session.call_tool(tool, arguments, when="queue")
    await at.session.ended(accepted.turn, accepted.after)
    return [event for event in await at.events(accepted.after) if isinstance(event, e.ToolFinished)][-1].text


SSH = """
import getpass, sys
for _ in range(3):
    if getpass.getpass("user@host's password: ") == "right": print("in"); sys.exit(0)
    print("Permission denied, please try again.")
sys.exit(255)
"""


@pytest.mark.promise("terminals.faults")
@pytest.mark.parametrize(
    "command", ["read x", f"{sys.executable} -q -i", "git init -q . && git commit --allow-empty", "cat"]
)
async def test_a_prompt_without_anybody_to_answer_ends_by_itself(at: Desk, command: str) -> None:
    found = await at.run(f"unset EDITOR VISUAL GIT_EDITOR; {command}", seconds=BOUND / 2)
    assert "exit code" in found and "stopped" not in found


@pytest.mark.promise("terminals.faults")
async def test_a_password_is_asked_for_on_a_terminal_and_answered(at: Desk, tmp_path: Path) -> None:
    (tmp_path / "ssh.py").write_text(SSH)
    found = await at.run(f"{sys.executable} ssh.py", pty=True, seconds=BOUND)
    assert "password: \n" in found and "waits for input" in found
    number = await at.number()
    assert "try again" in (await at.call("terminal_write", terminal=number, text="wrong")).text
    assert "in\n" in (await at.call("terminal_write", terminal=number, text="right")).text


async def test_an_editor_that_git_opens_is_told_of_or_is_none(at: Desk) -> None:
    command = "git init -q . && EDITOR= VISUAL= git -c user.name=a -c user.email=a@b commit --allow-empty"
    found = await at.run(command, pty=True, seconds=BOUND)
    assert "wait for input" in found or "has ended: exit code" in found


ATTACKS = {
    "title": b"\x1b]0;owned\x07\x1b]2;owned\x1b\\",
    "clipboard": b"\x1b]52;c;b3duZWQ=\x07",
    "hyperlink": b"\x1b]8;;http://evil.example/\x1b\\safe\x1b]8;;\x1b\\",
    "dcs": b"\x1bP+q544e\x1b\\\x1bP1$r0m\x1b\\\x1b_apc\x1b\\\x1b^pm\x1b\\\x1bXsos\x1b\\",
    "queries": b"\x1b[6n\x1b[c\x1b[>c\x1b]10;?\x07\x1b[21t\x1bZ\x05",
    "c1": "\x9b31m\x9d0;t\x9c\x90q\x9c".encode(),
    "cursor": b"\x1b[2J\x1b[1;1H\x1b[?1049h\x1b[3J",
    "unfinished": b"\x1b]0;",
}
SAFE = b"before \xc3\xa4 "


@pytest.mark.promise("terminals.escapes")
@pytest.mark.parametrize("way", ["by itself", *WAYS])
@pytest.mark.parametrize("attack", ATTACKS)
async def test_no_escape_sequence_reaches_the_model_or_who_watches_the_call(
    at: Desk, tmp_path: Path, attack: str, way: str
) -> None:
    data = SAFE + ATTACKS[attack] + b" after\n"
    slowly = f"import os\nfor one in {data!r}: os.write(1, bytes([one]))\n"
    (tmp_path / "attack.py").write_text(slowly)
    after = str(at.session.head)
    text = await at.run(f"{sys.executable} attack.py", **WAYS.get(way, {}))  # type: ignore[arg-type]
    if "job" in way:
        text += (await at.call("terminal_wait", terminal=await at.number())).text
    shown = "".join(event.text for event in await at.events(after) if isinstance(event, e.ToolFinished))
    for seen in (text, shown):
        assert not {letter for letter in seen if letter in "\x1b\x9b\x9d\x90\x05\x07"}, seen
    assert "before ä" in text
    for terminal in at.terminals.all(at.session):
        assert ATTACKS[attack] in terminal.ring.since(0), "a person has it as it came"


async def test_nobody_answers_a_query_of_the_terminal(at: Desk) -> None:
    """An answer would be typed into the program, or the next one."""
    command = r"stty raw -echo; printf '\033[6n\033[c\033]52;c;?\007\005'; read -t 1 -n 1 x; echo code $?"
    assert "code 142" in await at.run(command, pty=True, seconds=BOUND)
