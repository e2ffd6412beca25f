"""`python -m tests.bench.repositories`: all that has to do with git, beside the git program, in one table.

Status and diff with the program and without, statistics of 300 and 10,000 commits, snapshots, restores and what a step
with a checkpoint takes, on 2,000 and 20,000 files with 0, 10 and 1,000 of them changed. Nothing here passes or fails.
"""

from __future__ import annotations

import argparse
from collections import defaultdict

import trio

from . import git, snapshots, table

SIZES = (2_000, 20_000)


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="the small repositories alone")
    args = parser.parse_args()
    found: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
    for files in SIZES[:1] if args.quick else SIZES:
        await snapshots.measure(found, files, args.rounds)
    await git.measure(found, args.rounds, args.quick)
    table.show(found, ("git", "ours", "program", "dulwich", "without"))


if __name__ == "__main__":
    trio.run(main)
