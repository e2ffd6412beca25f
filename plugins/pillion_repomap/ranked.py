"""A definition and how much it matters."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from msgspec import Struct

from pillion.contracts.code import Symbol


class Ranked(Struct, frozen=True, gc=False):
    """A definition and how much it matters; of all together it is about 1."""

    path: str
    symbol: Symbol
    rank: float


def by_file(ranked: Iterable[Ranked]) -> dict[str, list[Symbol]]:
    """Each file's, by their lines; files by their names."""
    ordered = sorted(ranked, key=lambda one: (one.path, one.symbol.line))
    return {path: [one.symbol for one in some] for path, some in groupby(ordered, key=lambda one: one.path)}
