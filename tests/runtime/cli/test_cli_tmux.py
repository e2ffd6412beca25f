"""`pillion chat` in tmux, as a person sees and uses it."""

from __future__ import annotations

import re
import stat
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from pillion_runtime.testing import Reply, Silence, call

from .tmux import Tmux, tmux

HANGS = Reply(text=("Let me ", "think"), fault=Silence(after=2))
HELLO = Reply(text=("Hello ", "**there**."))
WRITES = Reply(text="I write it down.", calls=(call("write_note", path="note.txt", text="remember"),))


def chatting(cli: Any, *options: str, width: int = 80, **variables: str) -> AbstractAsyncContextManager[Tmux]:
    words = " ".join(("pillion chat", *options))
    command = f"sh -c 'trap : INT; cd {cli.workspace} && {words}; echo left with $?; exec sleep 60'"
    return tmux(cli.folder, command, cli.variables | variables, width)


@pytest.mark.alone
@pytest.mark.promise("cli.chat")
async def test_a_conversation(door: Any, scripted: Any) -> None:
    scripted.says(HELLO, HANGS, HELLO)
    async with chatting(door) as terminal:
        await terminal.prompt("Ctrl-D leaves.")
        await terminal.say("hello")
        await terminal.prompt("✓ 15 tokens")
        await terminal.clear()
        await terminal.say("and now?")
        await terminal.until("Let me think", "Ctrl-C stops")  # it streams
        await terminal.press("C-c")
        shown = await terminal.prompt("Interrupted.")
        assert "… cut off here" in shown
        await terminal.say("/sesions")
        await terminal.prompt("Did you mean /sessions?")
        await terminal.say("/sessions")
        await terminal.prompt("hello · ")
        await terminal.clear()
        await terminal.press("Up", "Up", "Up")
        await terminal.until("› and now?")
        await terminal.press("Enter")
        await terminal.prompt("Hello there.")
        await terminal.press("C-c")
        await terminal.prompt("Ctrl-C once more leaves")
        await terminal.press("C-c")
        await terminal.until("left with 0")
    assert [asked.prompt for asked in door.vendor.asked] == ["hello", "and now?", "and now?"]
    history = door.data_dir / "chat_history"
    assert stat.S_IMODE(history.stat().st_mode) == 0o600


@pytest.mark.alone
@pytest.mark.promise("cli.chat")
async def test_several_lines_are_one_prompt_and_found_again(cli: Any) -> None:
    async with chatting(cli) as terminal:
        await terminal.prompt("Ctrl-D leaves.")
        await terminal.type("first line")
        await terminal.press("M-Enter")
        await terminal.say("second line")
        await terminal.prompt("✓ 15 tokens")
        await terminal.clear()
        await terminal.command("set-buffer", "pasted one\npasted two")
        await terminal.command("paste-buffer", "-p")
        await terminal.until("› pasted one\n  pasted two")
        await terminal.press("Enter")
        await terminal.prompt("✓ 15 tokens")
        await terminal.press("C-d")
        await terminal.until("left with 0")
    async with chatting(cli) as terminal:
        await terminal.prompt("Ctrl-D leaves.")
        await terminal.press("C-r")
        await terminal.type("st li")
        await terminal.until("first line")
        await terminal.press("Enter")  # ends the search
        await terminal.until("› first line")
        await terminal.press("Enter")
        await terminal.prompt("✓ 15 tokens")
        await terminal.say("/quit")
        await terminal.until("left with 0")
    asked = [asked.prompt for asked in cli.vendor.asked]
    assert asked == ["first line\nsecond line", "pasted one\npasted two", "first line\nsecond line"]


@pytest.mark.promise("cli.chat_typed")
async def test_what_is_typed_meanwhile_is_seen_and_said_or_kept(cli: Any, scripted: Any) -> None:
    scripted.says(HANGS, WRITES, Reply(text="Written."), HELLO, HANGS)
    async with chatting(cli, width=50) as terminal:
        await terminal.prompt("leaves.")
        await terminal.say("go")
        await terminal.until("Let me think")
        await terminal.say("next one")
        await terminal.type("and a draft")
        await terminal.until("› next one\n› and a draft")
        await terminal.press("C-c")
        await terminal.until("Interrupted.", "› next one\n  and a draft")  # nothing is sent after a stop
        await terminal.press("Enter")
        await terminal.until("[y]es, [n]o")
        await terminal.say("say why")  # with a y and an s and an a
        await terminal.until("One key by itself, please: y, n, s")
        assert not (cli.workspace / "note.txt").exists()
        await terminal.press("y")
        await terminal.prompt("Hello there.")
        await terminal.clear()
        await terminal.say("once more")
        await terminal.until("Let me think", "Ctrl-C stops")
        await terminal.say("/cancel")
        await terminal.prompt("Interrupted.")
        await terminal.press("C-d")
        await terminal.until("left with 0")
    prompts = [asked.prompt for asked in cli.vendor.asked if not asked.results]
    assert prompts[:3] == ["go", "next one\nand a draft", "say why"]
    assert (cli.workspace / "note.txt").read_text() == "remember"


@pytest.mark.promise("cli.approval")
async def test_an_approval_at_the_terminal(door: Any, scripted: Any) -> None:
    scripted.says(WRITES, Reply(text="Then I leave it."), WRITES, Reply(text="It is written."))
    async with chatting(door, width=60, NO_COLOR="1") as terminal:
        await terminal.prompt("leaves.")
        await terminal.say("write it")
        shown = await terminal.until("Allow? [y]es, [n]o")
        assert "write_note note.txt text=remember wants to change" in shown
        assert "│ +remember" in shown
        await terminal.press("n")
        await terminal.prompt("Then I leave it.")
        assert not (door.workspace / "note.txt").exists()
        await terminal.clear()
        await terminal.say("do write it")
        await terminal.until("Allow? [y]es, [n]o")
        await terminal.press("y")
        await terminal.prompt("1 file changed")
        assert not re.search(r"\x1b\[[39][0-7]", await terminal.command("capture-pane", "-p", "-e"))  # a colour
    assert (door.workspace / "note.txt").read_text() == "remember"


@pytest.mark.promise("cli.go_on")
async def test_it_goes_on_and_shows_where_it_was(cli: Any) -> None:
    async with cli.serving():
        assert (await cli.run("run", "what was that?")).code == 0
        async with chatting(cli, "-c") as terminal:
            shown = await terminal.prompt("Ctrl-D leaves.")
            assert "› what was that?\n\nHello there." in shown
            await terminal.say("and this?")
            await terminal.prompt("✓ 15 tokens")
    said = [message.text for message in cli.vendor.asked[-1].messages if message.role == "user"]
    assert said == ["what was that?", "and this?"]
