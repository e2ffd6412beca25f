"""read_file and list_files."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from pillion.contracts.tool import Call, Effect
from pillion.errors import ToolError
from pillion.textform import text_form

from .ripgrep import each_line, place_of
from .seen import Seen

MOST_FILES = 50_000
SECONDS = 30.0


class ReadArguments(Struct, frozen=True, forbid_unknown_fields=True):
    path: Annotated[str, Meta(description="The file, relative to the workspace.")]
    start: Annotated[int, Meta(ge=1, description="The first line wanted, from 1.")] = 1
    end: Annotated[int, Meta(ge=1, description="The last line wanted; by default as many as fit.")] | None = None


class ReadFile:
    """Text as it stands in the file, line ends as line feeds; a long file in pieces."""

    name = "read_file"
    description = (
        "Read a text file of the workspace, whole or the lines from `start` to `end`. "
        "A long file is cut at a line's end, with a note that says how to read on."
    )
    effect: Effect = "read"
    Arguments = ReadArguments

    def __init__(self, seen: Seen) -> None:
        self._seen = seen

    async def run(self, arguments: ReadArguments, call: Call) -> str:
        content = await call.workspace.read(arguments.path)
        form = text_form(content.data)
        if form is None:
            raise ToolError(f"{arguments.path} is binary ({len(content.data)} bytes), not text.")
        await self._seen.note(call.workspace, arguments.path, content.hash)
        text = form.decode(content.data).replace("\r\n", "\n")
        if not text:
            return f"[{arguments.path} is empty]"
        shown = _lines(text, arguments, call.max_output)
        return shown if form.valid else f"{shown}\n[The file is not {form.encoding}; wrong bytes are shown as \ufffd.]"


def _lines(text: str, wanted: ReadArguments, room: int) -> str:
    lines = text.split("\n")
    total = len(lines) - (lines[-1] == "")
    if wanted.start > total:
        raise ToolError(f"{wanted.path} has only {total} lines.")
    first, last = wanted.start, min(total, wanted.end or total)
    if last < first:
        raise ToolError(f"The end, line {last}, comes before the start, line {first}.")
    until, size = first - 1, 0
    while until < last and size + len(lines[until]) + 1 <= room:
        size += len(lines[until]) + 1
        until += 1
    if until == last:
        whole = (first, last) == (1, total)
        piece = text if whole else "\n".join(lines[first - 1 : last])
        return piece if whole or wanted.end else f"{piece}\n[lines {first} to {last} of {total}]"
    if until == first - 1:
        note = f"[line {first} has {len(lines[until])} characters; this is its beginning. {total} lines in all]"
        return f"{lines[until][:room]}\n{note}"
    piece = "\n".join(lines[first - 1 : until])
    return f"{piece}\n[lines {first} to {until} of {total}; read on with start={until + 1}]"


class ListArguments(Struct, frozen=True, forbid_unknown_fields=True):
    folder: Annotated[str, Meta(description="The folder, relative to the workspace; by default its top.")] = ""
    depth: Annotated[int, Meta(ge=1, le=20, description="How many levels down are shown.")] = 2


class ListFiles:
    """A tree of names; folders deeper than `depth` with the number of their files."""

    name = "list_files"
    description = (
        "List the files and folders in a folder of the workspace, `depth` levels deep. "
        "Ignored and hidden files are left out; name a hidden folder to see into it."
    )
    effect: Effect = "read"
    Arguments = ListArguments

    def __init__(self, ripgrep: str) -> None:
        self._ripgrep = ripgrep

    def seconds(self, arguments: ListArguments) -> float:
        return SECONDS

    async def run(self, arguments: ListArguments, call: Call) -> str:
        place = await place_of(call, arguments.folder)
        entry = await call.workspace.stat(arguments.folder)
        if entry is None or entry.kind != "folder":
            raise ToolError(f"{arguments.folder} is a file, not a folder.")
        above = entry.path.count("/") + 1 if entry.path else 0
        shown: dict[str, int] = {}
        files = 0

        def take(path: str) -> bool:
            nonlocal files
            files += 1
            parts = path.split("/")
            deepest = above + arguments.depth
            name = path if len(parts) <= deepest else "/".join(parts[:deepest]) + "/"
            shown[name] = shown.get(name, 0) + 1
            return files < MOST_FILES

        complete = await each_line(self._ripgrep, call, ["--files"], place, take)
        for inner in await call.workspace.list(entry.path):
            hidden = inner.path.rpartition("/")[2].startswith(".")
            if inner.kind == "folder" and not hidden and not any(name.startswith(inner.path + "/") for name in shown):
                shown[inner.path + "/"] = 0
        return _tree(shown, call.max_output, "" if complete else f"[more than {MOST_FILES} files]")


def _tree(shown: dict[str, int], room: int, note: str) -> str:
    if not shown:
        return "[no files]"
    lines: list[str] = []
    size = len(note)
    for number, name in enumerate(sorted(shown)):
        count = shown[name]
        line = f"{name} ({count} files)" if name.endswith("/") and count else name
        if name.endswith("/") and not count:
            line = f"{name} (empty or ignored)"
        size += len(line) + 1
        if size > room:
            lines.append(f"[{len(shown) - number} more; list a folder of them]")
            break
        lines.append(line)
    return "\n".join([*lines, note] if note else lines)
