"""Symbols of a workspace: found by name, kept by content, exact after every change, and no grammar can hold them up."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import msgspec
import pytest
import trio

from pillion import LocalWorkspace
from pillion.contracts.code import CodeFile, Symbol, Use
from pillion.kernel import Kernel, open_kernel
from pillion.processes import Processes
from pillion.testing.kit import plain_settings
from pillion_storage.plugin import Config as StorageConfig
from pillion_storage.plugin import Plugin as Storage
from pillion_syntax import indexing, worker
from pillion_syntax.indexing import Indexes, Table
from pillion_syntax.keeping import Keeping
from pillion_syntax.matching import definitions, uses
from pillion_syntax.plugin import Plugin
from pillion_syntax.reading import Read, Reader
from pillion_syntax.searching import FindSymbol, References, SymbolArguments
from pillion_syntax.symbolroutes import SymbolsQuery, SymbolsView, SymbolView, UseView
from pillion_syntax.workers import Workers

from ...meta import pages
from ...runtime.conftest import serving
from ..conftest import RealCall, looked_at

LAMP = "class Lamp:\n    def glow(self):\n        return wick(1)\n"
WICK = "import os\n\n\ndef wick(n: Lamp):\n    return os.getpid()  # wick\n"
HANGS = "import time\ntime.sleep(600)\ndef language():\n    raise RuntimeError\n"


@pytest.fixture
def work(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "lamp.py").write_text(LAMP)
    (folder / "wick.py").write_text(WICK)
    (folder / ".env").write_text("KEY=1")
    return folder


@pytest.fixture
async def kernel(tmp_path: Path) -> AsyncIterator[Kernel]:
    settings = plain_settings(tmp_path, defaults__store="storage")
    with trio.fail_after(60):
        async with open_kernel(settings, plugins={"storage": Storage(StorageConfig()), "syntax": Plugin()}) as kernel:
            yield kernel


@pytest.fixture(autouse=True)
def by_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """However few files there are."""
    monkeypatch.setattr(indexing, "FEW", 0)


class Counted(Workers):
    """Real ones, which tell what they were given to read."""

    def __init__(self, processes: Processes, seconds: float = 5.0) -> None:
        super().__init__(processes, seconds)
        self.given: list[str] = []

    async def read(self, root, files, jobs, take):  # type: ignore[no-untyped-def]
        self.given += sorted(path for path, _ in jobs)
        return await super().read(root, files, jobs, take)


def indexes(kernel: Kernel, door: Keeping | None = None) -> tuple[Indexes, Counted]:
    found, workers = Indexes(Reader()), Counted(kernel.processes)
    found.begin(kernel.processes, door or Keeping(None), workers)
    return found, workers


def told(table: Table, name: str) -> list[str]:
    return [f"{path}:{one.line} {one.kind} {one.path}" for path, one in definitions(table, name)]


def test_the_search_for_cycles_passes_a_table_over() -> None:
    table, before = Table(), looked_at()
    for number in range(500):
        symbol, use = Symbol("function", f"wick_{number}", "", 1, 1, 1, "def"), Use("call", f"coin_{number}", (1,))
        file = CodeFile(f"{number}.py", str(number), "python", (symbol,), (use,))
        table.put(file.path, (1, number), file.hash, msgspec.msgpack.encode(file))
    assert looked_at() - before < 100


async def test_a_name_is_found_where_it_is_defined_and_used(kernel: Kernel, work: Path) -> None:
    index, _ = indexes(kernel)
    table = await index.table(LocalWorkspace(work))
    assert told(table, "glow") == told(table, "Lamp.glow") == ["lamp.py:2 method Lamp.glow"]
    assert told(table, "Wick.glow") == []
    assert told(table, "la") == ["lamp.py:1 class Lamp"]  # a part, where nothing is called so
    assert [(path, [(one.kind, one.lines) for one in some]) for path, some in uses(table, "wick")] == [
        ("lamp.py", [("call", (3,))])
    ]
    assert [one.kind for _, some in uses(table, "Lamp") for one in some] == ["type"]
    assert set(table.hashes) == {"lamp.py", "wick.py"}


async def test_only_what_has_changed_is_read_again(kernel: Kernel, work: Path) -> None:
    index, workers = indexes(kernel)
    workspace = LocalWorkspace(work)
    await index.table(workspace)
    assert workers.given == ["lamp.py", "wick.py"]
    (work / "lamp.py").write_text(LAMP.replace("glow", "shine"))
    (work / "deep").mkdir()
    (work / "deep/new.py").write_text("def new(): pass\n")
    (work / "wick.py").unlink()
    table = await index.table(workspace)
    assert workers.given[2:] == ["deep/new.py", "lamp.py"]
    assert (told(table, "shine"), told(table, "glow"), told(table, "wick")) == (["lamp.py:2 method Lamp.shine"], [], [])
    assert told(table, "new") == ["deep/new.py:1 function new"]
    assert (await index.table(workspace), workers.given[4:]) == (table, [])


class Started(Processes):
    """Real ones, which tell what was started."""

    def __init__(self) -> None:
        super().__init__({"PATH": os.environ["PATH"]})
        self.programs: list[str] = []

    def start(self, argv, **options):  # type: ignore[no-untyped-def]
        self.programs.append(Path(argv[0]).name)
        return super().start(argv, **options)


async def test_the_tree_is_walked_again_only_where_files_came_or_went(work: Path) -> None:
    index, processes = Indexes(Reader()), Started()
    index.begin(processes, Keeping(None))
    with trio.fail_after(60):
        await index.table(LocalWorkspace(work))
        (work / "lamp.py").write_text(LAMP.replace("glow", "shine"))
        table = await index.table(LocalWorkspace(work))
        assert (told(table, "shine"), processes.programs.count("rg")) == (["lamp.py:2 method Lamp.shine"], 1)
        (work / "new.py").write_text("def new(): pass\n")
        table = await index.table(LocalWorkspace(work))
        assert (told(table, "new"), processes.programs.count("rg")) == (["new.py:1 function new"], 2)


async def test_a_few_small_files_need_no_process(kernel: Kernel, work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index, workers = indexes(kernel)
    monkeypatch.setattr(indexing, "FEW", 1)
    await index.table(LocalWorkspace(work))
    (work / "lamp.py").write_text(LAMP.replace("glow", "shine"))
    table = await index.table(LocalWorkspace(work))
    assert (workers.given, told(table, "shine")) == (["lamp.py", "wick.py"], ["lamp.py:2 method Lamp.shine"])


async def test_the_file_cache_keeps_it_for_the_next_start(kernel: Kernel, work: Path) -> None:
    from pillion_storage.filecache import FileCacheDoor

    keeping = Keeping(FileCacheDoor(kernel.store))
    for name in ("lamp.py", "wick.py"):
        os.utime(work / name, ns=(1, 1_700_000_000_000_000_000))
    first, workers = indexes(kernel, keeping)
    await first.table(LocalWorkspace(work))
    (work / "lamp.py").write_text(LAMP + "\nx = 1\n")
    second, again = indexes(kernel, keeping)
    table = await second.table(LocalWorkspace(work))
    assert (workers.given, again.given) == (["lamp.py", "wick.py"], ["lamp.py"])
    assert told(table, "wick") == ["wick.py:4 function wick"]


async def test_a_file_that_has_just_been_written_is_not_believed_to_stay(kernel: Kernel, work: Path) -> None:
    from pillion_storage.filecache import FileCacheDoor

    keeping = Keeping(FileCacheDoor(kernel.store))
    soon = time.time_ns() + 3600 * 10**9  # later than whenever this machine comes to read it
    for name in ("lamp.py", "wick.py"):
        os.utime(work / name, ns=(soon, soon))
    first, _ = indexes(kernel, keeping)
    await first.table(LocalWorkspace(work))
    second, again = indexes(kernel, keeping)
    await second.table(LocalWorkspace(work))
    assert again.given == ["lamp.py", "wick.py"]


async def test_a_grammar_that_hangs_or_dies_costs_its_file_alone(tmp_path: Path, work: Path) -> None:
    (tmp_path / "tree_sitter_stuck.py").write_text(HANGS)
    (tmp_path / "tree_sitter_dead.py").write_text("import os\nos._exit(1)\n")
    data = [tmp_path / f"{name}.toml" for name in ("stuck", "dead")]
    for file in data:
        file.write_text(f'name = "{file.stem}"\nextensions = ["{file.stem}"]\n')
    (tmp_path / "python.toml").write_text((Reader().files[0].parent / "python.toml").read_text())
    processes = Processes({"PATH": os.environ["PATH"]})
    found: list[Read] = []
    jobs = [("lamp.py", "python"), ("a.stuck", "stuck"), ("b.dead", "dead"), ("wick.py", "python")]
    for path, _ in jobs:
        (work / path).touch()
    sys.path.append(str(tmp_path))
    try:
        with trio.fail_after(60):
            hung = await Workers(processes, 3.0, 20.0).read(work, [*data, tmp_path / "python.toml"], jobs, found.append)
    finally:
        sys.path.remove(str(tmp_path))
    assert hung == ["a.stuck", "b.dead"]
    assert [one.path for one in found] == ["lamp.py", "wick.py"]


def test_a_text_of_nothing_but_brackets_counts_as_empty(work: Path) -> None:
    (work / "deep.py").write_bytes(b"def light(): pass\n" + b"(" * 20_000)
    found = worker.read(Reader().languages, work, "deep.py", "python")
    assert (found.path, found.language, found.size) == ("deep.py", "", 20_018)


async def test_tools_tell_places(kernel: Kernel, call: RealCall, folder: Path) -> None:
    (folder / "lamp.py").write_text(LAMP)
    (folder / "wick.py").write_text(WICK)
    index, _ = indexes(kernel)
    find, refer = FindSymbol(index), References(index)
    assert await find.run(SymbolArguments("glow"), call) == "lamp.py:2 method Lamp: def glow(self):"
    assert await find.run(SymbolArguments("glow", "class"), call) == "[nothing is called glow]"
    assert await refer.run(SymbolArguments("wick"), call) == (
        "wick.py:4 defines function wick\nlamp.py:3 call: return wick(1)"
    )


async def test_symbols_over_http(tmp_path: Path, work: Path) -> None:
    async with serving(tmp_path, plugins={"syntax": Plugin()}) as server:
        session = await server.session(workspace=str(work))
        asked = f"/api/sessions/{session}/symbols"
        found = (await server.client.get(f"{asked}?name=wick&uses=true")).json()
        assert [(one["path"], one["line"]) for one in found["data"]] == [("wick.py", 4)]
        assert found["uses"] == [{"path": "lamp.py", "kind": "call", "lines": [3]}]
        everything = (await server.client.get(f"{asked}?path=lamp.py&limit=1")).json()
        assert ([one["name"] for one in everything["data"]], everything["complete"]) == (["Lamp"], False)
        assert everything["files"] == 2


@pytest.mark.parametrize(
    ("table", "kind"),
    [("query", SymbolsQuery), ("answer", SymbolsView), ("definition", SymbolView), ("use", UseView)],
)
def test_the_page_has_every_field_of_symbols(table: str, kind: type) -> None:
    sections = pages.sections(pages.text("docs/howto/code.md"), "###")
    assert pages.tables(sections["GET /api/sessions/{id}/symbols"])[table] >= set(kind.__struct_fields__)  # type: ignore[attr-defined]


async def test_a_parameter_of_the_same_name_is_no_use_of_it(kernel: Kernel, work: Path) -> None:
    (work / "oil.py").write_text("from oils import wick\n\n\ndef pour(wick, oil):\n    return wick(oil)\n\n\nwick(2)\n")
    table = await indexes(kernel)[0].table(LocalWorkspace(work))
    assert {path: [(one.kind, one.lines) for one in some] for path, some in uses(table, "wick")} == {
        "lamp.py": [("call", (3,))],
        "oil.py": [("call", (8,)), ("import", (1,))],
    }
    assert [one.lines for _, some in uses(table, "oil") for one in some] == [(4, 5)]  # nothing else is called so


class Unsaved(LocalWorkspace):
    """With texts of an editor, as a session's workspace has them."""

    unsaved: Mapping[str, bytes]


async def test_what_an_editor_holds_counts_for_its_session_alone(kernel: Kernel, work: Path) -> None:
    (work / ".gitignore").write_text("made.py\n")
    (work / "made.py").write_text("def wick(): pass\n")
    index, mine = indexes(kernel)[0], Unsaved(work)
    text = LAMP.replace("glow", "shine").encode()
    mine.unsaved = {"lamp.py": text, "new.py": b"wick(2)\n", "made.py": b"wick(3)\n", ".env": b"wick=4"}
    table = await index.table(mine)
    assert (told(table, "shine"), told(table, "Lamp.glow")) == (["lamp.py:2 method Lamp.shine"], [])
    assert [path for path, _ in uses(table, "wick")] == ["lamp.py", "new.py"]  # what is ignored stays so
    assert table.file("lamp.py").hash == table.hashes["lamp.py"]  # type: ignore[union-attr]
    assert set(table.hashes) == {"lamp.py", "wick.py", "new.py"}
    assert told(await index.table(LocalWorkspace(work)), "glow") == ["lamp.py:2 method Lamp.glow"]
