"""`serve --dev`: somebody writes a plugin while the server runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import trio

from pillion_runtime.testing.echo import Echo

from .serverprocess import BOUND, ServerProcess, riding

LAMP = '''
from msgspec import Struct
from pillion import hookimpl
from pillion.testing.kit import FunctionTool

class Plugin:
    """{summary}"""

    class Config(Struct, frozen=True):
        colour: str = "red"

    def __init__(self, config):
        self.colour = config.colour

    @hookimpl
    def register_tools(self):
        async def lamp(arguments, call):
            return "{summary} " + self.colour
        return [FunctionTool("lamp", lamp)]
'''
SECTION = '[plugins.lamp]\nuse = "./lamp.py:Plugin"\n'


def write(folder: Path, source: str) -> None:
    (folder / "lamp.py").write_text(source)


def set_colour(folder: Path, colour: str) -> None:
    file = folder / "plugins.toml"
    file.write_text(file.read_text().replace(SECTION, f'{SECTION}colour = "{colour}"\n'))


async def becomes(server: ServerProcess, **wanted: str) -> dict[str, Any]:
    """Waits until the plugin's state is so."""
    with trio.fail_after(BOUND):
        while True:
            state = dict(await server.client.call("GET", "/api/plugins/lamp"))
            if all(said in str(state[key]) for key, said in wanted.items()):
                return state


async def lit(server: ServerProcess, folder: Path) -> str:
    """What the plugin's tool says in a new turn."""
    events = await server.ride(await server.session(folder), "call lamp {}")
    return str(next(event["text"] for event in events if event["type"] == "tool.finished"))


@pytest.mark.promise("plugins.dev", "plugins.dev_broken")
async def test_a_plugin_is_written_while_the_server_runs(tmp_path: Path) -> None:
    write(tmp_path, LAMP.format(summary="First."))
    async with riding(tmp_path, Echo(), SECTION, ["--dev"]) as (_, server):
        assert await lit(server, tmp_path) == "First. red"
        write(tmp_path, LAMP.format(summary="Other."))  # as long as the one before
        await becomes(server, state="on", summary="Other.")
        assert await lit(server, tmp_path) == "Other. red"
        write(tmp_path, LAMP.format(summary="Broken.") + "\n    def (\n")
        broken = await becomes(server, state="quarantined")
        assert broken["reason"] == "It failed to load with SyntaxError: invalid syntax (lamp.py, line 21)."
        assert "no tool" in (await lit(server, tmp_path)).lower()
        write(tmp_path, LAMP.format(summary="Mended."))
        await becomes(server, state="on", summary="Mended.")
        set_colour(tmp_path, "blue")
        with trio.fail_after(BOUND):
            while await lit(server, tmp_path) != "Mended. blue":
                pass
