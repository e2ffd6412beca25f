"""Completion, with Tab in the real shells."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import trio

from ...required import required
from .tmux import tmux

SHELLS = {
    "bash": ("bash --norc --noprofile", "PS1='$ '; eval \"$(pillion completion bash)\""),
    "zsh": ("zsh -f", "PS1='$ '; autoload -U compinit; compinit -u -D; eval \"$(pillion completion zsh)\""),
    "fish": ("fish --no-config", "function fish_prompt; echo '$ '; end; pillion completion fish | source"),
}


@pytest.mark.promise("cli.completion")
@pytest.mark.parametrize("shell", [*SHELLS])
async def test_tab_completes_commands_options_and_what_the_server_knows(cli: Any, shell: str) -> None:
    required(shell, hint=f"apt install {shell}")
    start, set_up = SHELLS[shell]
    async with cli.serving():
        assert (await cli.run("run", "hello")).code == 0
        id = json.loads((await cli.run("sessions", "list", "--json")).out)[0]["id"]
        async with tmux(cli.folder, start, cli.variables, width=120) as terminal:
            await terminal.say(f"{set_up}; clear; echo rea''dy")
            await terminal.until("ready")
            for typed, completed in (
                ("pillion sess", "pillion sessions"),
                ("pillion sessions sh", "pillion sessions show"),
                ("pillion run --ephe", "pillion run --ephemeral"),
                (f"pillion watch {id[:4]}", f"pillion watch {id}"),
                ("pillion run -m loc", "pillion run -m local/scripted"),
                ("pillion plugins disable des", "pillion plugins disable desk"),
            ):
                await terminal.type(typed)
                await terminal.press("Tab")
                await terminal.until(completed)
                await terminal.press("C-u")


async def test_it_is_quick_and_says_nothing_without_a_server(cli: Any) -> None:
    """Neither the kernel nor the web framework is imported."""
    asked = {"COMP_WORDS": "pillion watch ", "COMP_CWORD": "2", "_PILLION_COMPLETE": "bash_complete"}
    said = "import sys; from pillion_runtime.cli.main import main\ntry: main()\n"
    said += "finally: print(sorted({'trio', 'quart', 'rich', 'pillion'} & set(sys.modules)), file=sys.stderr)"
    with trio.fail_after(40):
        done = await trio.run_process(
            [sys.executable, "-c", said], capture_stdout=True, capture_stderr=True, env=cli.variables | asked
        )
    assert (done.stdout.strip(), done.stderr) == (b"", b"[]\n")


async def test_plugins_are_known_without_a_server(cli: Any) -> None:
    asked = {"COMP_WORDS": "pillion plugins disable lo", "COMP_CWORD": "3", "_PILLION_COMPLETE": "bash_complete"}
    with trio.fail_after(40):
        done = await trio.run_process(
            [str(Path(sys.executable).with_name("pillion"))], capture_stdout=True, env=cli.variables | asked
        )
    assert done.stdout.decode().split() == ["plain,loop"]
