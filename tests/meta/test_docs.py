"""The code of the tutorials is run as it stands there."""

from __future__ import annotations

import ast
import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from pillion import events as e
from pillion.settings import load
from pillion.testing.kit import events, kernel_host
from pillion.testing.scripted import ScriptedProvider, calls, says

from .source import TOP

FIRST = TOP / "docs/tutorial/first_plugin.md"
LINES = 20
"""What a first plugin may take."""


def blocks(page: Path) -> list[tuple[str, str, str]]:
    """Language, file name (if it has one) and text of each block of code."""
    return re.findall(r"^```(\w+) ?(\S*)\n(.*?)^```$", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The files that the page tells to write."""
    for language, name, text in blocks(FIRST):
        assert name or language == "console", "a block of code says which file it is"
        if name:
            (tmp_path / name).write_text(text, "utf-8")
    return tmp_path


def ran(folder: Path, line: str) -> str:
    """What a command of the page prints."""
    program, *arguments = shlex.split(line)
    module = {"pillion": "pillion_runtime.cli.main", "pytest": "pytest"}[program]
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=folder,
        env=kept | {"HOME": str(folder), "COLUMNS": "200", "PILLION_DATA_DIR": str(folder / "data")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def commands() -> list[str]:
    return [line for language, _, text in blocks(FIRST) for line in text.splitlines() if language == "console"]


def test_a_first_plugin_is_short() -> None:
    (text,) = (text for _, name, text in blocks(FIRST) if name == "my_plugin.py")
    ast.parse(text)
    assert len([line for line in text.splitlines() if line.strip()]) <= LINES


async def test_the_first_plugins_tool_is_used(folder: Path) -> None:
    settings = load(
        config=folder / "plugins.toml", data_dir=folder, environ={}, flags={"defaults.strategy": "loop"}, shipped=False
    )
    provider = ScriptedProvider(calls(("count_kinds", "{}")), says("Two of Python."))
    async with kernel_host(folder, provider=provider, settings=settings) as host:
        session = await host.open()
        assert await host.run(session, "Which kinds of files are here?") == e.TurnFinished(steps=2)
        (result,) = [event for event in await events(session) if isinstance(event, e.ToolFinished)]
    assert result.text == "py: 2, toml: 2"
    assert host.kernel.host.state("count_kinds") == "on"


def test_its_commands_do_what_the_page_says(folder: Path) -> None:
    listing, run, check = commands()
    listed = ran(folder, listing)
    assert "Tool: count_kinds." in listed
    assert "quarantined" not in listed
    assert run.startswith("pillion run --config plugins.toml ")  # it needs a model
    assert re.search(r"\b7 passed", ran(folder, f"{check} -p no:cacheprovider"))


def test_its_links_lead_somewhere() -> None:
    for link in re.findall(r"\]\(([^)#]+)", FIRST.read_text("utf-8")):
        assert (FIRST.parent / link).exists(), link


def test_its_entry_point_is_sound() -> None:
    (text,) = (text for _, name, text in blocks(FIRST) if name == "pyproject.toml")
    module, _, name = tomllib.loads(text)["project"]["entry-points"]["pillion"]["count_kinds"].partition(":")
    assert (f"{module}.py", name) == ("my_plugin.py", "Plugin")
