"""`pillion plugins list`, `models list`, `doctor`, and the program's own door."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest
import trio

from pillion_runtime.cli.main import COMMANDS, pillion


async def test_plugins_are_listed_with_state_and_schema(door: Any) -> None:
    ended = await door.run("plugins", "list", "--json")
    states = {state["name"]: state for state in json.loads(ended.out)}
    assert (ended.code, states["openai"]["state"], states["agent"]["state"]) == (0, "on", "off"), ended
    assert "register_providers" in states["openai"]["hooks"]
    assert states["openai"]["settings"]["$ref"] == "#/$defs/Config"
    assert states["desk"]["summary"] == "A desk to write on."


async def test_plugins_are_lines_when_piped(cli: Any) -> None:
    ended = await cli.run("plugins", "list")
    assert ended.code == 0, ended
    assert "desk\ton\t\tA desk to write on.\n" in ended.out


async def test_models_are_listed(door: Any) -> None:
    ended = await door.run("models", "list", "--json")
    assert (ended.code, [model["name"] for model in json.loads(ended.out)]) == (0, ["local/scripted"]), ended


async def test_a_models_counter_and_the_models_of_roles_are_told(door: Any) -> None:
    listed = await door.run("models", "list")
    assert "local/scripted\t32,768\t8,192\tnative\testimate" in listed.out, listed
    roles = json.loads((await door.run("models", "list", "--roles", "--json")).out)
    assert roles["title"] == roles["default"] != []
    assert f"title\t{roles['title'][0]}\n" in (await door.run("models", "list", "--roles")).out


async def test_tools_are_listed(door: Any) -> None:
    tools = {tool["name"]: tool for tool in json.loads((await door.run("tools", "list", "--json")).out)}
    assert tools["write_note"]["effect"] == "write"
    assert tools["write_note"]["schema"]["properties"].keys() == {"path", "text"}


async def test_doctor_is_clean(door: Any) -> None:
    ended = await door.run("doctor")
    assert ended.code == 0, ended
    assert "local/scripted answers by default." in ended.out
    assert "All is well." in ended.out


async def test_doctor_names_what_is_broken(cli: Any) -> None:
    (cli.folder / "desk.py").write_text("import nothing_of_this_name.at_all\n\n\nraise ValueError('broken')\n")
    ended = await cli.run("doctor", "--json", PILLION__PLUGINS__LOOP__USE="nobody:Plugin")
    report = json.loads(ended.out)
    problems = [finding for finding in report["findings"] if finding["state"] == "problem"]
    assert (ended.code, report["ok"], [finding["about"] for finding in problems]) == (1, False, ["plugin loop"]), ended
    assert "pip install nothing_of_this_name" in ended.out  # what is missing is a note


async def test_doctor_reads_settings_that_are_wrong(cli: Any) -> None:
    ended = await cli.run("doctor", PILLION__DEFAULTS__STRATEGIE="x")
    assert ended.code == 1, ended
    assert "Unknown setting defaults.strategie. Did you mean 'strategy'?" in ended.out


async def test_doctor_sees_a_folder_that_can_not_be_written(cli: Any) -> None:
    (cli.folder / "file").touch()
    ended = await cli.run("doctor", "--data-dir", str(cli.folder / "file" / "below"))
    assert ended.code == 1, ended
    assert "--data-dir" in ended.out


async def test_help_imports_nothing_big() -> None:
    said = "import sys; from pillion_runtime.cli.main import main\ntry: main(['--help'])\n"
    said += (
        "finally: print(sorted({'trio', 'quart', 'rich', 'msgspec', 'pillion'} & set(sys.modules)), file=sys.stderr)"
    )
    with trio.fail_after(40):
        done = await trio.run_process([sys.executable, "-c", said], capture_stdout=True, capture_stderr=True)
    assert done.stderr == b"[]\n"
    assert b"Usage: pillion" in done.stdout


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_the_lines_of_help_are_the_commands_own(name: str) -> None:
    command = pillion.get_command(None, name)  # type: ignore[arg-type]
    assert command is not None
    assert (command.help or "").partition("\n")[0] == COMMANDS[name].help


async def test_a_mistyped_command_is_answered_with_the_nearest(cli: Any) -> None:
    ended = await cli.run("modles", "list")
    assert (ended.code, ended.out) == (2, ""), ended
    assert "Did you mean 'models'?" in ended.err


async def test_the_command_of_a_plugin_that_is_off_says_how_it_comes(cli: Any) -> None:
    ended = await cli.run("aide", "import", ".")
    assert (ended.code, ended.out) == (2, ""), ended
    assert "The plugin aide is off: `pillion plugins enable aide` switches it on" in ended.err


async def test_keys_are_kept_listed_and_removed_and_never_shown(cli: Any) -> None:
    key = "sk-kept-0123456789"
    config = {"XDG_CONFIG_HOME": str(cli.folder / "config")}
    ends = [
        await cli.run("keys", "set", "local", stdin=f"{key}\n".encode(), **config),
        await cli.run("keys", "list", "--json", **config),
        await cli.run("run", "Hello", **config),
        await cli.run("keys", "remove", "local", **config),
        await cli.run("keys", "list", "--json", **config),
    ]
    assert [ended.code for ended in ends] == [0] * 5, ends
    assert [json.loads(ends[at].out)["names"] for at in (1, 4)] == [["local"], []]
    assert [ended for ended in ends if key in ended.out + ended.err] == []
    assert cli.vendor.asked[-1].headers["authorization"] == f"Bearer {key}"


async def test_a_key_is_asked_for_without_being_shown(cli: Any) -> None:
    config = {"XDG_CONFIG_HOME": str(cli.folder / "config")}
    async with cli.terminal("keys", "set", "local", **config) as terminal:
        await terminal.until("Key for local:")
        await terminal.type("sk-typed-0123456789\n")
        assert await terminal.end() == 0
        assert "sk-typed" not in terminal.raw
    assert "sk-typed-0123456789" in (cli.folder / "config" / "pillion" / "keys.json").read_text()


async def test_a_key_file_that_others_can_read_is_refused_with_the_way_out(cli: Any) -> None:
    config = {"XDG_CONFIG_HOME": str(cli.folder / "config")}
    await cli.run("keys", "set", "local", stdin=b"sk-kept-0123456789", **config)
    (cli.folder / "config" / "pillion" / "keys.json").chmod(0o640)
    ended = await cli.run("keys", "list", **config)
    assert (ended.code, "chmod 600" in ended.err) == (2, True), ended


async def test_a_model_is_verified(door: Any) -> None:
    ended = await door.run("models", "verify", "--json", "local/scripted", "local/other")
    assert ended.code == 0, ended
    assert [(one["model"], one["verdict"]) for one in json.loads(ended.out)] == [
        ("local/scripted", "ok"),
        ("local/other", "ok"),
    ]


async def test_a_model_that_does_not_answer_is_an_exit_code(cli: Any) -> None:
    ended = await cli.run("models", "verify", PILLION__PLUGINS__OPENAI__SERVERS__LOCAL__BASE_URL="http://127.0.0.1:1")
    assert (ended.code, "unreachable" in ended.out) == (5, True), ended
