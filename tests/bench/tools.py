"""`python tests/bench/tools.py`: the file tools beside bare ripgrep and plain reads, on 20,000 generated files.

Ours and the floor take turns in each round, so that a slow minute of the machine hits both. The floor of a search is
`rg PATTERN`, of a list `rg --files`, of a glob `rg --files --glob=PATTERN`, each started and read by the standard
library; of a read, `open().read()`; of an edit, the file read, the text replaced, and a file written and
renamed, it and its folder flushed to the disk. Nothing here passes or fails.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import tempfile
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from itertools import cycle
from pathlib import Path
from statistics import median
from typing import Any

import msgspec
import table
import trio

from pillion import LocalWorkspace, ModelInfo, TurnInfo
from pillion.known import Known
from pillion.processes import Processes
from pillion_edit.plugin import Config as EditConfig
from pillion_edit.plugin import Plugin as Edit
from pillion_files.plugin import Config, Plugin
from pillion_files.ripgrep import find_ripgrep

FILES = 20_000
WORDS = ("alpha", "beta", "gamma", "return", "class", "import", "value", "self", "number", "where", "lamp", "street")
ONE = "p0/m0/f0.py"
LONG = "long.py"
Work = Callable[[], Awaitable[object]]


class Call:
    """As much of a call as the file tools hold."""

    id = session = turn = "bench"
    max_output = 30_000

    async def emit(self, *events: object, blobs: object = None) -> None:
        """The log has a bench of its own."""

    def __init__(self, folder: Path) -> None:
        self.workspace, self.known = LocalWorkspace(folder), Known()
        self.processes = Processes({"PATH": os.environ["PATH"]})


def generate(folder: Path, files: int) -> None:
    """Python-like files, 20 to 120 lines each; one in 200 has a needle."""
    chance = random.Random(1)
    for number in range(files):
        place = folder / f"p{number % 40}" / f"m{number % 200}"
        place.mkdir(parents=True, exist_ok=True)
        lines = [" ".join(chance.choices(WORDS, k=8)) for _ in range(chance.randrange(20, 120))]
        lines += ["a needle"] if number % 200 == 0 else []
        (place / f"f{number}.py").write_text("\n".join(lines) + "\n")


def figures(folder: Path) -> dict[str, tuple[Work, Work, int]]:
    """By name: ours, the floor, and how often each is done in a round."""
    call, ripgrep = Call(folder), find_ripgrep()
    model = ModelInfo("bench/one", context=200_000, output=10_000)
    turn = TurnInfo("bench", "bench", "agent", model, call.workspace, False)
    brought = Plugin(Config()).register_tools(turn)
    tools: dict[str, Any] = {tool.name: tool for tool in brought}

    def ours(name: str, **arguments: Any) -> Work:
        tool, given = tools[name], msgspec.convert(arguments, tools[name].Arguments)
        return lambda: tool.run(given, call)

    def bare(*words: str) -> Work:
        async def run() -> None:
            argv = [ripgrep, "--no-config", *words]
            done = subprocess.run(argv, cwd=folder, capture_output=True, check=False)  # noqa: ASYNC221 - the floor
            done.stdout.decode().splitlines()

        return run

    async def plain() -> None:
        with open(folder / ONE, encoding="utf-8") as file:  # noqa: ASYNC230 - the floor
            file.read()

    (folder / LONG).write_text("".join(f"def f{n}(value):\n    return value + {n}\n" for n in range(5_000)))
    turned = cycle((("value + 2500", "2500 + value"), ("2500 + value", "value + 2500")))
    (editing,) = Edit(EditConfig({"*": "replace"})).register_tools(turn)
    (blocks,) = Edit(EditConfig({"*": "blocks"})).register_tools(turn)

    async def edit() -> None:
        old, new = next(turned)
        await editing.run(editing.Arguments(LONG, f"    return {old}\n", f"    return {new}\n"), call)

    async def block() -> None:
        old, new = next(turned)
        said = f"<<<<<<< SEARCH\n    return {old}\n=======\n    return {new}\n>>>>>>> REPLACE\n"
        await blocks.run(blocks.Arguments(f"{LONG}\n{said}"), call)

    async def plainly_edited() -> None:
        old, new = next(turned)
        with open(folder / LONG, encoding="utf-8") as file:  # noqa: ASYNC230 - the floor
            text = file.read()
        with open(folder / "new", "w", encoding="utf-8") as file:  # noqa: ASYNC230 - the floor
            file.write(text.replace(f"    return {old}\n", f"    return {new}\n"))
            file.flush()
            os.fsync(file.fileno())
        os.rename(folder / "new", folder / LONG)
        place = os.open(folder, os.O_RDONLY)
        os.fsync(place)  # else the new name may be gone after a power cut
        os.close(place)

    async def nothing() -> None:
        await trio.lowlevel.checkpoint()

    small = "p0/m0"
    return {
        "search, 100 hits in 20,000 files": (ours("search", pattern="needle"), bare("-n", "needle"), 1),
        "search, no hit": (ours("search", pattern="nowhere"), bare("-n", "nowhere"), 1),
        "list, 2 levels": (ours("list_files"), bare("--files"), 1),
        "glob, 2,000 of them": (ours("glob", pattern="*7.py"), bare("--files", "--glob=*7.py"), 1),
        "search in a folder of 100 files": (
            ours("search", pattern="needle", folder=small),
            bare("-n", "needle", small),
            5,
        ),
        "read a file": (ours("read_file", path=ONE), plain, 100),
        "edit one of 10,000 lines": (edit, plainly_edited, 10),
        "the same as a block": (block, plainly_edited, 10),
        "a call that does nothing": (nothing, nothing, 100),
    }


async def main(rounds: int, files: int) -> None:
    found: dict[tuple[str, str], list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        generate(folder, files)
        for name, (ours, floor, times) in figures(folder).items():
            await ours()
            await floor()  # both warm
            for number in range(rounds):
                turns = [("ours", ours), ("floor", floor)]
                for who, work in turns if number % 2 else reversed(turns):
                    found[f"{name}, ms", who].append(await spent(work, times))
    table.show(found, ("ours", "floor"))
    for name in dict.fromkeys(name for name, _ in found):
        pairs = list(zip(found[name, "ours"], found[name, "floor"], strict=True))
        ratio = median(ours / floor for ours, floor in pairs)
        over = median(ours - floor for ours, floor in pairs)
        print(f"{name}: {ratio:.2f} of the floor; {over:.2f} ms over it")


async def spent(work: Work, times: int) -> float:
    """Milliseconds of one."""
    began = time.perf_counter()
    for _ in range(times):
        await work()
    return (time.perf_counter() - began) / times * 1000


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--files", type=int, default=FILES)
    options = parser.parse_args()
    trio.run(main, options.rounds, options.files)
