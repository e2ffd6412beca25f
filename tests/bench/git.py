"""`python -m tests.bench.git`: git's tools and statistics beside the bare git program, on generated repositories.

Ours with the program, ours without it, and the program as a user runs it take turns in each round, on 2,000 and 20,000
files with 0, 10 and 1,000 of them changed; statistics of 300 and 10,000 commits go into a database of their own, first
as a whole, then after one more commit. Nothing here passes or fails.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import subprocess
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import trio

from pillion import LocalWorkspace
from pillion.processes import Processes
from pillion_git.asked import AskedChain, AskedCounts, AskedDiff, AskedStatus
from pillion_git.repository import Git

from . import table

PROGRAM = shutil.which("git") or "git"
HOME = tempfile.gettempdir()
ENVIRONMENT = {
    "PATH": os.environ["PATH"], "HOME": HOME, "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "A", "GIT_COMMITTER_EMAIL": "a@b",
}  # fmt: skip
BARE: Any = {"env": ENVIRONMENT, "capture_stdout": True, "capture_stderr": True}
Found = defaultdict[tuple[str, str], list[float]]


class Ground:
    def __init__(self, folder: Path) -> None:
        self.workspace = LocalWorkspace(folder)
        self.processes = Processes({"PATH": os.environ["PATH"], "HOME": HOME})


def git(folder: Path, *arguments: str, data: bytes | None = None) -> None:
    subprocess.run([PROGRAM, *arguments], cwd=folder, env=ENVIRONMENT, input=data, check=True, capture_output=True)


def generate(folder: Path, files: int) -> None:
    chance = random.Random(1)
    git(folder, "init", "-q")
    for number in range(files):
        place = folder / f"p{number % 40}" / f"m{number % 200}"
        place.mkdir(parents=True, exist_ok=True)
        lines = [f"value_{chance.randrange(1000)} = {line}" for line in range(chance.randrange(20, 80))]
        (place / f"f{number}.py").write_text("\n".join(lines) + "\n")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "all")
    time.sleep(1.1)  # else all files are as young as the index, and each is read
    git(folder, "update-index", "-q", "--refresh")


def change(folder: Path, count: int) -> None:
    for number in range(count):
        file = folder / f"p{number % 40}" / f"m{number % 200}" / f"f{number}.py"
        file.write_text(file.read_text() + "changed = True\n")


def commits(folder: Path, count: int) -> None:
    """By fast-import: each changes two of 200 files."""
    chance = random.Random(2)
    texts = {number: [f"line {line}" for line in range(60)] for number in range(200)}
    stream: list[str] = []
    for number in range(count):
        stream.append(f"commit refs/heads/main\ncommitter A <a@b> {1_600_000_000 + number * 60} +0000\ndata 4\nwork\n")
        for file in chance.sample(range(200), 2) if number else range(200):
            texts[file][chance.randrange(60)] = f"changed by {number}"
            text = "\n".join(texts[file]) + "\n"
            stream.append(f"M 644 inline d{file % 10}/f{file}\ndata {len(text)}\n{text}\n")
    git(folder, "init", "-q", "-b", "main")
    git(folder, "fast-import", "--quiet", data="".join(stream).encode())
    git(folder, "reset", "-q", "--hard")


async def took(found: Found, name: str, who: str, work: object) -> None:
    began = time.perf_counter()
    if callable(work):
        await work()
    found[name, who].append((time.perf_counter() - began) * 1000)


async def trees(found: Found, folder: Path, files: int, rounds: int) -> None:
    ground = Ground(folder)
    engines = {"program": Git(PROGRAM, {"HOME": HOME}), "dulwich": Git("", {"HOME": HOME})}
    done = 0
    for changed in (0, 10, 1000):
        change(folder, changed - done)
        done = changed
        for _ in range(rounds):
            for what in ("status", "diff"):
                name = f"{what}, {files} files, {changed} changed, ms"

                async def bare(what: str = what) -> None:
                    await trio.run_process([PROGRAM, "--no-optional-locks", what], **BARE, cwd=folder)

                await took(found, name, "git", bare)
                for who, engine in engines.items():

                    async def ours(what: str = what, engine: Git = engine) -> None:
                        if what == "status":
                            await engine.status(ground, AskedStatus())
                        else:
                            await engine.diff(ground, AskedDiff())

                    await took(found, name, who, ours)


async def history(found: Found, folder: Path, count: int, rounds: int) -> None:
    ground = Ground(folder)
    name = f"statistics, {count} commits, ms"
    engines = {"program": Git(PROGRAM, {"HOME": HOME}), "dulwich": Git("", {"HOME": HOME})}
    for _ in range(rounds):

        async def bare() -> None:
            await trio.run_process([PROGRAM, "log", "--numstat", "--first-parent", "-M"], **BARE, cwd=folder)

        await took(found, name, "git", bare)
        for who, engine in engines.items():

            async def ours(engine: Git = engine) -> None:
                chain = (await engine.chain(ground, AskedChain(count))).commits
                for start in range(0, len(chain), 500):
                    await engine.counts(ground, AskedCounts(chain[start], 500))

            await took(found, name, who, ours)


async def measure(found: Found, rounds: int, quick: bool) -> None:
    with tempfile.TemporaryDirectory(prefix="pillion-bench-") as top:
        for files in (2_000,) if quick else (2_000, 20_000):
            folder = Path(top) / f"tree{files}"
            folder.mkdir()
            generate(folder, files)
            await trees(found, folder, files, rounds)
        for count in (300,) if quick else (300, 10_000):
            folder = Path(top) / f"log{count}"
            folder.mkdir()
            commits(folder, count)
            await history(found, folder, count, rounds if count < 1000 else 1)


async def main(rounds: int, quick: bool) -> None:
    found: Found = defaultdict(list)
    await measure(found, rounds, quick)
    table.show(found, ("git", "program", "dulwich"))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="the small repositories alone")
    given = parser.parse_args()
    trio.run(main, given.rounds, given.quick)
