"""Folders and files swapped for links that lead out, while they are searched and listed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio

from pillion.errors import PillionError
from pillion.hookspecs import TurnInfo
from pillion.localworkspace import LocalWorkspace
from pillion_files.footing import footing
from pillion_files.plugin import Config, Plugin
from pillion_files.ripgrep import find_ripgrep

RACES = 10_000
CALLS = 25
"""Of each tool: the program takes its time. Of a folder that is taken by its name half of them lead out."""
SWAPPER = Path(__file__).parents[2] / "core" / "swapper.py"


@pytest.fixture
def ground(folder: Path) -> Path:
    """A workspace with `in/door` and `in/link`, which leads to a folder outside; each has a `name`."""
    (folder.parent / "outside").mkdir()
    (folder.parent / "outside" / "secret.txt").write_text("needle of others\n")
    (folder / "in" / "door").mkdir(parents=True)
    (folder / "in" / "door" / "own.txt").write_text("needle\n")
    (folder / "in" / "door" / "wall.txt").symlink_to(folder.parent / "outside" / "secret.txt")
    (folder / "in" / "link").symlink_to(folder.parent / "outside")
    return folder


@contextmanager
def swapping(folder: Path, one: str, other: str) -> Iterator[None]:
    program = [sys.executable, str(SWAPPER), one, other]
    with subprocess.Popen(program, cwd=folder, stdout=subprocess.PIPE) as swapper:
        try:
            assert swapper.stdout is not None and swapper.stdout.readline() == b"begun\n"
            yield
            assert swapper.poll() is None, "it swapped to the end"
        finally:
            swapper.kill()


WAYS = [
    ("search", {"pattern": "needle", "folder": "in/door"}, ("in", "door", "link")),
    ("glob", {"pattern": "*.txt", "folder": "in/door"}, ("in", "door", "link")),
    ("list_files", {"folder": "in/door"}, ("in", "door", "link")),
    ("search", {"pattern": "needle"}, ("in", "door", "link")),
    ("search", {"pattern": "needle", "folder": "in/door/own.txt"}, ("in/door", "own.txt", "wall.txt")),
]


@pytest.mark.promise("files.inside")
@pytest.mark.parametrize(("name", "arguments", "swapped"), WAYS)
async def test_no_tool_looks_into_what_was_swapped_in(
    ground: Path, call: Any, name: str, arguments: dict[str, str], swapped: tuple[str, str, str]
) -> None:
    tool: Any = {t.name: t for t in Plugin(Config()).register_tools(TurnInfo("", "", "", None, call.workspace, False))}
    tool = tool[name]
    seen: list[str] = []
    with swapping(ground / swapped[0], *swapped[1:]), trio.fail_after(60):
        for _ in range(20 * CALLS):
            try:
                seen.append(await tool.run(msgspec.convert(arguments, tool.Arguments), call))
            except PillionError:
                continue
            if len(seen) >= CALLS and any("own.txt" in said for said in seen):
                break
    assert any("own.txt" in said for said in seen)
    assert [said for said in seen if "secret" in said or "others" in said] == []


@pytest.mark.promise("files.inside")
@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("search", {"pattern": "needle", "context": 1}),
        ("glob", {"pattern": "*.txt"}),
        ("list_files", {"depth": 5}),
    ],
)
async def test_what_was_swapped_in_while_the_root_was_walked_is_not_shown(
    ground: Path, call: Any, tmp_path: Path, name: str, arguments: dict[str, Any]
) -> None:
    """A swap between two steps of a walk makes ripgrep follow a link, as it does here each time."""
    program = tmp_path / "rg"
    program.write_text(f'#!/bin/sh\nexec "{find_ripgrep()}" --follow "$@"\n')
    program.chmod(0o755)
    turn = TurnInfo("", "", "", None, call.workspace, False)
    (tool,) = (t for t in Plugin(Config(ripgrep=str(program))).register_tools(turn) if t.name == name)
    said = await tool.run(msgspec.convert(arguments, tool.Arguments), call)
    assert "own.txt" in said
    assert "secret" not in said and "others" not in said


@pytest.mark.promise("files.inside")
@pytest.mark.parametrize(("place", "swapped"), [("in/door", WAYS[0][2]), ("in/door/own.txt", WAYS[-1][2])])
async def test_ten_thousand_races_give_the_program_no_other_folder(
    ground: Path, place: str, swapped: tuple[str, str, str]
) -> None:
    inside = {os.stat(ground / place).st_ino}
    found: Counter[object] = Counter()
    with swapping(ground / swapped[0], *swapped[1:]), trio.fail_after(100):
        for _ in range(RACES // 2):
            try:
                async with footing(LocalWorkspace(ground).root, f"./{place}") as stand:
                    found[os.stat(stand.folder / place).st_ino] += 1
            except PillionError as error:
                found[type(error)] += 1
    assert {one for one in found if not isinstance(one, type)} == inside
    assert len(found) > 1, "the swaps were met"
