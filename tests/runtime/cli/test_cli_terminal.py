"""`pillion run` on a terminal: a real pseudo-terminal, keys typed on it, and signals."""

from __future__ import annotations

import signal
import tomllib
from contextlib import nullcontext
from typing import Any

import pytest
import trio

from pillion_runtime.testing import Reply, Silence, call

WRITES = Reply(text="I write it down.", calls=(call("write_note", path="note.txt", text="remember"),))
AGAIN = Reply(calls=(call("write_note", path="note.txt", text="remember"),))
WROTE = Reply(text="It is **written**.")
HANGS = Reply(text=("Let me ", "think"), fault=Silence(after=2))


async def test_an_answer_is_laid_out_and_the_last_line_tells_the_cost(door: Any, scripted: Any) -> None:
    scripted.says(WROTE)
    async with door.terminal("run", "hello") as screen:
        assert await screen.end() == 0, screen.seen
    assert "local/scripted answers." in screen.seen
    assert "It is written." in screen.seen
    assert "\x1b[1mwritten" in screen.raw
    assert "15 tokens" in screen.seen.splitlines()[-1]


@pytest.mark.promise("cli.approval")
async def test_yes_at_the_question_lets_it_run(door: Any, scripted: Any) -> None:
    scripted.says(WRITES, WROTE)
    async with door.terminal("run", "write it") as screen:
        await screen.until("[y]es, [n]o")
        assert "write_note note.txt" in screen.seen
        assert "wants to change files" in screen.seen
        assert "+remember" in screen.seen
        await screen.type("say")  # a word that was being typed
        await screen.until("One key by itself, please: y, n, s")
        assert not (door.workspace / "note.txt").exists()
        await screen.type("y")
        assert await screen.end() == 0, screen.seen
    assert (door.workspace / "note.txt").read_text() == "remember"
    assert "1 file changed: note.txt (+1 -0)" in screen.seen


async def test_no_at_the_question_goes_to_the_model(cli: Any, scripted: Any) -> None:
    scripted.says(WRITES, Reply(text="Then I leave it."))
    async with cli.terminal("run", "write it") as screen:
        await screen.until("[y]es, [n]o")
        await screen.type("n")
        assert await screen.end() == 0, screen.seen
    assert "Then I leave it." in screen.seen
    assert not (cli.workspace / "note.txt").exists()


async def test_session_is_not_asked_again(cli: Any, scripted: Any) -> None:
    scripted.says(WRITES, AGAIN, WROTE)
    async with cli.terminal("run", "write it") as screen:
        await screen.until("[y]es, [n]o")
        await screen.type("s")
        assert await screen.end() == 0, screen.seen
    assert screen.seen.count("[y]es, [n]o") == 1


@pytest.mark.promise("cli.approval", "approvals.always")
async def test_always_shows_its_rule_and_writes_it(cli: Any, scripted: Any) -> None:
    scripted.says(WRITES, AGAIN, WROTE)
    file = cli.folder / "plugins.toml"
    file.write_text("# mine\n" + file.read_text().replace("approvals = { enabled = false }\n", ""))
    async with cli.terminal("run", "write it") as screen:
        await screen.until("session, [a]lways")
        rule = f'tool = "write_note", path = "note.txt", workspace = "{cli.workspace}"'
        assert rule in screen.seen.replace("\r\n", "")
        await screen.type("a")
        assert await screen.end() == 0, screen.seen
    assert screen.seen.count("[y]es, [n]o") == 1
    assert file.read_text().startswith("# mine\n")
    assert tomllib.loads(file.read_text())["plugins"]["approvals"]["rules"][0]["path"] == "note.txt"


@pytest.mark.parametrize("live", [False, True])
async def test_a_rule_that_can_not_be_written_is_told_and_asked_again(cli: Any, scripted: Any, live: bool) -> None:
    scripted.says(WRITES, WROTE)
    file = cli.folder / "plugins.toml"
    file.write_text(file.read_text().replace("approvals = { enabled = false }\n", ""))
    async with cli.serving() if live else nullcontext(), cli.terminal("run", "write it") as screen:
        await screen.until("session, [a]lways")
        file.write_text("[")
        await screen.type("a")
        await screen.until("can't be allowed always")
        await screen.until("session, [a]lways", times=2)
        await screen.type("y")
        assert await screen.end() == 0, screen.seen
    assert (cli.workspace / "note.txt").exists()
    assert file.read_text() == "["


ASKS = Reply(calls=(call("ask_person", question="Which \x1b[31mone?", options=["red", "blue"]),))
CHOSEN = Reply(text="As you say.")


@pytest.mark.promise("cli.question", "cli.escapes")
@pytest.mark.parametrize(
    ("typed", "answer"),
    [("2\n", "person answered: blue"), ("Green, please\n", "person answered: Green, please"), ("\n", "gave no answer")],
)
async def test_a_question_is_answered_by_number_by_words_or_not(
    cli: Any, scripted: Any, typed: str, answer: str
) -> None:
    scripted.says(ASKS, CHOSEN)
    async with cli.terminal("run", "choose") as screen:
        await screen.until("Enter: no answer")
        assert "Which one?" in screen.seen
        assert "2. blue" in screen.seen
        await screen.type(typed)
        assert await screen.end() == 0, screen.seen
    assert answer in str(cli.vendor.asked[-1].messages)


async def test_the_deadline_takes_the_question_back(cli: Any, scripted: Any) -> None:
    scripted.says(WRITES, Reply(text="Nobody answered."))
    async with cli.terminal("run", "write it", PILLION__DEADLINES__APPROVAL="0.5") as screen:
        assert await screen.end() == 0, screen.seen
    assert "Denied at the deadline." in screen.seen
    assert "Nobody answered." in screen.seen


@pytest.mark.promise("cli.interrupt")
async def test_ctrl_c_stops_the_turn(door: Any, scripted: Any) -> None:
    scripted.says(HANGS)
    async with door.terminal("run", "hello") as screen:
        await screen.until("Let me think")
        await screen.type("\x03")
        assert await screen.end() == 130, screen.seen
    assert "Stopping…" in screen.seen
    assert "Interrupted." in screen.seen
    with trio.fail_after(20):
        await door.vendor.until(lambda vendor: not vendor.open_streams)


@pytest.mark.promise("cli.interrupt")
async def test_a_second_ctrl_c_ends_at_once(cli: Any, scripted: Any) -> None:
    scripted.says(Reply(calls=(call("write_note", path="never.txt", text="x"),)))
    async with cli.terminal("run", "write it", "--yes", PILLION__DEADLINES__STOPPING="3600") as screen:
        await screen.until("holding on")
        await screen.type("\x03")
        await screen.until("Stopping…")
        await screen.type("\x03")
        assert await screen.end() == 130, screen.seen
    assert screen.raw.rindex("\x1b[?25h") > screen.raw.rindex("\x1b[?25l")


async def test_ctrl_c_at_a_question_ends_it(cli: Any, scripted: Any) -> None:
    scripted.says(WRITES, WROTE)
    async with cli.terminal("run", "write it") as screen:
        await screen.until("[y]es, [n]o")
        await screen.type("\x03")
        assert await screen.end() == 130, screen.seen
    assert not (cli.workspace / "note.txt").exists()


async def test_sigterm_has_its_code(cli: Any, scripted: Any) -> None:
    scripted.says(HANGS)
    async with cli.terminal("run", "hello") as screen:
        await screen.until("Let me think")
        screen.process.send_signal(signal.SIGTERM)
        assert await screen.end() == 143, screen.seen


async def test_no_color_is_honoured(cli: Any, scripted: Any) -> None:
    scripted.says(WRITES, WROTE)
    async with cli.terminal("run", "write it", "--yes", NO_COLOR="1") as screen:
        assert await screen.end() == 0, screen.seen
    assert "\x1b[3" not in screen.raw.replace("\x1b[3m", "")
    assert "+remember" in screen.seen


@pytest.mark.promise("cli.escapes")
async def test_escape_sequences_of_a_model_do_nothing(cli: Any, scripted: Any) -> None:
    scripted.says(Reply(text="red \x1b[31m title \x1b]0;evil\x07 end"))
    async with cli.terminal("run", "hello") as screen:
        assert await screen.end() == 0, screen.seen
    assert "\x1b]0" not in screen.raw
    assert "\x1b[31m" not in screen.raw
