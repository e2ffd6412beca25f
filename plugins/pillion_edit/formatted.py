"""Tools that take an edit of several files as one text, in a format that the model is good at."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Annotated

from msgspec import Meta, Struct

from pillion.contracts.tool import Call, Effect, Heard, Tool
from pillion.errors import ToolError

from .formats.blocks import BlockReader, read_blocks
from .formats.patch import read_patch
from .formats.unified import read_unified
from .formats.whole import read_whole
from .growingfield import GrowingField
from .hunk import FileEdit
from .making import Maker
from .planning import Draft
from .wording import BLOCKS, PATCH, UNIFIED, WHOLE

SHOWN = 200
"""Characters of why an edit does not fit that are shown while it is written."""


class PatchArguments(Struct, frozen=True, forbid_unknown_fields=True):
    patch: Annotated[str, Meta(min_length=1, description="The whole patch, from *** Begin Patch to *** End Patch.")]


class TextArguments(Struct, frozen=True, forbid_unknown_fields=True):
    text: Annotated[str, Meta(min_length=1, description="All edits, in the format described.")]


class Formatted:
    """All files or none."""

    effect: Effect = "write"

    def __init__(
        self, name: str, description: str, arguments: type[Struct], read: Callable[[str], list[FileEdit]], maker: Maker
    ) -> None:
        self.name, self.description, self.Arguments = name, description, arguments
        self._read, self._maker = read, maker

    async def preview(self, arguments: PatchArguments | TextArguments, call: Call) -> str:
        return await self._maker.preview(self._edits(arguments), call)

    async def run(self, arguments: PatchArguments | TextArguments, call: Call) -> str:
        return (await self._maker.make(self._edits(arguments), call)).said

    def _edits(self, arguments: PatchArguments | TextArguments) -> Sequence[FileEdit]:
        return self._read(arguments.patch if isinstance(arguments, PatchArguments) else arguments.text)


class Streamed(Formatted):
    """Works its edits out while the model still writes them; who watches is told at once of each that can't be made."""

    async def hear(self, pieces: AsyncIterator[str], call: Heard) -> None:
        draft, field, reader = Draft(call.workspace), GrowingField("text"), BlockReader()
        try:
            async for piece in pieces:
                for edit in reader.feed(field.feed(piece)):
                    await _tried(draft, edit, call)
            for edit in reader.finish():
                await _tried(draft, edit, call)
        except ToolError as error:  # what comes now can't be read either; the model is told when the call runs
            call.progress(str(error))
        self._maker.keep(draft, call.session, call.id)


async def _tried(draft: Draft, edit: FileEdit, call: Heard) -> None:
    fault = await draft.add(edit)
    said = f"does not fit: {str(fault).splitlines()[0][:SHOWN]}" if fault else "fits"
    call.progress(f"{edit.path}: block {len(draft.edits)} {said}")


def patch(maker: Maker) -> Tool:
    return Formatted("apply_patch", PATCH, PatchArguments, read_patch, maker)


def blocks(maker: Maker) -> Tool:
    return Streamed("edit_files", BLOCKS, TextArguments, read_blocks, maker)


def unified(maker: Maker) -> Tool:
    return Formatted("apply_diff", UNIFIED, TextArguments, read_unified, maker)


def whole(maker: Maker) -> Tool:
    return Formatted("write_files", WHOLE, TextArguments, read_whole, maker)
