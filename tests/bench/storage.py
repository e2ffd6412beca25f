"""`python tests/bench/storage.py`: the store on SQLite and PostgreSQL, beside the bare driver in the same rounds.

The driver makes the same rows in the same transactions with the same pragmas, in turns with the store. Then a server on
10 and on 100,000 sessions. Nothing here passes or fails.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

import storagefigures as figures
import table
import trio
from servers import pillion, vendor

from pillion_storage.database import FILE, Place
from pillion_storage.opening import open_store
from pillion_storage.store import DatabaseStore

sys.path.append(str(Path(__file__).parents[1] / "plugins" / "storage"))
from privatepostgres import private_postgres

PARTS = ("writing", "single", "opening", "listing", "serving")


class Bench:
    """What has been found so far."""

    def __init__(self, folder: Path, rounds: int, parts: set[str], many: int) -> None:
        self.folder, self.rounds, self.parts, self.many = folder, rounds, parts, many
        self.made: set[Path] = set()
        """Databases that are filled."""
        self.found: dict[tuple[str, str], list[float]] = defaultdict(list)

    def take(self, taken: Mapping[tuple[str, str], float], prefix: str = "") -> None:
        for (name, who), value in taken.items():
            self.found[f"{prefix}{name}", who].append(round(value, 4))

    async def database(self, name: str, place: Place) -> None:
        place.file.parent.mkdir()
        store = await open_store(place)
        for _ in range(self.rounds):
            if "writing" in self.parts:
                for count in (1, 10, 100):
                    self.take(await figures.writing(place, store, count, 3000 if count == 1 else 15_000), name)
            if "single" in self.parts:
                self.take(await figures.single(place, store), name)
            if "opening" in self.parts:
                self.take(await figures.opening(place, store), name)
        await store.aclose()

    async def lists(self, name: str, place: Place, count: int) -> None:
        store = await self.filled(place, count)
        for _ in range(self.rounds):
            self.take(await figures.listing(place, store, count), name)
        await store.aclose()

    async def filled(self, place: Place, count: int) -> DatabaseStore:
        """A store with so many sessions, made once."""
        place.file.parent.mkdir(parents=True, exist_ok=True)
        store = await open_store(place)
        if place.file not in self.made:
            await figures.fill(place, store, count)
            self.made.add(place.file)
        return store

    async def servers(self) -> None:
        """Starts on few and on many sessions, in turns; and what sessions at rest keep in memory."""
        places = {count: self.place("SQLite", count) for count in (10, self.many)}
        for count, place in places.items():
            await (await self.filled(place, count)).aclose()
        async with vendor() as model:
            for _ in range(self.rounds):
                for count, place in places.items():
                    began = time.perf_counter()
                    async with pillion(place.file.parents[1], model, store="storage") as server:
                        await server.api.call("GET", "/api/health")
                        start = (time.perf_counter() - began) * figures.MS
                        self.take({(f"serve with {count:,} sessions: start, ms", figures.OURS): start})
                for name, rest_after in (("live and idle", 300), ("at rest", 0.2)):
                    async with pillion(places[10].file.parents[1], model, "storage", rest_after) as server:
                        self.take(await figures.memory(server, str(self.folder), name))

    def place(self, name: str, count: int, url: str = "") -> Place:
        return Place(self.folder / f"{name}{count}" / "data" / FILE, url)


async def main(rounds: int, parts: set[str], postgres: bool, many: int) -> None:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        bench = Bench(folder, rounds, parts, many)
        server = stack.enter_context(private_postgres()) if postgres else None
        for name, url in {"SQLite": lambda: "", "PostgreSQL": server and server.url}.items():
            if url is None:
                continue
            if parts & {"writing", "single", "opening"}:
                await bench.database(f"{name}: ", Place(folder / name / FILE, url()))
            if "listing" in parts:
                for count in (2000, many):
                    await bench.lists(f"{name}: ", bench.place(name, count, url()), count)
        if "serving" in parts:
            await bench.servers()
    table.show(bench.found, (figures.OURS, figures.BARE))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=PARTS, action="append", help="a part; may be given again")
    parser.add_argument("--postgres", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--many", type=int, default=100_000, help="sessions in the long list")
    options = parser.parse_args()
    trio.run(main, options.rounds, set(options.only or PARTS), options.postgres, options.many)
