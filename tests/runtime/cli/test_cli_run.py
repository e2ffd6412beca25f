"""`pillion run` as a shell sees it, in-process and through a live server: the same."""

from __future__ import annotations

import io
import json
import os
import sys
from typing import Any

import pytest
import trio

from pillion_runtime.cli.client import Client
from pillion_runtime.cli.piped import whole_prompt
from pillion_runtime.testing import Cut, Reply, Status, call

COMMAND = (sys.executable, "-m", "pillion_runtime.cli.main")
WRITES = Reply(text="I write it down.", calls=(call("write_note", path="note.txt", text="remember"),))
WROTE = Reply(text="It is written.")


@pytest.mark.promise("cli.piped")
async def test_piped_stdout_is_the_answer_alone(door: Any) -> None:
    ended = await door.run("run", "hello")
    assert (ended.code, ended.out) == (0, "Hello there.\n"), ended
    assert "pillion: local/scripted answers." in ended.err
    assert ended.last.startswith("15 tokens (10 in, 5 out) · $0 · "), ended
    assert ended.last.endswith("0 files changed")


@pytest.mark.promise("cli.piped")
async def test_json_is_the_events(door: Any) -> None:
    ended = await door.run("run", "hello", "--json")
    events = ended.events()
    types = [event["type"] for event in events]
    assert (types[0], types[-1]) == ("prompt.queued", "turn.finished"), ended
    assert {"turn.started", "text.started", "text.finished", "message.finished"} <= set(types)
    assert all(event["session"] == events[0]["session"] and event["id"] for event in events)
    assert "15 tokens" in ended.last


async def test_piped_text_joins_the_prompt(door: Any) -> None:
    ended = await door.run("run", "Explain this.", stdin=b"Traceback: boom\n")
    assert ended.code == 0, ended
    assert door.vendor.asked[-1].prompt == "Explain this.\n\nTraceback: boom\n"


async def test_piped_text_alone_is_the_prompt(door: Any) -> None:
    ended = await door.run("run", stdin=b"What is this?")
    assert (ended.code, door.vendor.asked[-1].prompt) == (0, "What is this?"), ended


async def test_yes_allows_and_the_last_line_names_the_files(door: Any, scripted: Any) -> None:
    scripted.says(WRITES, WROTE)
    ended = await door.run("run", "write it", "--yes")
    assert (ended.code, ended.out) == (0, "It is written.\n"), ended
    assert (door.workspace / "note.txt").read_text() == "remember"
    assert "I write it down." in ended.err
    assert "Allowed by --yes." in ended.err
    assert ended.last.endswith("1 file changed: note.txt (+1 -0)")


@pytest.mark.promise("cli.approval", "cli.exit_codes")
async def test_an_approval_without_a_terminal_ends_the_run(door: Any, scripted: Any) -> None:
    scripted.says(WRITES, WROTE)
    ended = await door.run("run", "write it")
    assert (ended.code, ended.out) == (3, ""), ended
    assert not (door.workspace / "note.txt").exists()
    assert "--yes" in ended.err
    assert "[[plugins.approvals.rules]]" in ended.err
    assert "tokens" in ended.last


@pytest.mark.promise("cli.question")
async def test_a_question_without_a_terminal_is_answered_at_once_by_nobody(door: Any, scripted: Any) -> None:
    scripted.says(Reply(calls=(call("ask_person", question="Which one?", default="red"),)), Reply(text="So red."))
    ended = await door.run("run", "choose")
    assert (ended.code, ended.out) == (0, "So red.\n"), ended
    assert "The model asks: Which one?" in ended.err
    assert "No answer: there is nobody to ask." in ended.err
    assert "What you took for the answer counts: red" in str(door.vendor.asked[-1].messages)


@pytest.mark.promise("cli.exit_codes")
async def test_a_limit_has_its_code(door: Any, scripted: Any) -> None:
    scripted.says(WRITES)
    ended = await door.run("run", "write it", "--yes", "--max-steps", "1")
    assert ended.code == 4, ended
    assert "The limit of steps is reached" in ended.err


@pytest.mark.promise("cli.exit_codes")
async def test_a_provider_that_refuses_has_its_code(door: Any, scripted: Any) -> None:
    scripted.says(Reply(fault=Status(401, message="Your key is wrong.")))
    ended = await door.run("run", "hello")
    assert (ended.code, ended.out) == (5, ""), ended
    assert "Traceback" not in ended.err


async def test_half_an_answer_is_no_answer(door: Any, scripted: Any) -> None:
    scripted.says(Reply(text=("Half ", "an ", "answer"), fault=Cut(after=2)))
    ended = await door.run("run", "hello")
    assert (ended.code, ended.out) == (5, ""), ended
    assert "Half" in ended.err


async def test_a_strategy_that_nobody_brings_is_usage(door: Any) -> None:
    ended = await door.run("run", "hello", "--strategy", "guess")
    assert (ended.code, ended.out) == (2, ""), ended
    assert "There is no strategy 'guess'; there are: compact, undo, redo, restore, merge, loop." in ended.err
    assert "Traceback" not in ended.err


async def test_ephemeral_leaves_no_session(cli: Any) -> None:
    async with cli.serving() as said:
        kept, gone = await cli.run("run", "a"), await cli.run("run", "b", "--ephemeral")
        assert (kept.code, gone.code) == (0, 0), (kept, gone)
        token = json.loads((cli.data_dir / "server.json").read_text())["token"]
        listed = await Client(said["url"], token).call("GET", "/api/sessions")
    assert len(listed["data"]) == 1


async def test_no_prompt_is_usage(cli: Any) -> None:
    ended = await cli.run("run")
    assert (ended.code, ended.out) == (2, ""), ended
    assert "There is no prompt" in ended.err


async def test_wrong_settings_are_one_sentence(cli: Any) -> None:
    ended = await cli.run("run", "hello", PILLION__LIMITS__STEPS="many")
    assert ended.code == 2, ended
    assert ended.err.startswith("pillion: Setting limits.steps: ")
    assert ended.err.count("\n") == 1


async def test_without_a_model_it_says_the_ways(cli: Any) -> None:
    switches = {"PILLION__PLUGINS__OPENAI__ENABLED": "false", "PILLION__PLUGINS__ANTHROPIC__ENABLED": "true"}
    ended = await cli.run("run", "hello", PILLION__DEFAULTS__MODEL="auto", **switches)
    assert (ended.code, ended.out) == (2, ""), ended
    assert "No model is available." in ended.err
    assert "ANTHROPIC_API_KEY" in ended.err


async def test_a_dead_servers_file_is_ignored(cli: Any) -> None:
    async with cli.serving():
        stale = (cli.data_dir / "server.json").read_bytes()
    cli.data_dir.joinpath("server.json").write_bytes(stale)
    cli.data_dir.joinpath("server.json").chmod(0o600)
    ended = await cli.run("run", "hello")
    assert (ended.code, ended.out) == (0, "Hello there.\n"), ended


async def test_a_reader_that_goes_away_brings_no_traceback(cli: Any) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with trio.fail_after(40):
        done = await trio.run_process(
            [*COMMAND, "run", "hello"], stdout=writer, capture_stderr=True, check=False, env=cli.variables
        )
    os.close(writer)
    assert (done.returncode, b"Traceback" in done.stderr, b"Broken" in done.stderr) == (1, False, False), done.stderr


@pytest.mark.parametrize(("piped", "prompt"), [(b"", "Ask."), (b"more", "Ask.\n\nmore")])
def test_a_pipe_is_waited_for_and_read_to_its_end(piped: bytes, prompt: str) -> None:
    reader, writer = os.pipe()
    os.write(writer, piped)
    os.close(writer)
    with open(reader) as stdin:
        assert whole_prompt("Ask.", stdin, io.StringIO()) == prompt


def test_a_pipe_that_nobody_writes_to_is_given_up() -> None:
    reader, writer = os.pipe()
    said = io.StringIO()
    with open(reader) as stdin, open(writer, "wb"):
        assert whole_prompt("Ask.", stdin, said, patience=0.2) == "Ask."
    assert "nothing came on stdin for 0.2 s" in said.getvalue()
