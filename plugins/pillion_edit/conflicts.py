"""A file that somebody else has changed meanwhile, shown with what has changed."""

from __future__ import annotations

from collections.abc import Mapping

import trio

from pillion.contracts.workspace import Workspace
from pillion.errors import Conflict, PillionError
from pillion.filediff import unified_diff

SHOWN = 4_000
"""Characters of the diffs."""


async def conflict(why: str, known: Mapping[str, bytes | None], workspace: Workspace) -> Conflict:
    """The error, with a diff from what was `known` of each file (None: it was not there) to what is there now."""
    diffs = []
    for path, before in known.items():
        try:
            now = None if await workspace.stat(path) is None else (await workspace.read(path)).data
        except PillionError:  # no file any more, or too large by now
            continue
        diffs.append(await trio.to_thread.run_sync(unified_diff, path, before, now))
    text = "".join(diffs)
    if len(text) > SHOWN:
        text = text[: text.rfind("\n", 0, SHOWN) + 1] + "… the rest of what changed is left out\n"
    return Conflict(f"{why} Nothing was written. What changed there meanwhile:\n{text}" if text else why)
