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
