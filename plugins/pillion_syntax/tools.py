"""outline: what a file defines, without its bodies."""

from __future__ import annotations

from importlib import import_module
from typing import Annotated

from msgspec import Meta, Struct

from pillion.contracts.tool import Call, Effect

from .reading import Reader


class OutlineArguments(Struct, frozen=True, forbid_unknown_fields=True):
    path: Annotated[str, Meta(description="The file, relative to the workspace.")]


class OutlineFile:
    """Heads of definitions, by line."""

    name = "outline"
    description = (
        "Show what a source file defines (classes, functions, methods, fields, imports), each by its line number, "
        "without bodies. Much shorter than the file; read the lines that you need then."
    )
    effect: Effect = "read"
    Arguments = OutlineArguments

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def run(self, arguments: OutlineArguments, call: Call) -> str:
        found = await self._reader.outline(call.workspace, arguments.path)
        lines = import_module(f"{__package__}.compressed").compressed(found)
        broken = "" if found.valid else ", its syntax has errors"
        count = found.text.count(b"\n") + 1
        return cut([f"{found.path} ({found.language}, {count} lines{broken})", *lines], call.max_output)


def cut(lines: list[str], room: int) -> str:
    """As many lines as the model can take."""
    size = 0
    for number, line in enumerate(lines):
        size += len(line) + 1
        if size > room:
            return "\n".join([*lines[:number], f"[{len(lines) - number} more]"])
    return "\n".join(lines)
