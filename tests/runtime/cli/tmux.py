"""A terminal as a person has it: tmux, whose screen is read and on which keys are pressed."""

from __future__ import annotations

import secrets
import shlex
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import trio

from ...required import required
from .conftest import BOUND

LOOK = 0.05
"""Seconds between two looks at the screen."""


class Tmux:
    """One pane. `screen` is what it shows, without colours and without spaces at the ends of lines."""

    def __init__(self, program: str, socket: Path) -> None:
        self._tmux = (program, "-S", str(socket), "-f", "/dev/null")

    async def command(self, *words: str) -> str:
        with trio.fail_after(BOUND):
            done = await trio.run_process([*self._tmux, *words], capture_stdout=True, capture_stderr=True)
        return done.stdout.decode()

    async def screen(self) -> str:
        return (await self.command("capture-pane", "-p")).rstrip("\n")

    async def until(self, *texts: str, gone: str = "") -> str:
        """Waits until the screen shows all of `texts`, and `gone` no more; the screen."""
        with trio.move_on_after(BOUND):
            while True:
                shown = await self.screen()
                if all(text in shown for text in texts) and not (gone and gone in shown):
                    return shown
                await trio.sleep(LOOK)
        raise AssertionError(f"never {texts!r}, or for ever {gone!r}:\n{shown}")

    async def prompt(self, before: str) -> str:
        """Waits until, below `before`, an empty prompt stands last; the screen."""
        with trio.move_on_after(BOUND):
            while True:
                shown = await self.screen()
                if before in shown and shown.splitlines()[-1] == "›":
                    return shown
                await trio.sleep(LOOK)
        raise AssertionError(f"no prompt below {before!r}:\n{shown}")

    async def clear(self) -> None:
        """At a prompt: nothing else is on the screen."""
        await self.press("C-l")
        with trio.fail_after(BOUND):
            while (await self.screen()).strip() != "›":  # noqa: ASYNC110 - tmux tells nobody
                await trio.sleep(LOOK)

    async def type(self, text: str) -> None:
        """Presses the keys of a text."""
        await self.command("send-keys", "-l", text)

    async def press(self, *keys: str) -> None:
        """Presses keys by their tmux names: Enter, C-c, Up."""
        await self.command("send-keys", *keys)

    async def say(self, text: str) -> None:
        await self.type(text)
        await self.press("Enter")


@asynccontextmanager
async def tmux(folder: Path, shell: str, variables: Mapping[str, str], width: int = 80) -> AsyncIterator[Tmux]:
    """A terminal on which `shell` runs, in an environment of these variables alone."""
    program = required("tmux", hint="apt install tmux")
    pane = Tmux(program, folder / f"tmux.{secrets.token_hex(4)}")  # one that was killed ends a little later
    given = {"LANG": "C.UTF-8"} | dict(variables) | {"TERM": "screen-256color"}
    given["PATH"] = f"{Path(sys.executable).parent}:{given['PATH']}"
    bare = shlex.join(["env", "-i", *(f"{name}={value}" for name, value in given.items() if name != "COLUMNS")])
    try:
        await pane.command("new-session", "-d", "-x", str(width), "-y", "40", f"{bare} {shell}")
        yield pane
    finally:
        with trio.CancelScope(shield=True):
            await trio.run_process([*pane._tmux, "kill-server"], check=False, capture_stderr=True)
