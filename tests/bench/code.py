"""`python tests/bench/code.py`: what is known of code: how quickly, and how well map and search find what was changed.

Quickness on generated Python files: the first table, an update after an edit, a second start, a first and a warm map, a
search, each with how late the loop was at most. Quality on this repository's own history: the tree as it was `--back`
commits ago, and the commits since then that changed two to fifteen of its source files. `map`: the share of a commit's
other files that are in the map, given one of them. `search`: the share of its files among the first ten, given its
subject. Beside them two baselines that take as many files: by name, and those that were changed last. Nothing here
passes or fails.
"""

from __future__ import annotations

import argparse
import random
import resource
import shutil
import subprocess
import tempfile
import time
from collections import defaultdict
from collections.abc import Awaitable
from pathlib import Path
from statistics import mean

import trio

from pillion import LocalWorkspace, ToolError
from pillion.kernel import Kernel, open_kernel
from pillion.settings import load
from pillion_index.searches import Asked, Searches
from pillion_repomap.maps import Maps, Wanted
from pillion_repomap.tool import quarter

ROOT = Path(__file__).parents[2]
BUDGETS = (1000, 2000, 4000)
PROSE = frozenset(["markdown", "toml", "json", "yaml", "html", "css"])
"""Languages whose files no map shows."""
WORDS = ("lamp", "wick", "street", "shop", "till", "coin", "road", "glow", "light", "house", "money", "walk")


def generate(folder: Path, files: int) -> None:
    """Python files of about 2 KB, each of which calls functions of six others."""
    chance = random.Random(1)
    for number in range(files):
        place = folder / f"p{number % 40}" / f"m{number % 200}"
        place.mkdir(parents=True, exist_ok=True)
        lines = ["import os", ""]
        for at in range(8):
            word = chance.choice(WORDS)
            lines += [f"def {word}_{number}_{at}(self, value):", f'    """Does {word}."""']
            lines += [f"    value = {chance.choice(WORDS)}_{chance.randrange(files)}_{at}(value)  # {word}"] * 2
            lines += ["    return [value for value in os.environ if value]", "", ""]
        (place / f"f{number}.py").write_text("\n".join(lines))


async def quick(files: int) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        work, data = Path(scratch, "work"), Path(scratch, "data")
        await trio.to_thread.run_sync(generate, work, files)
        for start in ("first", "second"):
            async with opened(data) as kernel:
                code, workspace = kernel.catalog.code(), LocalWorkspace(work)
                assert code is not None
                told = [f"{files} files, {start} start: table {await timed(code.table(workspace))}"]
                if start == "first":
                    told += await _warm(kernel, workspace, work)
                print("; ".join(told), flush=True)
    print(f"memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MiB", flush=True)


async def _warm(kernel: Kernel, workspace: LocalWorkspace, work: Path) -> list[str]:
    maps, searches = Maps(), Searches()
    maps.kernel = searches.kernel = kernel
    code = kernel.catalog.code()
    assert code is not None
    told = [f"first map {await timed(maps.make(workspace, Wanted(), 1000, quarter))}"]
    told.append(f"first search {await timed(searches.find(workspace, Asked('lamp coin')))}")
    await trio.to_thread.run_sync(_edit, work)
    told.append(f"table after an edit {await timed(code.table(workspace))}")
    told.append(f"map after an edit {await timed(maps.make(workspace, Wanted(), 1000, quarter))}")
    await timed(searches.find(workspace, Asked("lamp")))
    told.append(f"search {await timed(searches.find(workspace, Asked('street money')))}")
    return told


def _edit(work: Path) -> None:
    file = next(work.rglob("f1.py"))
    file.write_text(file.read_text() + "\n\ndef shine():\n    pass\n")


async def _lag(worst: list[float]) -> None:
    while True:
        began = trio.current_time()
        await trio.sleep(0.005)
        worst[0] = max(worst[0], trio.current_time() - began - 0.005)


async def timed(work: Awaitable[object]) -> str:
    """How long it took, and how long the loop was held up at most meanwhile."""
    worst = [0.0]
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_lag, worst)
        began = time.perf_counter()
        await work
        took = time.perf_counter() - began
        nursery.cancel_scope.cancel()
    return f"{took * 1000:.0f} ms (the loop {worst[0] * 1000:.0f})"


def opened(data: Path):  # type: ignore[no-untyped-def]
    return open_kernel(load(data_dir=data, environ={"PATH": "/usr/bin:/bin"}, flags={"plugins.web.enabled": False}))


async def good(back: int) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        work = Path(scratch, "work")
        commits = await trio.to_thread.run_sync(_history, work, back)
        async with opened(Path(scratch, "data")) as kernel:
            maps, searches = Maps(), Searches()
            maps.kernel = searches.kernel = kernel
            workspace = LocalWorkspace(work)
            code = kernel.catalog.code()
            assert code is not None
            table = await code.table(workspace)
            known = {path for path in table.hashes if (file := table.file(path)) and file.language not in PROSE}
            recent = await trio.to_thread.run_sync(_recent, work, known)
            found: dict[str, list[float]] = defaultdict(list)
            for subject, changed in commits:
                files = [path for path in changed if path in known]
                if 2 <= len(files) <= 15:
                    await _measured(found, maps, searches, workspace, subject, files, sorted(known), recent)
    print(f"{len(found['search, first 10'])} commits")
    for name, shares in found.items():
        print(f"| {name} | {mean(shares):.1%} |")


async def _measured(
    found: dict[str, list[float]], maps: Maps, searches: Searches, workspace: LocalWorkspace, subject: str,
    files: list[str], names: list[str], recent: list[str],
) -> None:  # fmt: skip
    given, others = files[0], set(files[1:])
    for budget in BUDGETS:
        try:
            shown = (await maps.make(workspace, Wanted((given,)), budget, quarter)).shown
        except ToolError:
            shown = ()
        for name, paths in (("map", shown), ("by name", names), ("changed last", recent)):
            some = [path for path in paths if path != given][: len(shown)]
            found[f"{name}, {budget} tokens"].append(len(others & set(some)) / len(others))
    hits = [one.path for one in await searches.find(workspace, Asked(subject))]
    for name, paths in (("search", hits), ("by name", names), ("changed last", recent)):
        found[f"{name}, first 10"].append(len(set(files) & set(paths[:10])) / len(files))


def _git(*arguments: str) -> str:
    return subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=True).stdout


def _history(work: Path, back: int) -> list[tuple[str, list[str]]]:
    """The tree of that time into `work`, and the commits since: subject and files."""
    work.mkdir()
    archive = subprocess.run(["git", "-C", str(ROOT), "archive", f"HEAD~{back}"], capture_output=True, check=True)
    subprocess.run(["tar", "x", "-C", str(work)], input=archive.stdout, check=True)
    log = _git("log", "--no-merges", "--name-only", "--format=%x01%s", f"HEAD~{back}..HEAD")
    parts = [entry.strip().split("\n") for entry in log.split("\x01") if entry.strip()]
    (work.parent / "recent").write_text(_git("log", "--name-only", "--format=", "-n", "400", f"HEAD~{back}"))
    return [(subject, [path for path in paths if path]) for subject, *paths in parts]


def _recent(work: Path, known: set[str]) -> list[str]:
    changed = (work.parent / "recent").read_text().split("\n")
    return [path for path in dict.fromkeys(changed) if path in known]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--files", type=int, nargs="*", default=[1000, 5000])
    options.add_argument("--back", type=int, default=150)
    given = options.parse_args()
    if not shutil.which("git"):
        raise SystemExit("There is no git.")
    for files in given.files:
        trio.run(quick, files)
    if given.back:
        trio.run(good, given.back)


if __name__ == "__main__":
    main()
