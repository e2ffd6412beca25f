"""find_symbol and references: where a name is defined in the workspace, and where it is used."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta, Struct

from pillion import ToolError
from pillion.contracts.code import Use
from pillion.contracts.tool import Call, Effect

from .indexing import Indexes
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


class FindSymbol:
    """Definitions by name."""

    name = "find_symbol"
    description = (
        "Find where a class, function, method, field, type or constant is defined in the workspace, by its name. "
        "Gives `path:line kind` and the definition's head. Quicker and more exact than a search."
    )
    effect: Effect = "read"
    Arguments = SymbolArguments

    def __init__(self, indexes: Indexes) -> None:
        self._indexes = indexes

    def seconds(self, arguments: SymbolArguments) -> float:
        return SECONDS

    async def run(self, arguments: SymbolArguments, call: Call) -> str:
        table = await self._indexes.table(call.workspace, call.progress)
        found = definitions(table, arguments.name, arguments.kind)
        lines = [
            f"{path}:{one.line} {one.kind} {f'{one.owner}: ' if one.owner else ''}{one.head}" for path, one in found
        ]
        return cut(lines, call.max_output) or f"[nothing is called {arguments.name}]"


class References:
    """Uses of a name."""

    name = "references"
    description = (
        "Find where a name is defined and used in the workspace's source files, by their syntax: not in comments and "
        "strings. All uses of the name count, whatever object it is of."
    )
    effect: Effect = "read"
    Arguments = SymbolArguments

    def __init__(self, indexes: Indexes) -> None:
        self._indexes = indexes

    def seconds(self, arguments: SymbolArguments) -> float:
        return SECONDS

    async def run(self, arguments: SymbolArguments, call: Call) -> str:
        table = await self._indexes.table(call.workspace, call.progress)
        last = arguments.name.rpartition(".")[2]
        defined = [one for one in definitions(table, arguments.name) if one[1].name == last]
        lines = [f"{path}:{one.line} defines {one.kind} {one.path}" for path, one in defined]
        for number, (path, found) in enumerate(uses(table, arguments.name, arguments.kind)):
            lines += await _shown(call, path, found) if number < READ else _bare(path, found)
        return cut(lines, call.max_output) or f"[nothing is called {arguments.name}]"


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
