"""`python -m tests.bench.forks`: a fork of generated files beside `cp -a` and `git worktree add`, taking turns.

Each is made and taken away again; of an overlay the first one lays the base, and is told apart. Nothing here passes or
fails.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import trio

from pillion import Home
from pillion.testing.kit import kernel_host
from pillion_checkpoints.plugin import Config as CheckpointsConfig
from pillion_checkpoints.plugin import Plugin as Checkpoints
from pillion_forks.making import Way
from pillion_forks.plugin import Config, Plugin

from . import table
from .snapshots import generate

Found = dict[tuple[str, str], list[float]]


def run(*words: str, cwd: Path) -> float:
    """How long a program takes, in ms."""
    begin = time.perf_counter()
    subprocess.run(words, cwd=cwd, check=True, capture_output=True)
    return (time.perf_counter() - begin) * 1000


def others(folder: Path, found: Found, name: str) -> None:
    copy, tree = folder.parent / "copy", folder.parent / "worktree"
    found[name, "cp -a"].append(run("cp", "-a", str(folder), str(copy), cwd=folder))
    shutil.rmtree(copy)
    words = ("git", "worktree", "add", "-q", "--detach", str(tree))
    found[name, "worktree"].append(run(*words, cwd=folder))
    run("git", "worktree", "remove", "--force", str(tree), cwd=folder)


async def forks(way: Way, folder: Path, place: Path, rounds: int, found: Found, name: str) -> None:
    plugins = {
        "checkpoints": Checkpoints(CheckpointsConfig(), Home("checkpoints", place)),
        "forks": Plugin(Config(way=way), Home("forks", place)),
    }
    async with kernel_host(place, plugins=plugins) as host:
        door = host.kernel.catalog.forks()
        assert door is not None
        async with door.fork(str(folder)):
            pass  # the first snapshot of a folder reads it whole
        for number in range(rounds):
            if way == "overlay" and number == 0:
                shutil.rmtree(place / "plugins" / "forks" / "bases")
            begin = time.perf_counter()
            async with door.fork(str(folder)):
                took = (time.perf_counter() - begin) * 1000
            found[f"{name}{', the first' if way == 'overlay' and number == 0 else ''}", way].append(took)
            others(folder, found, name)


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--files", type=int, nargs="*", default=[5_000])
    parser.add_argument(
        "--in", dest="place", help="A folder on the file system to try; default: that of temporary files."
    )
    args = parser.parse_args()
    found: Found = defaultdict(list)
    for files in args.files:
        with tempfile.TemporaryDirectory(dir=args.place) as place:
            folder = Path(place, "work")
            generate(folder, files)
            git = ("git", "-c", "user.name=a", "-c", "user.email=a@b")
            for words in (("init", "-q"), ("add", "-A"), ("commit", "-qm", "all")):
                run(*git, *words, cwd=folder)
            ways: list[Way] = ["reflink", "overlay", "copy"]
            for way in ways:
                await forks(way, folder, Path(place, f"data-{way}"), args.rounds, found, f"{files:,} files, ms")
    print(f"load {os.getloadavg()[0]:.1f}")
    table.show(found, ("reflink", "overlay", "copy", "cp -a", "worktree"))


if __name__ == "__main__":
    trio.run(main)
