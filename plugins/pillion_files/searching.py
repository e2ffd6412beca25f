"""glob and search, by ripgrep."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import accumulate, takewhile
from typing import Annotated

import trio
from msgspec import Meta, Struct

from pillion.contracts.tool import Call, Effect
from pillion.protection import Guard, guard_of

from .ripgrep import Ripgrep, place_of
from .standing import Line, lines_there, names_there

SECONDS = 30.0
MOST_PATHS = 100_000
COLUMNS = 400
"""Bytes shown of a line with a hit."""
LARGEST_FILE = "20M"
AHEAD = 10
"""Times what fits that is taken as it comes, and sorted: so all cores may search. Of more, the first are looked for."""
QUICK = 10.0
"""Seconds that this may take; then large files are left out."""
BETWEEN = "--"
"""What ripgrep writes between hits that are apart."""
_AT = re.compile(r"(?P<number>\d+)(?P<sign>[:-])(?P<offset>\d+)(?P=sign)")
"""Behind a path: which line it is, and which byte of the file it begins at."""


class GlobArguments(Struct, frozen=True, forbid_unknown_fields=True):
    pattern: Annotated[str, Meta(min_length=1, description="E.g. `*.py` (at any depth), `src/**/*.ts`, `**/test_*`.")]
    folder: Annotated[str, Meta(description="Where to look, relative to the workspace.")] = ""


class Glob:
    """Paths of files that fit a pattern, sorted."""

    name = "glob"
    description = "Find files of the workspace by a pattern of their path. Ignored and hidden files are left out."
    effect: Effect = "read"
    Arguments = GlobArguments

    def __init__(self, ripgrep: Ripgrep) -> None:
        self._ripgrep = ripgrep

    def seconds(self, arguments: GlobArguments) -> float:
        return SECONDS

    async def run(self, arguments: GlobArguments, call: Call) -> str:
        entry = await call.workspace.stat(arguments.folder)
        place, fitting = place_of(call, arguments.folder, entry), f"--glob={arguments.pattern}"
        paths: list[str] = []

        def take(some: Sequence[str]) -> bool:
            paths.extend(map(_ordered, some))
            return len(paths) < MOST_PATHS

        if not await self._ripgrep.files(call, [fitting], place, take):
            paths.clear()
            await self._ripgrep.files(call, ["--sort=path", fitting], place, take)
        paths.sort()
        shown = _fitting(paths, call.max_output)
        there = await names_there(call, [path.replace("\0", "/") for path in shown])
        return _written(there, "files", more=len(paths) > len(shown)) or "[no file fits]"


class SearchArguments(Struct, frozen=True, forbid_unknown_fields=True):
    pattern: Annotated[str, Meta(min_length=1, description="A regular expression (Rust's syntax).")]
    folder: Annotated[str, Meta(description="A folder or file to search in, relative to the workspace.")] = ""
    glob: Annotated[str, Meta(description="Only files whose path fits, e.g. `*.py`.")] = ""
    ignore_case: bool = False
    context: Annotated[int, Meta(ge=0, le=10, description="Lines shown before and after each hit.")] = 0


class Search:
    """Lines that fit a regular expression, as `path:line:text`."""

    name = "search"
    description = (
        "Search the workspace's files with a regular expression. Gives `path:line:text` for each hit. "
        "Ignored, hidden and binary files are left out."
    )
    effect: Effect = "read"
    Arguments = SearchArguments

    def __init__(self, ripgrep: Ripgrep) -> None:
        self._ripgrep = ripgrep

    def seconds(self, arguments: SearchArguments) -> float:
        return SECONDS

    async def run(self, arguments: SearchArguments, call: Call) -> str:
        entry = await call.workspace.stat(arguments.folder)
        place, guard = place_of(call, arguments.folder, entry), guard_of(call.workspace)
        wanted = [
            "--line-number",
            "--byte-offset",
            "--with-filename",
            "--no-heading",
            f"--max-columns={COLUMNS}",
            "--max-columns-preview",
            f"--context={arguments.context}",
            *([f"--glob={arguments.glob}"] if arguments.glob else []),
            *(["--ignore-case"] if arguments.ignore_case else []),
            f"--regexp={arguments.pattern}",
        ]
        with trio.move_on_after(QUICK):  # asking each file's size first would take a quarter of the time
            found = _Hits(guard, call.max_output * AHEAD)
            if await self._ripgrep.lines(call, wanted, place, found.take):
                return await found.said(call)
        found = _Hits(guard, call.max_output)
        patient = ["--sort=path", f"--max-filesize={LARGEST_FILE}", *wanted]
        whole = await self._ripgrep.lines(call, patient, place, found.take)
        said = await found.said(call)
        return f"{said}\n[files of more than {LARGEST_FILE} are left out]" if whole else said


class _Hits:
    """Lines by file, without those of protected files; about `room` characters."""

    def __init__(self, guard: Guard, room: int) -> None:
        self._guard, self._room = guard, room
        self._files: dict[str, list[Line] | None] = {}

    def take(self, lines: Sequence[str]) -> bool:
        kept: list[Line] | None = None
        for line in lines:
            path, named, rest = line.partition("\0")
            if named:
                if path not in self._files:
                    self._files[path] = None if self._guard.hides(path) else []
                kept = self._files[path]
                if kept is not None and (at := _AT.match(rest)):
                    text = rest[at.end() :]
                    shown = f"{path}{at['sign']}{at['number']}{at['sign']}{text}"
                    kept.append(Line(shown, text, int(at["offset"])))
                    self._room -= len(shown) + 1
            elif kept is not None and line == BETWEEN:
                kept.append(Line(line))
        return self._room > 0

    async def said(self, call: Call) -> str:
        """Sorted by path: as much as the model can take of what stands there."""
        files = {path: self._files[path] or () for path in sorted(self._files, key=_ordered)}
        lines = [(path, line) for path, lines in files.items() for line in lines]
        fitting = len(_fitting([line.shown for _, line in lines], call.max_output))
        shown: dict[str, list[Line]] = {}
        for path, line in lines[:fitting]:
            shown.setdefault(path, []).append(line)
        return _written(await lines_there(call, shown), "lines", more=len(lines) > fitting) or "[no hit]"


def _ordered(path: str) -> str:
    """So that paths sort folder by folder: no name has that sign in it, and it comes before all others."""
    return path.replace("/", "\0")


def _fitting(lines: Sequence[str], room: int) -> Sequence[str]:
    """As many as the model can take."""
    sizes = accumulate(len(line) + 1 for line in lines)
    return lines[: sum(1 for _ in takewhile(lambda size: size <= room, sizes))]


def _written(lines: Sequence[str], what: str, *, more: bool) -> str:
    note = [f"[{len(lines)} {what} shown, there are more: narrow it down]"] if more else []
    return "\n".join([*lines, *note])
