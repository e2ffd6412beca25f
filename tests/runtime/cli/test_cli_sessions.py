"""`sessions`, `watch`, `tools`, `config`, and runs that go on: at both doors, as programs and as lines."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pillion_runtime.testing import Reply


async def session_of(cli: Any, *words: str) -> str:
    """The id of the session that a run is about."""
    ended = await cli.run("run", "--json", *words)
    assert ended.code == 0, ended
    return str(ended.events()[0]["session"])


@pytest.mark.promise("cli.sessions")
async def test_a_run_goes_on_and_its_session_is_listed_shown_and_deleted(cli: Any) -> None:
    async with cli.serving():
        first = await session_of(cli, "hello")
        other = await session_of(cli, "another")
        assert await session_of(cli, "-c", "and again") == other
        assert await session_of(cli, "--resume", first[:8], "once more") == first
        listed = json.loads((await cli.run("sessions", "list", "--json")).out)
        assert [session["id"] for session in listed] == [other, first]
        shown = json.loads((await cli.run("sessions", "show", first[:8], "--json")).out)
        said = [part["text"] for message in shown["messages"] for part in message["parts"]]
        assert (shown["id"], said) == (first, ["hello", "Hello there.", "once more", "Hello there."])
        refused = await cli.run("sessions", "delete", first[:8], stdin=b"n\n")
        assert refused.code != 0
        deleted = await cli.run("sessions", "delete", first[:8], "--yes", "--json")
        assert json.loads(deleted.out) == {"deleted": [first]}
        assert (await cli.run("sessions", "show", first)).code == 2


@pytest.mark.promise("cli.sessions")
async def test_without_a_server_a_store_that_lasts_keeps_sessions(cli: Any) -> None:
    cli.variables["PILLION__DEFAULTS__STORE"] = "storage"
    session = await session_of(cli, "hello")
    assert await session_of(cli, "-c", "and again") == session
    plain = await cli.run("sessions", "show", session[:8])
    assert "> and again\n\nHello there." in plain.out, plain


async def test_an_id_that_nothing_begins_with_is_usage(cli: Any) -> None:
    for words in (["sessions", "show", "abc"], ["run", "--resume", "abc", "go"], ["run", "-c", "go"]):
        ended = await cli.run(*words)
        assert (ended.code, ended.out) == (2, ""), ended
        assert "session" in ended.err.lower()


async def test_a_watcher_sees_the_turns_of_a_session(cli: Any) -> None:
    async with cli.serving():
        session = await session_of(cli, "hello")
        async with cli.terminal("watch", session[:8]) as screen:
            await screen.until("Hello there.")
            assert "› hello" in screen.seen
            await cli.run("run", "--resume", session, "second")
            await screen.until("› second")
            await screen.type("\x03")
            assert await screen.end() == 130
    ended = await cli.run("watch", session)
    assert ended.code == 2, ended
    assert "pillion serve" in ended.err


async def test_tools_are_listed(cli: Any) -> None:
    tools = {tool["name"]: tool for tool in json.loads((await cli.run("tools", "list", "--json")).out)}
    assert tools["write_note"]["effect"] == "write"
    assert tools["write_note"]["schema"]["properties"].keys() == {"path", "text"}


@pytest.mark.promise("cli.config")
async def test_settings_are_shown_with_their_origins_and_without_secrets(cli: Any) -> None:
    secret = {"PILLION__PLUGINS__OPENAI__SERVERS__LOCAL__API_KEY": "a-key-of-nobody"}
    ended = await cli.run("config", "show", "--origin", "--json", **secret)
    told = json.loads(ended.out)
    assert told["defaults.model"] == {"value": "local/scripted", "from": str(cli.folder / "plugins.toml")}
    assert told["plugins.openai.servers.local.api_key"]["from"].startswith("$PILLION__")
    assert "a-key-of-nobody" not in ended.out
    every = json.loads((await cli.run("config", "show", "--all", "--json")).out)
    assert every["limits.steps"] == 50


@pytest.mark.promise("cli.config")
@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ('[host]\n\n[defaults]\nmodle = "x"\n', 4, "Did you mean 'model'?"),
        ('[plugins.files]\n\nripgrap = "x"\n', 1, "Did you mean 'ripgrep'?"),
        ("[defaults\n", 0, "can't be read"),
    ],
)
async def test_a_wrong_file_is_told_by_line_and_nearest_key(cli: Any, text: str, line: int, said: str) -> None:
    (cli.folder / "bad.toml").write_text(text)
    ended = await cli.run("config", "validate", str(cli.folder / "bad.toml"), "--json")
    (problem,) = json.loads(ended.out)["problems"]
    assert (ended.code, problem["line"] or 0) == (2, line), ended
    assert said in problem["message"]


async def test_a_right_file_is_fine_and_its_schema_names_the_plugins(cli: Any) -> None:
    assert (await cli.run("config", "validate")).code == 0
    schema = json.loads((await cli.run("config", "schema")).out)
    plugins = schema["properties"]["plugins"]["properties"]
    assert {"files", "openai", "desk"} <= plugins.keys()
    assert {"servers", "enabled"} <= plugins["openai"]["properties"].keys()


@pytest.mark.promise("cli.chat")
async def test_piped_lines_are_prompts_of_one_session(door: Any, scripted: Any) -> None:
    scripted.program = lambda asked: Reply(text=(f"{len(asked.messages)} messages",))
    ended = await door.run("chat", stdin=b"first\n/usage\n\n/no-such\nsecond\n")
    assert (ended.code, ended.out) == (0, "1 messages\n3 messages\n"), ended
    assert "tokens" in ended.err and "There is no /no-such." in ended.err
