"""What an editor knows of code by its language servers, as tools."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import trio
from msgspec import Meta, Struct, to_builtins

from pillion.contracts.code import CodeIndex
from pillion.contracts.tool import Call, Effect
from pillion.errors import ToolError
from pillion.filediff import file_changed, images
from pillion.overlay import place_of
from pillion.textform import text_form

from .asked import Position, Range
from .bridge import Bridge
from .callbacks import Diagnostic, Diagnostics, Found, Invoked, QuickFixes
from .editorfaults import EditorLacks

LOOKING = 30.0
"""Seconds for what a language server may have to work out first."""
MOST = 100
"""Places that are told."""
What = Literal["definition", "type_definition", "implementation", "references"]
FilePath = Annotated[str, Meta(min_length=1, description="The file, relative to the workspace.")]
Line = Annotated[int, Meta(ge=1, description="The line, from 1.")]


class DiagnosticsArguments(Struct, frozen=True, forbid_unknown_fields=True):
    path: Annotated[str, Meta(description="The file, relative to the workspace; by default all of it.")] = ""


class GetDiagnostics:
    """Errors and warnings."""

    name = "get_diagnostics"
    description = (
        "Errors and warnings that the editor's language servers find, in one file or in the whole workspace. Look at "
        "them after a change."
    )
    effect: Effect = "read"
    Arguments = DiagnosticsArguments

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge

    def seconds(self, arguments: DiagnosticsArguments) -> float:
        return LOOKING + 5

    async def run(self, arguments: DiagnosticsArguments, call: Call) -> str:
        found = await diagnostics(self._bridge, call, arguments.path)
        if not found:
            return "The editor finds nothing wrong."
        more = [f"[{len(found) - MOST} more]"] if len(found) > MOST else []
        return "\n".join([*(told(one, call.workspace.root) for one in found[:MOST]), *more])


async def diagnostics(bridge: Bridge, ground: Any, path: str = "") -> Sequence[Diagnostic]:
    """Those of a file, or of all. Raises EditorFailed, and what reading the file does."""
    body = {"with_enrichment": False, "with_hover_check": None}
    if not path:
        asked = {**body, "fs_file_path": "", "full_workspace": True}
        return (await bridge.ask("/file_diagnostics", Diagnostics, asked, seconds=LOOKING)).diagnostics
    text = await text_of(ground, path)
    place = str(ground.workspace.root / await place_of(ground.workspace, path))
    try:
        asked = {**body, "fs_file_path": place, "full_workspace": False}
        found = (await bridge.ask("/file_diagnostics", Diagnostics, asked, seconds=LOOKING)).diagnostics
    except EditorLacks:
        whole = {"fs_file_path": place, "range": to_builtins(Range(Position(), position(text, len(text))))}
        found = (await bridge.ask("/diagnostics", Diagnostics, whole, seconds=LOOKING)).diagnostics
    # an editor may leave out the file's name where it was asked for one file
    return tuple(one if one.fs_file_path else Diagnostic(one.message, one.range, place) for one in found)


def told(one: Diagnostic, root: Path) -> str:
    """In a line, with what would mend it."""
    fixes = f" [quick fixes: {', '.join(one.quick_fix_labels)}]" if one.quick_fix_labels else ""
    start = one.range.start_position
    return f"{_shown(one.fs_file_path, root)}:{start.line + 1}:{start.character + 1} {one.message}{fixes}"


class GoToArguments(Struct, frozen=True, forbid_unknown_fields=True):
    what: Annotated[What, Meta(description="What is looked for.")]
    path: FilePath
    line: Line
    name: Annotated[str, Meta(min_length=1, description="The name, as it stands on that line.")]


class GoTo:
    """By the language server, else by the code's table."""

    name = "go_to"
    description = (
        "Where a name that stands on a line of a file is defined, what its type is, where it is implemented, or all "
        "references to it, by the editor's language server. Exact where a search by text is not."
    )
    effect: Effect = "read"
    Arguments = GoToArguments

    def __init__(self, bridge: Bridge, code: Callable[[], CodeIndex | None]) -> None:
        self._bridge, self._code = bridge, code

    def seconds(self, arguments: GoToArguments) -> float:
        return LOOKING + 30

    async def run(self, arguments: GoToArguments, call: Call) -> str:
        text = await text_of(call, arguments.path)
        lines = text.split("\n")
        if arguments.line > len(lines) or arguments.name not in lines[arguments.line - 1]:
            raise ToolError(f"{arguments.name} does not stand on line {arguments.line} of {arguments.path}.")
        before = "".join(f"{line}\n" for line in lines[: arguments.line - 1])
        at = position(text, len(before) + lines[arguments.line - 1].index(arguments.name))
        place = str(call.workspace.root / await place_of(call.workspace, arguments.path))
        body = {"fs_file_path": place, "position": to_builtins(at)}
        try:
            found = await self._bridge.ask(f"/go_to_{arguments.what}", Found, body, seconds=LOOKING)
            places = found.places
        except EditorLacks:
            return await self._by_name(arguments, call)
        root = call.workspace.root
        shown = [f"{_shown(one.fs_file_path, root)}:{one.range.start_position.line + 1}" for one in places]
        return _listed(list(dict.fromkeys(shown)))

    async def _by_name(self, arguments: GoToArguments, call: Call) -> str:
        """What defines, or uses, that name, whatever object it is of. Raises EditorLacks where nobody knows."""
        code = self._code()
        if code is None or arguments.what not in ("definition", "references"):
            raise EditorLacks(f"The editor does not know where to find a {arguments.what}. Search by text.")
        table = await code.table(call.workspace, call.progress)
        shown: list[str] = []
        name = arguments.name
        for path in table.defining(name) if arguments.what == "definition" else table.using(name):
            file = table.file(path)
            if file is not None and arguments.what == "definition":
                shown += [f"{path}:{one.line}" for one in file.symbols if one.name == name]
            elif file is not None:
                used = (one for one in file.uses if one.name == name and one.kind != "local")
                shown += [f"{path}:{line}" for one in used for line in one.lines]
        return f"By the name alone, since the editor does not know:\n{_listed(shown)}"


class FixArguments(Struct, frozen=True, forbid_unknown_fields=True):
    path: FilePath
    line: Line
    apply: Annotated[str, Meta(description="The fix to make, by its label; without it they are listed.")] = ""


class QuickFix:
    """Lists what an editor offers for a line, or has one of it done."""

    name = "quick_fix"
    description = "The fixes that the editor offers for what is wrong on a line; with `apply` one of them is made."
    effect: Effect = "write"
    Arguments = FixArguments

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge

    def effect_of(self, arguments: FixArguments) -> Effect:
        return "write" if arguments.apply else "read"

    def seconds(self, arguments: FixArguments) -> float:
        return 2 * LOOKING + 5

    async def preview(self, arguments: FixArguments, call: Call) -> str:
        return f"{arguments.path}, line {arguments.line}: {arguments.apply}"

    async def run(self, arguments: FixArguments, call: Call) -> str:
        text, lines = await text_of(call, arguments.path), arguments.line
        begins = [0, *(n + 1 for n, sign in enumerate(text) if sign == "\n"), len(text) + 1]
        if lines >= len(begins):
            raise ToolError(f"{arguments.path} has only {len(begins) - 1} lines.")
        request = secrets.token_hex(8)
        place = str(call.workspace.root / await place_of(call.workspace, arguments.path))
        at = Range(position(text, begins[lines - 1]), position(text, begins[lines] - 1))
        body = {"fs_file_path": place, "request_id": request}
        asked = {**body, "range": to_builtins(at)}
        offered = (await self._bridge.ask("/select_quick_fix", QuickFixes, asked, seconds=LOOKING)).options
        if not arguments.apply:
            return _listed([one.label for one in offered])
        chosen = next((one for one in offered if one.label == arguments.apply), None)
        if chosen is None:
            raise ToolError(f"There is no such fix; there are: {', '.join(one.label for one in offered) or 'none'}.")
        return await self._made(arguments.path, {**body, "index": chosen.index}, call)

    async def _made(self, path: str, body: dict[str, Any], call: Call) -> str:
        before = await call.workspace.read(path)
        done = await self._bridge.ask("/invoke_quick_fix", Invoked, body, seconds=LOOKING, once=True)
        if not done.invocation_success:
            raise ToolError("The editor could not make that fix.")
        after = await call.workspace.read(path)
        if after.hash == before.hash:
            return f"Done; {path} is as it was."
        call.known.note(call.workspace.root, path, after.hash)
        change = await trio.to_thread.run_sync(file_changed, path, before.data, after.data, after.hash, call.id)
        await call.emit(change, blobs=images(change, before.data))
        return f"Done. {change.diff}"


async def text_of(ground: Any, path: str) -> str:
    """With line feeds. Raises ToolError."""
    data = (await ground.workspace.read(path)).data
    form = text_form(data)
    if form is None:
        raise ToolError(f"{path} is binary, not text.")
    return form.decode(data).replace("\r\n", "\n")


def position(text: str, offset: int) -> Position:
    begin = text.rfind("\n", 0, offset) + 1
    units = len(text[begin:offset].encode("utf-16-le")) // 2
    return Position(text.count("\n", 0, begin), units, len(text[:offset].encode()))


def _shown(path: str, root: Path) -> str:
    place = Path(path)
    return str(place.relative_to(root)) if place.is_relative_to(root) else path


def _listed(lines: Sequence[str]) -> str:
    if not lines:
        return "None."
    return "\n".join([*lines[:MOST], *([f"[{len(lines) - MOST} more]"] if len(lines) > MOST else [])])
