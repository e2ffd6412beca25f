"""Patterns of paths, relative to the workspace."""

from __future__ import annotations

import posixpath
import re
from functools import lru_cache

from pillion.contracts.workspace import Workspace
from pillion.errors import ToolError


def fits(path: str, pattern: str) -> bool:
    """Whether `pattern` covers `path`, as in .gitignore: without a slash it names a file or folder at any depth; one
    that covers a folder covers what is in it. `*` and `?` stay within a name, `**` goes over folders."""
    return _compiled(pattern).fullmatch(path) is not None


async def real_place(workspace: Workspace, path: str) -> str:
    """The place that `path` means, links followed as far as something exists; also for a file still to be made."""
    rest: list[str] = []
    here = path
    while here:
        try:
            entry = await workspace.stat(here)
        except ToolError:
            break
        if entry is not None:
            return posixpath.normpath(posixpath.join(entry.path, *reversed(rest))) if rest else entry.path
        here, _, name = here.rstrip("/").rpartition("/")
        rest.append(name)
    return posixpath.normpath(path)


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> re.Pattern[str]:
    anywhere = "/" not in pattern.rstrip("/")
    pattern = pattern.strip("/")
    pieces = re.findall(r"\*\*/|/\*\*$|\*\*|\*|\?|[^*?]+", pattern)
    meanings = {"**/": "(?:.*/)?", "/**": "/.*", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    body = "".join(meanings.get(piece) or re.escape(piece) for piece in pieces)
    return re.compile(("(?:.*/)?" if anywhere else "") + body + "(?:/.*)?", re.DOTALL)
