"""`python tests/bench/run.py`: every figure as a JSON line, with the floors' beside it, then a table.

The same rounds run against Pillion, a bare trio server and a bare Quart app, turn by turn, so that a slow minute of the
machine hits all; with `--store storage` also against Pillion with its logs in a database. Nothing here passes or fails.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import figures
import table
import trio
from servers import bare, pillion, quart, vendor

WHO = ("pillion", "bare", "quart")
ALL = (figures.requests,)
BOTH = (figures.chunks_200, figures.first_text, figures.sessions_100, figures.sessions_1000)
OURS = (figures.tool_round, figures.session_memory, figures.busy, figures.fault)


async def main(rounds: int, only: str, store: str) -> None:
    whose = ("pillion", "stored", "bare", "quart") if store == "storage" else WHO
    found: dict[tuple[str, str], list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        async with vendor() as model:
            for _ in range(rounds):
                for who in whose:
                    await one_round(who, model, Path(tempfile.mkdtemp(dir=folder)), only, found)
    table.show(found, whose)


async def one_round(who: str, model, folder: Path, only: str, found) -> None:  # type: ignore[no-untyped-def]
    began = time.perf_counter()
    making = {
        "pillion": lambda: pillion(folder, model),
        "stored": lambda: pillion(folder, model, store="storage"),
        "bare": lambda: bare(model),
        "quart": quart,
    }
    ours = who in ("pillion", "stored")
    async with making[who]() as server:
        await server.api.call("GET", "/api/health")
        take = {"start to first healthy answer": (time.perf_counter() - began) * 1000}
        await trio.sleep(0.3)
        take["memory at rest, MiB"] = server.memory()
        for figure in ALL + (BOTH if who != "quart" else ()) + (OURS if ours else ()):
            if only in figure.__name__:
                take |= await figure(server, str(folder))
        if ours:
            take |= figures.help_ms()
    for name, value in take.items():
        found[name, who].append(round(value, 4))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="only the figures whose function's name holds this")
    parser.add_argument("--store", choices=("memory", "storage"), default="memory", help="storage: beside memory")
    options = parser.parse_args()
    trio.run(main, options.rounds, options.only, options.store)
