"""str_replace_based_edit_tool: the editor that Anthropic's models are trained on, its commands and their fields."""

from __future__ import annotations

from typing import Annotated, Literal

import trio
from msgspec import Meta, Struct

from pillion.contracts.tool import Call, Effect
from pillion.errors import ToolError

from .document import Document, Kept, Piece
from .hunk import FileEdit, Snippet
from .making import Maker

Path = Annotated[
    str, Meta(min_length=1, description="The file or folder, relative to the workspace or absolute in it.")
]
WIDEST = 2_000
"""Characters of a line that are shown."""


class EditorArguments(Struct, frozen=True, forbid_unknown_fields=True):
    command: Annotated[Literal["view", "create", "str_replace", "insert", "undo_edit"], Meta(description="What to do.")]
    path: Path
    file_text: Annotated[str, Meta(description="For create: the whole content.")] | None = None
    old_str: Annotated[str, Meta(description="For str_replace: text that occurs exactly once.")] | None = None
    new_str: Annotated[str, Meta(description="For str_replace: what comes in its place; nothing: it goes.")] | None = (
        None
    )
    insert_line: Annotated[int, Meta(ge=0, description="For insert: the line behind which, 0 for the top.")] | None = (
        None
    )
    insert_text: Annotated[str, Meta(description="For insert: the lines.")] | None = None
    view_range: (
        Annotated[list[int], Meta(min_length=2, max_length=2, description="For view: first and last line, -1: end.")]
        | None
    ) = None


class Editor:
    """One tool with commands, since that is what those models know."""

    name = "str_replace_based_edit_tool"
    description = (
        "View and edit files: `view` a file with line numbers, or a folder; `create` a file; `str_replace` a text that "
        "occurs exactly once; `insert` lines behind a line; `undo_edit` takes back the last edit of a file."
    )
    effect: Effect = "write"
    Arguments = EditorArguments

    def __init__(self, maker: Maker) -> None:
        self._maker = maker

    def effect_of(self, arguments: EditorArguments) -> Effect:
        return "read" if arguments.command == "view" else "write"

    async def preview(self, arguments: EditorArguments, call: Call) -> str:
        match arguments.command:
            case "view":
                return f"view {arguments.path}"
            case "undo_edit":
                return await self._maker.preview_undo(arguments.path, call)
            case _:
                return await self._maker.preview([await _edit(arguments, call)], call)

    async def run(self, arguments: EditorArguments, call: Call) -> str:
        match arguments.command:
            case "view":
                return await _view(arguments, call)
            case "undo_edit":
                return (await self._maker.undo(arguments.path, call)).said
            case _:
                return (await self._maker.make([await _edit(arguments, call)], call)).said


async def _edit(arguments: EditorArguments, call: Call) -> FileEdit:
    path = arguments.path
    match arguments.command:
        case "create":
            return FileEdit(path, "write", content=_needed(arguments.file_text, "file_text", "create"))
        case "insert":
            return await _insertion(arguments, call)
        case _:
            old = _needed(arguments.old_str, "old_str", "str_replace")
            if not old:
                raise ToolError("old_str is empty: give the text to replace, or use insert.")
            return FileEdit(path, "replace", snippet=Snippet(old, arguments.new_str or ""))


async def _insertion(arguments: EditorArguments, call: Call) -> FileEdit:
    """The whole file with the lines in it."""
    line = arguments.insert_line
    if line is None:
        raise ToolError("insert needs insert_line.")
    text = _needed(arguments.insert_text, "insert_text", "insert")
    if not text:
        raise ToolError("insert_text is empty: nothing is inserted. An empty line is written as a line feed.")
    content = await call.workspace.read(arguments.path)
    document = Document.of(arguments.path, content.data)
    count = len(document.lines)
    if line > count:
        raise ToolError(f"{arguments.path} has {count} lines; insert_line is from 0 to {count}.")
    new = text.replace("\r\n", "\n").removesuffix("\n").split("\n")
    pieces: list[Piece] = [Kept(0, line), *new, Kept(line, count)]
    return FileEdit(arguments.path, "bytes", data=document.changed(pieces).data())


async def _view(arguments: EditorArguments, call: Call) -> str:
    entry = await call.workspace.stat(arguments.path)
    if entry is None:
        raise ToolError(f"There is no {arguments.path}.")
    if entry.kind == "folder":
        entries = await call.workspace.list(arguments.path)
        return "\n".join(one.path + ("/" if one.kind == "folder" else "") for one in entries) or "The folder is empty."
    content = await call.workspace.read(arguments.path)
    call.known.note(call.workspace.root, arguments.path, content.hash)
    return await trio.to_thread.run_sync(_numbered, arguments, content.data, call.max_output)


def _numbered(arguments: EditorArguments, data: bytes, most: int) -> str:
    lines = Document.of(arguments.path, data).lines
    first, last = arguments.view_range or (1, -1)
    last = len(lines) if last == -1 else min(last, len(lines))
    if lines and not 1 <= first <= last:
        raise ToolError(f"{arguments.path} has {len(lines)} lines; view_range is within 1 and {len(lines)}.")
    shown, size = [], 0
    for number in range(first, last + 1):
        line = f"{number:6}\t{lines[number - 1][:WIDEST]}"
        size += len(line) + 1
        if size > most - 100:
            shown.append(f"… lines {number} to {last} are left out; view them by view_range.")
            break
        shown.append(line)
    return "\n".join(shown) or "The file is empty."


def _needed(value: str | None, field: str, command: str) -> str:
    if value is None:
        raise ToolError(f"{command} needs {field}.")
    return value
