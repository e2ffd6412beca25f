"""`pillion chat` in a real terminal program (tmux), and completion in the real shells."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio

from pillion_runtime.testing import Reply, Silence, call

from ...required import required

BOUND = 40


class Pane:
    """A terminal of tmux, 90 by 30, with the program on it."""

    def __init__(self, socket: Path) -> None:
        self._tmux = ["tmux", "-S", str(socket)]

    async def run(self, *words: str) -> str:
        done = await trio.run_process([*self._tmux, *words], capture_stdout=True, stderr=subprocess.STDOUT)
        return done.stdout.decode()

    async def keys(self, *keys: str) -> None:
        await self.run("send-keys", "-t", "it", *keys)

    async def screen(self) -> str:
        return await self.run("capture-pane", "-t", "it", "-p", "-J")

    async def until(self, text: str, times: int = 1) -> str:
        """Waits until the screen shows `text`."""
        seen = ""
        with trio.move_on_after(BOUND):
            while (seen := await self.screen()).count(text) < times:  # noqa: ASYNC110 - tmux tells nobody
                await trio.sleep(0.05)
        assert seen.count(text) >= times, seen
        return seen


@asynccontextmanager
async def tmux(cli: Any, *words: str) -> AsyncIterator[Pane]:
    required("tmux", hint="Debian's package of that name")
    pane = Pane(cli.folder / "tmux")
    command = [sys.executable, "-m", "pillion_runtime.cli.main", *words]
    settings = [f"{name}={value}" for name, value in cli.variables.items() if name not in ("COLUMNS",)]
    await pane.run(
        "-f", "/dev/null", "new-session", "-d", "-s", "it", "-x", "90", "-y", "30", "-c", str(cli.workspace),
        "env", *settings, *command, ";", "set-option", "-g", "remain-on-exit", "on",
    )  # fmt: skip
    try:
        yield pane
    finally:
        with trio.CancelScope(shield=True):
            await trio.run_process(["tmux", "-S", str(cli.folder / "tmux"), "kill-server"], check=False)


@pytest.mark.promise("cli.chat")
async def test_a_chat_streams_stops_obeys_and_remembers(cli: Any, scripted: Any) -> None:
    scripted.says(
        Reply(text=("It is ", "**bold**.")),
        Reply(text=("Let me ", "think"), fault=Silence(after=2)),
        Reply(text=("Again.",)),
    )
    async with tmux(cli, "chat") as pane:
        await pane.until("Ctrl-D leaves")
        await pane.keys("first prompt", "Enter")
        await pane.until("It is bold.")
        await pane.until("✓")
        await pane.keys("second", "Enter")
        await pane.until("think")
        await pane.keys("C-c")
        await pane.until("Interrupted")
        await pane.keys("/modl", "Enter")
        await pane.until("Did you mean /model?")
        await pane.keys("Up", "Up", "Up")
        await pane.until("› first prompt", 2)
        await pane.keys("Enter")
        await pane.until("Again.")
        await pane.keys("C-d")
        await pane.until("Pane is dead")
    history = cli.data_dir / "chat_history"
    assert "first prompt" in history.read_text()
    assert history.stat().st_mode & 0o077 == 0


@pytest.mark.promise("cli.approval")
async def test_an_approval_is_answered_with_one_key(cli: Any, scripted: Any) -> None:
    writes = Reply(text="I write.", calls=(call("write_note", path="note.txt", text="remember"),))
    scripted.says(writes, Reply(text="Done."))
    async with tmux(cli, "chat") as pane:
        await pane.until("Ctrl-D leaves")
        await pane.keys("write it", "Enter")
        await pane.until("[y]es, [n]o")
        await pane.keys("y")
        await pane.until("Done.")
    assert (cli.workspace / "note.txt").read_text() == "remember"


COMPLETIONS = {
    "bash": "source <(pillion completion bash); COMP_WORDS=(pillion sess); COMP_CWORD=1; "
    '_pillion_completion pillion; echo "${COMPREPLY[@]}"',
    "zsh": 'autoload -U compinit; compinit -D; eval "$(pillion completion zsh)"; '
    "COMP_WORDS='pillion sess' COMP_CWORD=1 _PILLION_COMPLETE=zsh_complete pillion",
    "fish": "pillion completion fish | source; complete -C 'pillion sess'",
}


@pytest.mark.promise("cli.completion")
@pytest.mark.parametrize("shell", COMPLETIONS)
async def test_a_shell_completes_commands(cli: Any, shell: str) -> None:
    required(shell, hint="Debian's package of that name")
    folder = cli.folder / "bin"
    folder.mkdir()
    (folder / "pillion").write_text(f'#!/bin/sh\nexec {sys.executable} -m pillion_runtime.cli.main "$@"\n')
    (folder / "pillion").chmod(0o755)
    environment = cli.variables | {"PATH": f"{folder}:{cli.variables['PATH']}"}
    with trio.fail_after(BOUND):
        done = await trio.run_process(
            [shell, "-c", COMPLETIONS[shell]], env=environment, capture_stdout=True, capture_stderr=True, check=False
        )
    assert "sessions" in done.stdout.decode(), done


@pytest.mark.promise("cli.completion")
async def test_ids_of_the_live_server_complete(cli: Any) -> None:
    async with cli.serving():
        session = str((await cli.run("run", "--json", "hello")).events()[0]["session"])
        words = {"COMP_WORDS": f"pillion sessions show {session[:4]}", "COMP_CWORD": "3"}
        ended = await cli.run(_PILLION_COMPLETE="bash_complete", **words)
    assert session in ended.out, ended
