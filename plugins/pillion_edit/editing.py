"""edit_file: exact search and replace on a file's bytes. What is outside the edit stays as it is, to the byte."""

from __future__ import annotations

from typing import Annotated

import trio
from msgspec import Meta, Struct

from pillion.contracts.tool import Call, Effect
from pillion.contracts.workspace import Content
from pillion.errors import Conflict
from pillion.filediff import file_changed, unified_diff

from .replacing import replaced


class EditArguments(Struct, frozen=True, forbid_unknown_fields=True):
    path: Annotated[str, Meta(min_length=1, description="The file, relative to the workspace.")]
    old: Annotated[str, Meta(min_length=1, description="The text to replace, exactly as it stands in the file.")]
    new: Annotated[str, Meta(description="The text to put in its place.")]
    replace_all: Annotated[bool, Meta(description="Replace every occurrence, not just a single one.")] = False


class EditFile:
    """Refuses what is not there, and what is there more than once unless all are meant."""

    name = "edit_file"
    description = (
        "Replace an exact piece of text in a file of the workspace. `old` must occur exactly once, with its "
        "indentation; add lines around it until it does, or set `replace_all`."
    )
    effect: Effect = "write"
    Arguments = EditArguments

    def __init__(self) -> None:
        self._shown: dict[str, str] = {}

    async def preview(self, arguments: EditArguments, call: Call) -> str:
        """The diff that a person decides on; what is changed later must still be this content."""
        old, data = await _edited(arguments, call)
        diff = await trio.to_thread.run_sync(unified_diff, arguments.path, old.data, data)
        self._shown[call.id] = old.hash
        return diff

    async def run(self, arguments: EditArguments, call: Call) -> str:
        shown = self._shown.pop(call.id, None)
        old, data = await _edited(arguments, call)
        if shown not in (None, old.hash):
            raise Conflict(f"{arguments.path} has been changed since the change was shown for approval.")
        hash = await call.workspace.write(arguments.path, data, expected=old.hash)
        change = await trio.to_thread.run_sync(file_changed, arguments.path, old.data, data, hash, call.id)
        await call.emit(change)
        return f"Changed {arguments.path}: {change.added} lines added, {change.removed} removed."


async def _edited(arguments: EditArguments, call: Call) -> tuple[Content, bytes]:
    content = await call.workspace.read(arguments.path)
    return content, await trio.to_thread.run_sync(replaced, content.data, arguments)
