"""find_symbol and references: where a name is defined in the workspace, and where it is used."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import trio
from msgspec import Meta, Struct

from pillion import ToolError
from pillion.contracts.code import Use
from pillion.contracts.tool import Call, Effect

from .indexing import Indexes, Table
from .matching import definitions, uses
from .tools import cut

SECONDS = 600.0
"""For the first look at a large workspace."""
WIDEST = 160
"""Characters of a line that is shown."""
READ = 40
"""Files whose lines are shown; of further ones their numbers."""


class SymbolArguments(Struct, frozen=True, forbid_unknown_fields=True):
    name: Annotated[str, Meta(min_length=1, description="A name, or `Owner.name`. Part of one, if no other fits.")]
    kind: Annotated[str, Meta(description="Only these: class, function, method, field, …")] = ""


class _ByName:
    """A tool that looks a name up in the workspace's table."""

    effect: Effect = "read"
    Arguments = SymbolArguments

    def __init__(self, indexes: Indexes) -> None:
        self._indexes = indexes

    def seconds(self, arguments: SymbolArguments) -> float:
        return SECONDS


class FindSymbol(_ByName):
    """Definitions by name."""

    name = "find_symbol"
    description = (
        "Find where a class, function, method, field, type or constant is defined in the workspace, by its name. "
        "Gives `path:line kind` and the definition's head. Quicker and more exact than a search."
    )

    async def run(self, arguments: SymbolArguments, call: Call) -> str:
        table = await self._indexes.table(call.workspace, call.progress)
        lines = await trio.to_thread.run_sync(_defined, table, arguments)
        return cut(lines, call.max_output) or f"[nothing is called {arguments.name}]"


class References(_ByName):
    """Uses of a name."""

    name = "references"
    description = (
        "Find where a name is defined and used in the workspace's source files, by their syntax: not in comments and "
        "strings. All uses of the name count, whatever object it is of, but not those of a parameter or local variable."
    )

    async def run(self, arguments: SymbolArguments, call: Call) -> str:
        table = await self._indexes.table(call.workspace, call.progress)
        lines, first, further = await trio.to_thread.run_sync(_used, table, arguments)
        for path, found in first:
            lines += await _shown(call, path, found)
        return cut([*lines, *further], call.max_output) or f"[nothing is called {arguments.name}]"


def _defined(table: Table, asked: SymbolArguments) -> list[str]:
    return [
        f"{path}:{one.line} {one.kind} {f'{one.owner}: ' if one.owner else ''}{one.head}"
        for path, one in definitions(table, asked.name, asked.kind)
    ]


def _used(table: Table, asked: SymbolArguments) -> tuple[list[str], list[tuple[str, Sequence[Use]]], list[str]]:
    """The lines for definitions, the first uses, and the lines for further ones."""
    last = asked.name.rpartition(".")[2]
    found = uses(table, asked.name, asked.kind)
    lines = [
        f"{path}:{one.line} defines {one.kind} {one.path}"
        for path, one in definitions(table, asked.name)
        if one.name == last
    ]
    return lines, found[:READ], [line for path, some in found[READ:] for line in _bare(path, some)]


async def _shown(call: Call, path: str, found: Sequence[Use]) -> list[str]:
    try:
        text = (await call.workspace.read(path)).data.decode("utf-8", "replace").split("\n")
    except ToolError:  # it has just gone
        return _bare(path, found)
    return [
        f"{path}:{line} {kind}: {text[line - 1].strip()[:WIDEST] if line <= len(text) else ''}"
        for line, kind in sorted((line, one.kind) for one in found for line in one.lines)
    ]


def _bare(path: str, found: Sequence[Use]) -> list[str]:
    return [f"{path}:{line} {kind}" for line, kind in sorted((line, one.kind) for one in found for line in one.lines)]
