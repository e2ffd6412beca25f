"""`python tests/bench/code.py`: how quickly code is known, on generated Python files: the first table, an update after
an edit, a second start, a first and a warm map, a search, each with how late the loop was at most; and how many MB of
Python's standard library one core parses, and reads, in a second.

How well map and search find what was changed: tests/bench/found.py. Nothing here passes or fails.
"""

from __future__ import annotations

import argparse
import gc
import os
import random
import resource
import sysconfig
import tempfile
import time
from collections.abc import Awaitable
from pathlib import Path

import trio
from tree_sitter import Parser

from pillion import LocalWorkspace
from pillion.kernel import Kernel, open_kernel
from pillion.settings import load
from pillion_index.searches import Asked, Searches
from pillion_repomap.maps import Maps, Wanted
from pillion_repomap.tool import quarter
from pillion_syntax.parsing import grammar
from pillion_syntax.reading import Reader
from pillion_syntax.symbols import symbols_of

WORDS = ("lamp", "wick", "street", "shop", "till", "coin", "road", "glow", "light", "house", "money", "walk")

BEFORE = time.time() - 60
"""A file of just now may change again within its time, so what is read of it is not kept."""


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
        file = place / f"f{number}.py"
        file.write_text("\n".join(lines))
        os.utime(file, (BEFORE, BEFORE))


def read_per_second() -> str:
    language = Reader().languages.all["python"]
    sources = [path.read_bytes() for path in sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))]
    size, took = sum(map(len, sources)) / 1e6, []
    parser = Parser(grammar(language))
    symbols_of(language, "", "", b"", parser.parse(b""))  # its queries are compiled
    for look in (parser.parse, lambda data: symbols_of(language, "", "", data, parser.parse(data))):
        began = time.perf_counter()
        for data in sources:
            look(data)
        took.append(size / (time.perf_counter() - began))
    return f"{size:.1f} MB of Python: {took[0]:.1f} MB/s parsed, {took[1]:.1f} MB/s read for a table and its index"


async def quick(files: int) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        work, data = Path(scratch, "work"), Path(scratch, "data")
        await trio.to_thread.run_sync(generate, work, files)
        for start in ("first", "second"):
            async with opened(data) as kernel:
                gc.freeze()  # as a server does when it has begun
                gc.set_threshold(10_000)
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


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--files", type=int, nargs="*", default=[1000, 5000])
    given = options.parse_args()
    for files in given.files:
        trio.run(quick, files)
    print(read_per_second(), flush=True)


if __name__ == "__main__":
    main()
