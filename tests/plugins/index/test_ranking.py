"""Several lists are one: what is found by several ways comes first, each file says why, and what fails is left out."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import trio

from pillion import ToolError, Workspace, hookimpl
from pillion.testing.kit import Host, kernel_host
from pillion_index.plugin import Config, Plugin
from pillion_index.ranking import Ranking, joined
from pillion_index.searches import Asked, Found, Searches
from pillion_index.tool import FindCode, SearchArguments
from pillion_repomap.plugin import Config as MapConfig
from pillion_repomap.plugin import Plugin as RepoMap
from pillion_syntax.plugin import Plugin as Syntax

from ..conftest import RealCall


class Fixed:
    """A plugin whose ranker says what it was told to; an error is raised, a number are seconds that it waits."""

    name, weight = "fixed", 1.0

    def __init__(self, says: Any) -> None:
        self.says = says
        self.near: Sequence[str] = ()

    @hookimpl(optionalhook=True)
    def register_rankers(self) -> Sequence[Fixed]:
        return [self]

    async def rank(self, workspace: Workspace, near: Sequence[str], question: str) -> Mapping[str, tuple[float, str]]:
        self.near = near
        if isinstance(self.says, float):
            await trio.sleep(self.says)
        if isinstance(self.says, Exception):
            raise self.says
        found: Mapping[str, tuple[float, str]] = self.says
        return found


def test_what_several_ways_find_comes_before_what_one_is_sure_of() -> None:
    first = Ranking("words", 1.0, ["a", "b"], {"a": "words: x", "b": "words: y"})
    second = Ranking("map", 0.5, ["b", "c"], {"b": "used by a", "c": ""})
    placed = joined([first, second], 10)
    assert [(one.path, one.reasons) for one in placed] == [
        ("b", ("words: y", "used by a")),
        ("a", ("words: x",)),
        ("c", ()),
    ]
    assert [one.score for one in placed] == [
        pytest.approx(1 / 1.1 + 0.5, abs=1e-3),
        1.0,
        pytest.approx(0.5 / 1.1, abs=1e-3),
    ]
    assert [one.path for one in joined([first, second], 1)] == ["b"]


@pytest.fixture
async def host(tmp_path: Path, folder: Path) -> AsyncIterator[Host]:
    (folder / "lamp.py").write_text("def light_wick():\n    pass\n")
    (folder / "shop.py").write_text("from lamp import light_wick\n\n\ndef sell():\n    light_wick()\n    count()\n")
    (folder / "till.py").write_text("def count():\n    pass\n")
    (folder / "road.py").write_text("def walk():\n    pass\n")
    fixed = Fixed({"road.py": (3.0, "liked"), "gone.py": (9.0, "liked")})
    plugins = {"syntax": Syntax(), "index": Plugin(Config()), "repomap": RepoMap(MapConfig()), "fixed": fixed}
    with trio.fail_after(60):
        async with kernel_host(tmp_path, plugins=plugins) as host:
            yield host


def searches_of(host: Host) -> Searches:
    made = Searches()
    made.kernel = host.kernel
    return made


def reasons(found: Sequence[Found]) -> dict[str, tuple[str, ...]]:
    return {one.path: one.reasons for one in found}


async def test_a_file_says_why_it_stands_where_it_does(host: Host, call: RealCall) -> None:
    asked = Asked("sell", by="all", files=("road.py", "nowhere.py"))
    found = await searches_of(host).find(call.workspace, asked)
    assert reasons(found) == {
        "shop.py": ("words: sell",),
        "road.py": ("open", "liked"),
        "till.py": ("used by shop.py",),
        "lamp.py": ("used by shop.py",),
    }
    assert {one.path for one in found if one.first} == {"shop.py"}
    assert list(host.kernel.host.plugins()["fixed"].near) == ["road.py", "shop.py"]


async def test_the_tool_tells_reasons_and_takes_what_is_unsaved_as_open(host: Host, call: RealCall) -> None:
    call.workspace.unsaved = {"till.py": b""}  # type: ignore[attr-defined]  # as an editor's workspace has it
    said = await FindCode(searches_of(host)).run(SearchArguments("wick", by="all", limit=2), call)
    assert sorted(said.split("\n")) == [
        "    def light_wick():", "    def sell():", "lamp.py:1-2 (words: wick)", "shop.py:1-6 (words: wick)"
    ]  # fmt: skip
    assert next(iter(host.kernel.host.plugins()["fixed"].near)) == "till.py"


@pytest.mark.parametrize("says", [ToolError("not here"), 60.0])
async def test_a_list_that_fails_or_is_late_is_left_out(host: Host, call: RealCall, says: Any) -> None:
    host.kernel.host.plugins()["fixed"].says = says
    found = reasons(await searches_of(host).find(call.workspace, Asked("walk", by="all")))
    assert found["road.py"] == ("words: walk",)


def test_the_command_needs_no_server_and_knows_what_was_committed(tmp_path: Path, folder: Path) -> None:
    (folder / "lamp.py").write_text("def light_wick():\n    pass\n")
    (folder / "road.py").write_text("def walk():\n    pass\n")
    for words in ("init -q", "add -A", "-c user.name=Ann -c user.email=a@example.org commit -qm x"):
        subprocess.run(["git", *words.split()], cwd=folder, check=True)
    argv = [sys.executable, "-m", "pillion_runtime.cli.main", "search", "--data-dir", str(tmp_path / "data")]
    run = subprocess.run(
        [*argv, "--by", "all", "--json", "--file", "road.py", "wick"], cwd=folder, capture_output=True, check=True
    )
    data = json.loads(run.stdout)["data"]
    assert [one["path"] for one in data] == ["lamp.py", "road.py"]
    assert data[0]["reasons"] == ["words: wick", "1 commit, the last today", "1 commit with road.py"]
    run = subprocess.run([*argv, "--limit", "1", "walk"], cwd=folder, capture_output=True, check=True, text=True)
    assert run.stdout == "road.py:1-2 (words: walk)\n    def walk():\n"
