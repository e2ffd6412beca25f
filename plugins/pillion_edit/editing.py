"""edit_file: one piece of a file is replaced."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from pillion.contracts.tool import Call, Effect

from .hunk import FileEdit, Snippet
from .making import Maker


class EditArguments(Struct, frozen=True, forbid_unknown_fields=True):
    path: Annotated[str, Meta(min_length=1, description="The file, relative to the workspace.")]
    old: Annotated[str, Meta(min_length=1, description="The text to replace, exactly as it stands in the file.")]
    new: Annotated[str, Meta(description="The text to put in its place.")]
    replace_all: Annotated[bool, Meta(description="Replace every occurrence, not just a single one.")] = False


class EditFile:
    """Refuses what is not there, and what is there more than once unless all are meant."""

    name = "edit_file"
    description = (
        "Replace a piece of text in a file of the workspace. `old` must occur exactly once, with its indentation; add "
        "lines around it until it does, or set `replace_all`."
    )
    effect: Effect = "write"
    Arguments = EditArguments

    def __init__(self, maker: Maker) -> None:
        self._maker = maker

    async def preview(self, arguments: EditArguments, call: Call) -> str:
        return await self._maker.preview([_edit(arguments)], call)

    async def run(self, arguments: EditArguments, call: Call) -> str:
        return (await self._maker.make([_edit(arguments)], call)).said


def _edit(arguments: EditArguments) -> FileEdit:
    snippet = Snippet(arguments.old, arguments.new, arguments.replace_all)
    return FileEdit(arguments.path, "replace", snippet=snippet)
