"""Where a path leads to in a workspace."""

from __future__ import annotations

import posixpath

from pillion.contracts.workspace import Workspace
from pillion.errors import ToolError


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
