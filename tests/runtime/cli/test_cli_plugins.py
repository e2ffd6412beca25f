"""`pillion plugins enable|disable`: with a live server and without one."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pillion.settings import load

LINE = 'desk = { use = "./desk.py:Plugin" }\n'
SECTION = '[plugins.desk]  # to write on\nuse = "./desk.py:Plugin"\n'


@pytest.fixture
def desk(cli: Any) -> Any:
    """The program on settings whose desk has a section of its own, which is easier to change by a program."""
    file = cli.folder / "plugins.toml"
    text = file.read_text()
    assert LINE in text
    file.write_text(text.replace(LINE, "") + SECTION)
    return cli


def enabled(cli: Any) -> bool:
    """What the settings file says."""
    return load(config=cli.folder / "plugins.toml", environ={}).plugins["desk"].enabled


@pytest.mark.promise("plugins.live_cli")
async def test_without_a_server_the_file_says_so(desk: Any) -> None:
    cli, file = desk, desk.folder / "plugins.toml"
    ended = await cli.run("plugins", "disable", "desk")
    assert (ended.code, ended.out) == (0, f"desk is off from the next start. {file} says so.\n"), ended
    assert not enabled(cli)
    ended = await cli.run("plugins", "enable", "desk", "--json", PILLION__PLUGINS__DESK__ENABLED="false")
    told = json.loads(ended.out)
    assert (ended.code, told["takes_effect"], told["written"]) == (0, "restart", str(file)), ended
    assert "$PILLION__PLUGINS__DESK__ENABLED wins" in told["note"]
    assert enabled(cli)
    for words, said in ((["desk", "--no-persist"], "No server runs"), (["dsek"], "Did you mean 'desk'?")):
        ended = await cli.run("plugins", "disable", *words)
        assert (ended.code, ended.out) == (2, "") and said in ended.err, ended


@pytest.mark.promise("plugins.live_cli")
async def test_a_live_server_switches_at_once(desk: Any) -> None:
    cli, file = desk, desk.folder / "plugins.toml"
    async with cli.serving():
        ended = await cli.run("plugins", "disable", "desk", "--no-persist")
        assert (ended.code, ended.out, enabled(cli)) == (0, "desk is off from the next turn.\n", True), ended
        assert "desk\toff\t\tA desk to write on. (on at the next start)\n" in (await cli.run("plugins", "list")).out
        ended = await cli.run("plugins", "disable", "desk")
        assert (ended.code, enabled(cli)) == (0, False), ended
        assert ended.out == f"desk is off from the next turn. {file} says so.\n"
        (cli.folder / "desk.py").write_text("1 / 0")
        ended = await cli.run("plugins", "enable", "desk")
        assert (ended.code, enabled(cli)) == (1, False), ended
        assert ended.out.startswith("desk is quarantined: It failed to load with ZeroDivisionError: division by zero.")
        assert "Your settings were left as they are." in ended.err
        ended = await cli.run("plugins", "disable", "nobody")
        assert (ended.code, ended.err) == (2, "pillion: No settings list a plugin 'nobody'.\n"), ended


LAMP = """
from pillion import hookimpl
from pillion.testing.kit import FunctionTool, Loop

class Plugin:
    @hookimpl
    def register_tools(self):
        return [FunctionTool("lamp", print), FunctionTool("bad name", print)]

class Good:
    @hookimpl
    def register_tools(self):
        return [FunctionTool("lamp", print)]
    @hookimpl
    def register_strategies(self):
        return [Loop()]
    @hookimpl
    def register_checks(self):
        async def oil():
            return "No oil is left."
        return {"oil": oil}
"""


async def test_a_plugin_is_checked_before_it_is_listed(cli: Any) -> None:
    (cli.workspace / "lamp.py").write_text(LAMP)
    ended = await cli.run("plugins", "check", "./lamp.py")
    assert (ended.code, ended.err) == (1, ""), ended
    assert ended.out.startswith("lamp is on: A tool of it is left out: it is named 'bad name'")
    ended = await cli.run("plugins", "check", "lamp.py:Good", "--json", PILLION__PLUGINS__LOOP__ENABLED="false")
    (report,) = json.loads(ended.out)
    assert (ended.code, report["ok"], report["state"]) == (1, False, "on"), ended
    assert report["brings"] == {"strategy": ["loop"], "check": ["oil"], "tool": ["lamp"]}
    assert report["checks"] == {"oil": "No oil is left."}
    ended = await cli.run("plugins", "check", "nobody")
    assert ended.code == 1 and "No installed distribution brings a plugin 'nobody'" in ended.out, ended


async def test_all_that_are_listed_are_checked(cli: Any) -> None:
    ended = await cli.run("plugins", "check")
    assert (ended.code, ended.err) == (0, ""), ended
    assert "desk is on. tools: write_note\n" in ended.out
    assert "agent is off.\n" in ended.out
