"""write_file."""

from __future__ import annotations

from typing import Annotated

import trio
from msgspec import Meta, Struct

from pillion.contracts.tool import Call, Effect
from pillion.contracts.workspace import Content
from pillion.errors import Conflict
from pillion.filediff import file_changed, images, said, unified_diff
from pillion.textform import text_form

from .rules import Rules


class WriteArguments(Struct, frozen=True, forbid_unknown_fields=True):
    path: Annotated[str, Meta(min_length=1, description="The file, relative to the workspace.")]
    content: Annotated[str, Meta(description="The whole new content.")]


class WriteFile:
    """Makes a file or replaces it whole; a file that exists keeps its line ends, byte order mark and permissions."""

    name = "write_file"
    description = "Create a file of the workspace, with its folders, or replace its whole content."
    effect: Effect = "write"
    Arguments = WriteArguments

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._shown: dict[str, str] = {}

    async def preview(self, arguments: WriteArguments, call: Call) -> str:
        """The diff that a person decides on; what is written later must still be this."""
        old = await self._old(arguments, call)
        self._shown[call.id] = old.hash if old else ""
        before, after = old.data if old else None, _data(arguments.content, old)
        return await trio.to_thread.run_sync(unified_diff, arguments.path, before, after)

    async def run(self, arguments: WriteArguments, call: Call) -> str:
        old = await self._old(arguments, call)
        found = old.hash if old else ""
        if self._shown.pop(call.id, found) != found:
            raise Conflict(f"{arguments.path} has been changed since the change was shown for approval.")
        data = _data(arguments.content, old)
        if old and old.data == data:
            return f"{arguments.path} has this content already."
        hash = await call.workspace.write(arguments.path, data, expected=found)
        call.known.note(call.workspace.root, arguments.path, hash)
        await self._rules.touch(call.session, call.workspace, arguments.path)
        before = old.data if old else None
        change = await trio.to_thread.run_sync(file_changed, arguments.path, before, data, hash, call.id)
        await call.emit(change, blobs=images(change, before))
        return said(change)

    async def _old(self, arguments: WriteArguments, call: Call) -> Content | None:
        if await call.workspace.stat(arguments.path) is None:
            return None
        old = await call.workspace.read(arguments.path)
        if call.known.hash(call.workspace.root, arguments.path) not in (None, old.hash):
            raise Conflict(f"{arguments.path} has been changed since it was read. Read it again, then write.")
        return old


def _data(content: str, old: Content | None) -> bytes:
    form = text_form(old.data) if old else None
    # A model that was shown line feeds writes line feeds; one that writes CRLF means it.
    if old is None or form is None or not form.valid or "\r\n" in content:
        return content.encode(errors="replace")
    return form.encode(content)
