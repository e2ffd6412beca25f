"""glob and search, by ripgrep."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from pillion.contracts.tool import Call, Effect

from .ripgrep import each_line, place_of

SECONDS = 30.0
COLUMNS = 400
"""Bytes shown of a line with a hit."""
LARGEST_FILE = "20M"


class GlobArguments(Struct, frozen=True, forbid_unknown_fields=True):
    pattern: Annotated[str, Meta(min_length=1, description="E.g. `*.py` (at any depth), `src/**/*.ts`, `**/test_*`.")]
    folder: Annotated[str, Meta(description="Where to look, relative to the workspace.")] = ""


class Glob:
    """Paths of files that fit a pattern, sorted."""

    name = "glob"
    description = "Find files of the workspace by a pattern of their path. Ignored and hidden files are left out."
    effect: Effect = "read"
    Arguments = GlobArguments

    def __init__(self, ripgrep: str) -> None:
        self._ripgrep = ripgrep

    def seconds(self, arguments: GlobArguments) -> float:
        return SECONDS

    async def run(self, arguments: GlobArguments, call: Call) -> str:
        found = _Gathered(call.max_output, "files")
        wanted = ["--files", "--sort=path", f"--glob={arguments.pattern}"]
        await each_line(self._ripgrep, call, wanted, await place_of(call, arguments.folder), found.take)
        return found.text() or "[no file fits]"


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

    def __init__(self, ripgrep: str) -> None:
        self._ripgrep = ripgrep

    def seconds(self, arguments: SearchArguments) -> float:
        return SECONDS

    async def run(self, arguments: SearchArguments, call: Call) -> str:
        found = _Gathered(call.max_output, "lines")
        wanted = [
            "--line-number",
            "--with-filename",
            "--no-heading",
            "--sort=path",
            f"--max-columns={COLUMNS}",
            "--max-columns-preview",
            f"--max-filesize={LARGEST_FILE}",
            f"--context={arguments.context}",
            *([f"--glob={arguments.glob}"] if arguments.glob else []),
            *(["--ignore-case"] if arguments.ignore_case else []),
            f"--regexp={arguments.pattern}",
        ]
        await each_line(self._ripgrep, call, wanted, await place_of(call, arguments.folder), found.take)
        return found.text() or "[no hit]"


class _Gathered:
    """Lines, as many as the model can take."""

    def __init__(self, room: int, what: str) -> None:
        self._room, self._what = room, what
        self._lines: list[str] = []
        self._full = False

    def take(self, line: str) -> bool:
        self._room -= len(line) + 1
        self._full = self._room < 0
        if not self._full:
            self._lines.append(line)
        return not self._full

    def text(self) -> str:
        note = [f"[{len(self._lines)} {self._what} shown, there are more: narrow it down]"] if self._full else []
        return "\n".join(self._lines + note)
