"""A map shows what matters: what is used much, by what is asked about, within its tokens."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trio

from pillion import LocalWorkspace, ToolError, Turn
from pillion.contracts.code import CodeFile, Symbol, Use
from pillion.testing.kit import Host, StrategyPlugin, kernel_host
from pillion.testing.scripted import calls, says
from pillion_repomap.graph import Graph
from pillion_repomap.maps import Maps, Wanted, wanted_of
from pillion_repomap.plugin import Config, Plugin
from pillion_repomap.rendering import rendered
from pillion_repomap.tool import MapArguments, RepoMap, quarter
from pillion_syntax.plugin import Plugin as Syntax

from ..conftest import RealCall, looked_at

LAMP = "class Lamp:\n    def glow(self):\n        pass\n\n\ndef light():\n    pass\n"
SHOP = "from lamp import light\n\n\ndef sell():\n    light()\n    Lamp().glow()\n"


class Tables:
    """A table as the contract says, written by hand."""

    def __init__(self) -> None:
        self.files: dict[str, CodeFile] = {}
        self.asked: list[str] = []

    @property
    def hashes(self) -> dict[str, str]:
        return {path: file.hash for path, file in self.files.items()}

    def put(self, path: str, defines: str = "", calls: str = "", hash: str = "1") -> None:
        symbols = [
            Symbol("function", name, "", 1 + n, 1 + n, 1 + n, f"def {name}():")
            for n, name in enumerate(defines.split())
        ]
        uses = [Use("call", name, (1,)) for name in calls.split()]
        self.files[path] = CodeFile(path, hash, "python", tuple(symbols), tuple(uses))

    def file(self, path: str) -> CodeFile | None:
        self.asked.append(path)
        return self.files.get(path)


@pytest.fixture
def tables() -> Tables:
    """Everything uses the lamp; the shop uses the till, which is its own."""
    made = Tables()
    made.put("lamp.py", "light dim")
    made.put("till.py", "count_coins")
    made.put("shop.py", "sell", "count_coins light")
    made.put("house.py", "live", "light dim")
    made.put("street.py", "walk", "light")
    return made


def first(graph: Graph, *focus: str, names: tuple[str, ...] = ()) -> list[str]:
    return [one.symbol.name for one in graph.ranked(focus, names, 100)]


def test_what_many_use_comes_first_and_what_is_asked_about_before_it(tables: Tables) -> None:
    graph = Graph()
    graph.update(tables)
    assert first(graph)[0] == "light"
    assert set(first(graph, "shop.py")[:2]) == {"light", "count_coins"}
    assert "sell" not in first(graph, "shop.py")
    assert first(graph, names=("count_coins",))[0] == "count_coins"


def test_the_search_for_cycles_passes_the_graph_over(tables: Tables) -> None:
    for number in range(500):
        tables.put(f"{number}.py", f"wick_{number} coin_{number}", f"wick_{number + 1} coin_{number + 2}")
    graph, before = Graph(), looked_at()
    graph.update(tables)
    first(graph)
    assert looked_at() - before < 100


def test_an_edit_is_all_that_is_read_again(tables: Tables) -> None:
    graph = Graph()
    assert graph.update(tables) == 5
    tables.asked.clear()
    tables.put("till.py", "light dim", hash="2")
    tables.put("street.py", "walk", "walk_slowly", hash="2")
    del tables.files["house.py"]
    assert graph.update(tables) == 3
    assert sorted(tables.asked) == ["street.py", "till.py"]
    fresh = Graph()
    fresh.update(tables)
    assert {(one.path, one.symbol.name): round(one.rank, 9) for one in graph.ranked((), (), 100)} == {
        (one.path, one.symbol.name): round(one.rank, 9) for one in fresh.ranked((), (), 100)
    }


@pytest.mark.parametrize("budget", [0, 1, 5, 12, 20, 40, 1000])
def test_the_largest_map_that_fits_is_shown(tables: Tables, budget: int) -> None:
    graph = Graph()
    graph.update(tables)
    ranked = graph.ranked((), (), 100)
    found = rendered(ranked, {}, budget, quarter)
    sizes = {text: quarter(text) for n in range(len(ranked) + 1) if (text := rendered(ranked[:n], {}, 10**6, quarter))}
    fitting = [size for size in sizes.values() if size <= budget]
    assert quarter(found) <= budget
    assert quarter(found) >= max(fitting, default=0) * 0.97


def test_what_is_spoken_of_is_names_and_paths() -> None:
    found = wanted_of(["see src/lamp.py: `Lamp.glow` fails"], ["till.py"])
    assert {"src/lamp.py", "till.py"} <= set(found.files)
    assert {"Lamp", "glow"} <= set(found.names)


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[Host]:
    (tmp_path / "work").mkdir()
    (tmp_path / "work/lamp.py").write_text(
        "class Lamp:\n    def glow(self):\n        pass\n\n\ndef light():\n    pass\n"
    )
    (tmp_path / "work/shop.py").write_text("from lamp import light\n\n\ndef sell():\n    light()\n    Lamp().glow()\n")
    plugins = {"syntax": Syntax(), "repomap": Plugin(Config(context=500))}
    with trio.fail_after(60):
        async with kernel_host(tmp_path, plugins=plugins) as host:
            yield host


async def test_the_tool_and_a_map_after_an_edit(host: Host, call: RealCall, folder: Path, tmp_path: Path) -> None:
    maps = Maps()
    maps.kernel = host.kernel
    for name in ("lamp.py", "shop.py"):
        (folder / name).write_bytes((tmp_path / "work" / name).read_bytes())
    tool = RepoMap(maps, 200)
    assert (await tool.run(MapArguments(["shop.py"]), call)).split("\n") == [
        "lamp.py:",
        "    1 class Lamp:",
        "    2   def glow(self):",
        "    6 def light():",
    ]
    (folder / "lamp.py").write_text("def shine():\n    pass\n")
    found = await maps.make(LocalWorkspace(folder), Wanted(), 200, quarter)
    assert (found.files, "shine" in found.text, "glow" in found.text) == (2, True, False)


class Shows:
    """A strategy that keeps what the turn is told by context providers."""

    name, description = "shows", "Keeps its context."
    told: str = ""

    async def run(self, turn: Turn) -> None:
        self.told = await turn.context(2000)


async def test_a_turn_begins_with_a_map_of_what_it_is_about(tmp_path: Path) -> None:
    (tmp_path / "lamp.py").write_text(LAMP)
    (tmp_path / "shop.py").write_text(SHOP)
    shows, maps = Shows(), Plugin(Config(context=500))
    plugins = {"syntax": Syntax(), "repomap": maps, "shows": StrategyPlugin(shows)}
    with trio.fail_after(60):
        async with kernel_host(tmp_path, plugins=plugins, defaults__strategy="shows") as host:
            session = await host.open()
            await maps.maps.make(LocalWorkspace(tmp_path), Wanted(), 100, quarter)  # so it has been read
            await host.run(session, "mend shop.py")
    assert "Map of the repository" in shows.told
    assert "def light():" in shows.told and "def sell():" not in shows.told


async def test_the_first_map_tells_how_far_it_is(host: Host, tmp_path: Path) -> None:
    for number in range(110):
        (tmp_path / f"lamp{number}.py").write_text("def light():\n    pass\n")
    host.provider.script(calls(("repo_map", "{}")), says("done"))
    session = await host.open()
    watcher = session.follow("latest")
    await session.prompt("go")
    seen: list[tuple[str, dict[str, object]]] = []
    while "turn.finished" not in dict(seen):
        seen += [(frame.type, json.loads(frame.data)) for frame in await watcher.page()]
    told = {(data["note"], data["done"]) for kind, data in seen if kind == "tool.progress"}
    assert ("100 of 112 files read", 100 / 112) in told


async def test_where_nothing_is_defined_there_is_no_map(host: Host, call: RealCall, folder: Path) -> None:
    maps = Maps()
    with pytest.raises(ToolError, match="syntax is off"):
        await maps.make(LocalWorkspace(folder), Wanted(), 100, quarter)
    maps.kernel = host.kernel
    with pytest.raises(ToolError, match="no map"):
        await RepoMap(maps, 100).run(MapArguments(), call)


def test_who_uses_what_is_asked_about_matters_too(tables: Tables) -> None:
    graph = Graph()
    graph.update(tables)
    ranks = graph.ranks(["till.py"], [])
    assert ranks["shop.py"] > ranks["street.py"] == 0
