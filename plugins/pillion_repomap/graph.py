"""Which files use what other files define, and how much each of them matters for some files and names."""

from __future__ import annotations

import math
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from heapq import nlargest, nsmallest
from operator import itemgetter

import numpy as np
import numpy.typing
from msgspec import Struct

from pillion.contracts.code import CodeTable, Symbol

from .ranked import Ranked

DAMPING = 0.85
ROUNDS = 100
TOLERANCE = 1e-6
"""Of all ranks together, which are 1: when a round changes less, they are found."""
PRIVATE = 0.1
"""What a use of a name counts that begins with an underscore."""
BACK = 0.5
"""What those who use a file that it is about count together, beside it: they change with what it defines."""
MENTIONED = 10.0
"""How much more a name counts that somebody has spoken of."""
BARE = 0.05
"""What a use counts that is no call, no type and no import: it may be of something else that has that name."""
SHORTEST = 3
"""Characters of a name that joins two files."""
COMMON = 8
"""Files that define a name which says nothing any more: `main`, `run`."""
READ = 1000
"""Files, those with the highest rank, whose rank is handed down to what they use and define."""
ALSO = 0.01
"""Share of a file's rank that each of its definitions has without being used."""
NAMED = 2
"""Users of a file that are told."""
HIDDEN = frozenset(["variable", "field", "implementation", "key", "table", "section", "rule", "element", "import"])
"""Kinds that a map does not show of their own."""


Places = np.typing.NDArray[np.int64]
Shares = np.typing.NDArray[np.float64]
Link = tuple[str, float, tuple[str, ...]]
"""A name that a file uses, with what the use weighs for each of the files that define it."""


class _File(Struct, gc=False):
    hash: str
    symbols: Mapping[str, tuple[Symbol, ...]]
    uses: Mapping[str, float]


class _Drawn(Struct, gc=False):
    """Edges between `places` of files: `users` hand `shares` of their rank to what is `used`; `ends` use nothing."""

    places: Mapping[str, int]
    users: Places
    used: Places
    shares: Shares
    ends: Places


class Graph:
    """Of one workspace. `update` looks only at files that have changed, and at those that use what they define.

    Sets of paths are dictionaries: the search for cycles, which stops all threads, looks at each set there is.
    """

    def __init__(self) -> None:
        self._files: dict[str, _File] = {}
        self._defining: dict[str, dict[str, None]] = defaultdict(dict)
        self._using: dict[str, dict[str, None]] = defaultdict(dict)
        self._links: dict[str, tuple[Link, ...]] = {}
        self._drawn: _Drawn | None = None

    @property
    def files(self) -> int:
        return len(self._files)

    def update(self, table: CodeTable) -> int:
        """How many files had changed. For a thread."""
        hashes = dict(table.hashes)
        gone = [path for path in self._files if path not in hashes]
        changed = [path for path, hash in hashes.items() if path not in self._files or self._files[path].hash != hash]
        stale = {*changed, *gone}
        for path in (*gone, *changed):
            stale |= self._put(path, table if path in hashes else None)
        for path in stale:
            self._links.pop(path, None)
            if path in self._files:
                self._links[path] = tuple(self._linked(path))
        if stale:
            self._drawn = None
        return len(changed) + len(gone)

    def _put(self, path: str, table: CodeTable | None) -> set[str]:
        """Takes in a file, None: takes it away; returns those that use a name which it defines since, or no more."""
        old = self._files.pop(path, None)
        found = table.file(path) if table is not None else None
        before = set(old.symbols) if old else set()
        for name in old.uses if old else ():
            self._using[name].pop(path, None)
        after: set[str] = set()
        if found is not None:
            symbols: dict[str, list[Symbol]] = defaultdict(list)
            uses: dict[str, float] = defaultdict(float)
            for one in found.symbols:
                if one.kind not in HIDDEN:
                    symbols[one.name].append(one)
            for use in found.uses:
                if len(use.name) >= SHORTEST and use.kind != "local":
                    uses[use.name] += len(use.lines) * (BARE if use.kind == "name" else 1.0)
            kept = {name: tuple(some) for name, some in symbols.items()}
            self._files[path] = _File(found.hash, kept, dict(uses))
            after = set(symbols)
            for name in uses:
                self._using[name][path] = None
        for name in before - after:
            self._defining[name].pop(path, None)
        for name in after - before:
            self._defining[name][path] = None
        return {user for name in before ^ after for user in self._using.get(name, ())}

    def _linked(self, path: str) -> Iterator[Link]:
        """Each name that the file uses and others define, with its weight for each of those."""
        for name in self._files[path].uses:
            definers = self._defining.get(name)
            if definers and len(definers) <= COMMON and path not in definers:
                yield name, self._weight(path, name), tuple(definers)

    def ranked(self, focus: Iterable[str], mentioned: Iterable[str], limit: int) -> list[Ranked]:
        """The definitions outside the files `focus` that matter most for these files and names, in that order."""
        near, names = set(focus) & self._files.keys(), set(mentioned)
        ranks = self.ranks(near, names)
        best = nlargest(READ, ranks.items(), key=itemgetter(1))
        shares: dict[tuple[str, str], float] = defaultdict(float)
        for path, rank in best:
            links = [
                (name, weight * (MENTIONED if name in names else 1.0), definers)
                for name, weight, definers in self._links[path]
            ]
            total = sum(weight * len(definers) for _, weight, definers in links)
            for name, weight, definers in links:
                for definer in definers:
                    shares[definer, name] += rank * weight / total
        for path, rank in best:
            for name in self._files[path].symbols:
                shares[path, name] += rank * ALSO * (MENTIONED if name in names else 1.0)
        each = ((share / len(self._files[path].symbols[name]), path, name) for (path, name), share in shares.items())
        likely = nlargest(limit, (one for one in each if one[1] not in near))  # each is a definition, or several
        found = (
            Ranked(path, symbol, rank) for rank, path, name in likely for symbol in self._files[path].symbols[name]
        )
        return nsmallest(limit, found, key=lambda one: (-one.rank, one.path, one.symbol.line))

    def ranks(self, near: Iterable[str], names: Iterable[str]) -> dict[str, float]:
        """How much each file matters for these files and names; of all together it is 1."""
        drawn = self._graph()
        places = drawn.places
        if not places:
            return {}
        wanted = np.zeros(len(places))
        for path in near:
            if path in places:
                wanted[places[path]] += 1.0
                users = self._using_of(path)
                total = sum(users.values())
                for user, weight in users.items():
                    wanted[places[user]] += BACK * weight / total
        for name in names:
            definers = self._defining.get(name, {})
            for path in definers if len(definers) <= COMMON else ():
                wanted[places[path]] += 1.0 / len(definers)
        if not wanted.any():
            wanted += 1.0
        return dict(zip(places, _paged(drawn, wanted / wanted.sum()).tolist(), strict=True))

    def _using_of(self, path: str) -> dict[str, float]:
        """Who uses what that file defines, and how much."""
        found: dict[str, float] = defaultdict(float)
        for name in self._files[path].symbols:
            if len(self._defining[name]) <= COMMON:
                for user in self._using.get(name, ()):
                    if user != path and name not in self._files[user].symbols:
                        found[user] += self._weight(user, name)
        return found

    def _weight(self, user: str, name: str) -> float:
        """Of a use, for each of those that define the name."""
        secret = PRIVATE if name.startswith("_") else 1.0
        return math.sqrt(self._files[user].uses[name]) * secret / len(self._defining[name])

    def users(self, focus: Iterable[str]) -> dict[str, list[str]]:
        """What the files `focus` use, each with those of them that do, those first that do most."""
        found: dict[str, list[tuple[float, str]]] = defaultdict(list)
        for path in dict.fromkeys(focus):
            for definer, weight in _summed(self._links.get(path, ())).items():
                found[definer].append((-weight, path))
        return {definer: [path for _, path in sorted(some)[:NAMED]] for definer, some in found.items()}

    def _graph(self) -> _Drawn:
        if self._drawn is None:
            places = {path: place for place, path in enumerate(self._files)}
            users, used, shares, ends = array("q"), array("q"), array("d"), array("q")
            for path, place in places.items():
                weights = _summed(self._links[path])
                total = sum(weights.values())
                for definer, weight in weights.items():
                    users.append(place)
                    used.append(places[definer])
                    shares.append(weight / total)
                if not weights:
                    ends.append(place)
            self._drawn = _Drawn(places, *map(np.array, (users, used, shares, ends)))
        return self._drawn


def _paged(drawn: _Drawn, start: Shares) -> Shares:
    """PageRank that begins at `start`, where the rank of files that use no other goes, too. In steps of about a
    millisecond: within one no other thread has its turn."""
    rank = np.full(len(start), 1 / len(start))
    for _ in range(ROUNDS):
        flow = np.bincount(drawn.used, rank[drawn.users] * drawn.shares, len(start))
        fresh = DAMPING * (flow + rank[drawn.ends].sum() * start) + (1 - DAMPING) * start
        change = np.abs(fresh - rank).sum()
        rank = fresh
        if change < TOLERANCE:
            break
    return rank


def _summed(links: Iterable[Link]) -> dict[str, float]:
    """By the file that is used."""
    found: dict[str, float] = defaultdict(float)
    for _, weight, definers in links:
        for definer in definers:
            found[definer] += weight
    return found
