"""Definitions and uses by name, out of a workspace's table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pillion.contracts.code import Symbol, Use

from .indexing import Table

Place = tuple[str, Symbol]
"""A path and what is defined there."""


def definitions(table: Table, name: str, kind: str = "") -> list[Place]:
    """Those of that name, or `Owner.name`; where nothing is called so what has it in its name, in any case, the
    shortest first. Sorted by path."""
    owner, _, last = name.rpartition(".")
    exact = [
        place
        for place in _named(table, [last], kind)
        if not owner or place[1].owner == owner or place[1].owner.endswith(f".{owner}")
    ]
    if exact or owner or not last:
        return exact
    wanted = last.lower()
    like = sorted((one for one in table.names() if wanted in one.lower()), key=lambda one: (len(one), one))
    return list(_named(table, like, kind))


def uses(table: Table, name: str, kind: str = "") -> list[tuple[str, Sequence[Use]]]:
    """By path; `name` without its owner: what an object is, only a language server knows. Those that mean a parameter
    or variable of a function count where nothing else is called so."""
    last = name.rpartition(".")[2]
    found = _used(table, last, kind)
    fewer: list[tuple[str, Sequence[Use]]] = []
    fewer += ((path, kept) for path, some in found if (kept := [one for one in some if one.kind != "local"]))
    return fewer if kind != "local" and (fewer or table.defining(last)) else found


def _used(table: Table, last: str, kind: str) -> list[tuple[str, Sequence[Use]]]:
    found: list[tuple[str, Sequence[Use]]] = []
    for path in table.using(last):
        file = table.file(path)
        some = [one for one in file.uses if one.name == last and kind in ("", one.kind)] if file else []
        if some:
            found.append((path, some))
    return found


def _named(table: Table, names: Sequence[str], kind: str) -> Iterator[Place]:
    for name in names:
        for path in table.defining(name):
            file = table.file(path)
            for symbol in file.symbols if file else ():
                if symbol.name == name and kind in ("", symbol.kind):
                    yield path, symbol
