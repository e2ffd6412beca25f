"""`python -m tests.bench.snapshots`: snapshots beside `git add -A && git write-tree` on generated files, taking turns.

Git has an index of its own, its caches warm, and is started as a program each time; ours is a call of a server that has
seen the folder before. A restore is a turn that does nothing else, beside `git restore` of a tree. Also what a step
with a checkpoint takes beside one without, and how long the event loop is kept waiting meanwhile. Nothing here passes
or fails.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import trio

from pillion import Call, Home, LocalWorkspace
from pillion.contracts.policy import Allow, JudgedCall, Verdict
from pillion.testing.kit import Anything, FunctionTool, PolicyPlugin, frames, kernel_host
from pillion.testing.scripted import Pause, ScriptedProvider, calls, says
from pillion_checkpoints.events import CheckpointTaken
from pillion_checkpoints.plugin import Config, Plugin
from pillion_checkpoints.shelf import Shelf
from pillion_checkpoints.strategies import Order

from . import table

CHANGES = (0, 10, 1_000)
SETTLED = 2.2
"""Seconds after which a change is no more one of this moment, which would be read twice."""
THINKS = 0.5
"""Seconds that the model takes to answer."""
UNSYNCED = ("-c", "core.fsync=none")
"""A snapshot is not to outlive a power cut, so git is not asked to wait for the disk either."""
Found = dict[tuple[str, str], list[float]]


def generate(folder: Path, files: int) -> list[Path]:
    made = []
    for number in range(files):
        place = folder / f"p{number % 20}" / f"m{number % 100}"
        place.mkdir(parents=True, exist_ok=True)
        made.append(place / f"f{number}.py")
        made[-1].write_text(f"number = {number}\n" * 40)
    return made


def change(files: Sequence[Path], count: int) -> None:
    for number in range(count):
        files[number * (len(files) // count)].write_text(f"changed = {time.time_ns()}\n" * 40)


def git(folder: Path, store: Path, *words: str) -> str:
    """Runs the program."""
    work = {} if "init" in words else {"GIT_DIR": str(store), "GIT_WORK_TREE": str(folder)}
    done = subprocess.run(
        ["git", *UNSYNCED, *words], env={**os.environ, **work}, cwd=folder, check=True, capture_output=True
    )
    return done.stdout.decode().strip()


def tree(folder: Path, store: Path) -> str:
    git(folder, store, "add", "-A")
    return git(folder, store, "write-tree")


class Ticks:
    """How late the event loop was, at most, in ms."""

    def __init__(self) -> None:
        self.worst = 0.0

    async def run(self) -> None:
        while True:
            before = time.perf_counter()
            await trio.sleep(0.001)
            self.worst = max(self.worst, (time.perf_counter() - before) * 1000 - 1)


async def snapshots(files: int, rounds: int, found: Found) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder, store = Path(place, "work"), Path(place, "git")
        made = generate(folder, files)
        git(folder, store, "init", "-q", "--bare", str(store))
        shelf = Shelf(Home("checkpoints", Path(place, "data")), Config().largest)
        book = shelf.book(LocalWorkspace(folder))
        begin = time.perf_counter()
        await book.look()
        found[f"{files:,} files, the first snapshot, ms", "ours"].append((time.perf_counter() - begin) * 1000)
        begin = time.perf_counter()
        tree(folder, store)
        found[f"{files:,} files, the first snapshot, ms", "git"].append((time.perf_counter() - begin) * 1000)
        await trio.sleep(SETTLED)
        await book.look()
        for _ in range(rounds):
            for count in CHANGES:
                change(made, count) if count else None
                name = f"{files:,} files, {count:,} changed"
                ticks = Ticks()
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(ticks.run)
                    begin = time.perf_counter()
                    state = await book.look()
                    found[f"{name}, ms", "ours"].append((time.perf_counter() - begin) * 1000)
                    nursery.cancel_scope.cancel()
                found[f"{name}, the loop late by, ms", "ours"].append(ticks.worst)
                begin = time.perf_counter()
                made_of = tree(folder, store)
                found[f"{name}, ms", "git"].append((time.perf_counter() - begin) * 1000)
                assert made_of == state.tree
                await trio.sleep(SETTLED if count else 0)
                await book.look()
        shelf.close()


class AllowAll:
    async def decide(self, call: JudgedCall) -> Verdict:
        return Allow()


async def put(arguments: Anything, call: Call) -> str:
    return "put"


@asynccontextmanager
async def writer(place: Path, who: str) -> AsyncIterator[Callable[[], Awaitable[float]]]:
    """A turn of one step that writes, behind a model that thinks for a moment; how long it takes, in ms."""

    provider = ScriptedProvider()
    plugins: dict[str, object] = {"allow": PolicyPlugin(AllowAll())}
    if who == "ours":
        plugins["checkpoints"] = Plugin(Config(), Home("checkpoints", place / "data"))
    async with kernel_host(place / who, FunctionTool("put", put, "write"), provider=provider, plugins=plugins) as host:
        host.folder = place / "work"
        session = await host.open()

        async def turn() -> float:
            provider.script([Pause(THINKS), *calls(("put", "{}"))], [Pause(THINKS), *says("done")])
            begin = time.perf_counter()
            await host.run(session, "go")
            return (time.perf_counter() - begin - 2 * THINKS) * 1000

        yield turn


async def steps(files: int, rounds: int, found: Found) -> None:
    """With and without, in turns. The end of the turn is in it, which takes a snapshot, too."""
    with tempfile.TemporaryDirectory() as place:
        generate(Path(place, "work"), files)
        async with writer(Path(place), "ours") as ours, writer(Path(place), "bare") as bare:
            for number in range(rounds + 1):
                took = {"ours": await ours(), "without": await bare()}
                if number:  # the first one reads all files
                    for who, ms in took.items():
                        found[f"{files:,} files, a turn with a step that writes, ms", who].append(ms)
                await trio.sleep(SETTLED if number == 0 else 0)


async def restores(files: int, rounds: int, found: Found) -> None:
    """Of a checkpoint that the first turn made. What is there is kept first, and each file is told in the log."""
    with tempfile.TemporaryDirectory() as place:
        folder, store = Path(place, "work"), Path(place, "git")
        made = generate(folder, files)
        git(folder, store, "init", "-q", "--bare", str(store))
        kept = tree(folder, store)
        plugins = {
            "checkpoints": Plugin(Config(), Home("checkpoints", Path(place, "data"))),
            "allow": PolicyPlugin(AllowAll()),
        }
        async with kernel_host(Path(place, "host"), FunctionTool("put", put, "write"), plugins=plugins) as host:
            host.folder = folder
            session = await host.open()
            host.provider.script(calls(("put", "{}")), says("done"))
            await host.run(session, "go")
            taken = [frame for frame in await frames(session) if frame.type == "checkpoint.taken"]
            first = msgspec.json.decode(taken[0].data, type=CheckpointTaken).checkpoint
            for count in [count for count in CHANGES for _ in range(rounds)]:
                name = f"{files:,} files, a restore of {count:,}, ms"
                await trio.sleep(SETTLED)
                change(made, count) if count else None
                begin = time.perf_counter()
                await host.run(session, "", strategy="restore", arguments=Order("files", first, overwrite=True))
                found[name, "ours"].append((time.perf_counter() - begin) * 1000)
                assert tree(folder, store) == kept
                await trio.sleep(SETTLED)
                change(made, count) if count else None
                begin = time.perf_counter()
                git(folder, store, "restore", "--worktree", "--staged", "--source", kept, ".")
                found[name, "git"].append((time.perf_counter() - begin) * 1000)


async def measure(found: Found, files: int, rounds: int) -> None:
    await snapshots(files, rounds, found)
    await restores(files, rounds, found)
    await steps(files, rounds, found)


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--files", type=int, nargs="*", default=[2_000, 20_000])
    args = parser.parse_args()
    found: Found = defaultdict(list)
    for files in args.files:
        await measure(found, files, args.rounds)
    table.show(found, ("ours", "git", "without"))


if __name__ == "__main__":
    trio.run(main)
