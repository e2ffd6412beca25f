"""`pillion chat` without a screen: prompts on stdin, a dumb terminal. With one: test_cli_tmux.py."""

from __future__ import annotations

from typing import Any

import pytest

from pillion_runtime.testing import Reply, Status

LINES = b"hello\n/modle\n\n  again\n/usage\n/quit\nnever\n"


@pytest.mark.promise("cli.chat_piped")
async def test_each_line_of_stdin_is_a_prompt_in_one_session(door: Any) -> None:
    ended = await door.run("chat", stdin=LINES)
    assert (ended.code, ended.out) == (0, "Hello there.\nHello there.\n"), ended
    assert [asked.prompt for asked in door.vendor.asked] == ["hello", "  again"]
    assert "hello" in [message.text for message in door.vendor.asked[-1].messages]
    assert "There is no /modle. Did you mean /model?" in ended.err
    assert "30 tokens (20 in, 10 out)" in ended.err
    assert "›" not in ended.err


@pytest.mark.promise("cli.chat_piped")
async def test_the_last_turn_gives_the_exit_code(cli: Any, scripted: Any) -> None:
    scripted.says(Reply(text="Well."), Reply(fault=Status(401, message="Your key is wrong.")))
    ended = await cli.run("chat", "--json", stdin=b"one\ntwo\n")
    types = [event["type"] for event in ended.events()]
    assert (ended.code, types.count("turn.finished"), types[-1]) == (5, 1, "turn.failed"), ended


async def test_its_commands_answer(door: Any) -> None:
    commands = "/help\n/tools\n/models\n/model\n/model other/one\n/strategy loop\n/sessions\nhi\n/sessions\n/resume\n"
    ended = await door.run("chat", stdin=f"{commands}/resume zzz\n/new\n/cancel\n".encode())
    for words in (
        "/resume ID",
        "write_note",
        "Did you mean /model?",
        "There are: local/scripted.",
        "No table knows it",
        "There is none yet.",
        "No provider offers the model 'other/one'",
        "Which one?",
        "There is no session 'zzz'",
        "begins a new session",
    ):
        assert words in ended.err, (words, ended)


async def test_a_dumb_terminal_gets_plain_lines(cli: Any) -> None:
    async with cli.terminal("chat", TERM="dumb") as screen:
        await screen.until("› ")
        await screen.type("hello\r")
        await screen.until("Hello there.")
        await screen.until("15 tokens")
        await screen.type("/quit\r")
        assert await screen.end() == 0, screen.seen
    assert "\x1b" not in screen.raw
