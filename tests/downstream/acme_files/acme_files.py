"""Acme's file tools in plain Python: no ripgrep, the same names, so that a model finds what it knows."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import AsyncIterator, Sequence

from msgspec import Struct

from pillion import Call, Effect, Tool, TurnInfo, hookimpl


class PathArguments(Struct, frozen=True):
    path: str


class PatternArguments(Struct, frozen=True):
    pattern: str
    glob: str = "*"


class Reading:
    effect: Effect = "read"


class ReadFile(Reading):
    name = "read_file"
    description = "Acme's: read a file."
    Arguments = PathArguments

    async def run(self, arguments: PathArguments, call: Call) -> str:
        return (await call.workspace.read(arguments.path)).data.decode()


class Glob(Reading):
    name = "glob"
    description = "Acme's: paths that fit a pattern."
    Arguments = PatternArguments

    async def run(self, arguments: PatternArguments, call: Call) -> str:
        return "\n".join([path async for path in files(call) if fnmatch.fnmatch(path, arguments.pattern)])


class Search(Reading):
    name = "search"
    description = "Acme's: lines that fit a regular expression, as path:line:text."
    Arguments = PatternArguments

    async def run(self, arguments: PatternArguments, call: Call) -> str:
        wanted, hits = re.compile(arguments.pattern), []
        async for path in files(call):
            if fnmatch.fnmatch(path, arguments.glob):
                text = (await call.workspace.read(path)).data.decode(errors="replace")
                hits += [f"{path}:{n}:{line}" for n, line in enumerate(text.splitlines(), 1) if wanted.search(line)]
        return "\n".join(hits)


async def files(call: Call, folder: str = "") -> AsyncIterator[str]:
    for entry in await call.workspace.list(folder):
        if entry.kind == "folder" and not entry.path.rpartition("/")[2].startswith((".", "__")):
            async for path in files(call, entry.path):
                yield path
        elif entry.kind == "file":
            yield entry.path


class Plugin:
    """read_file, glob and search, without a program."""

    @hookimpl
    def register_tools(self, turn: TurnInfo) -> Sequence[Tool]:
        return [ReadFile(), Glob(), Search()]
