"""A repository as the git program gets to see it: objects, branches and index of the real one, settings of ours.

The program obeys the settings, hooks and drivers that it finds in its folder. So it is given another folder, in which
what holds data leads to the real one, and what could name a program is not there.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import trio

from .choices import Choices
from .place import GitFault, Place, read

DATA = ("objects", "refs", "packed-refs", "info", "shallow", "reftable")
_QUIET = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_SYSTEM": os.devnull,
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_COUNT": "0",
    "GIT_CONFIG_PARAMETERS": "",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_LITERAL_PATHSPECS": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "",
    "GIT_PAGER": "cat",
    "PAGER": "cat",
    "GIT_EDITOR": "false",
    "GIT_ASKPASS": "false",
    "GIT_TRACE2": "0",
    "LC_ALL": "C",
}


@asynccontextmanager
async def shadow(place: Place, choices: Choices) -> AsyncIterator[Mapping[str, str]]:
    """The variables by which the program finds it, for as long as the block runs."""
    folder = await trio.to_thread.run_sync(_made, place, choices)
    try:
        yield _QUIET | {
            "GIT_DIR": str(folder),
            "GIT_WORK_TREE": place.top,
            "GIT_INDEX_FILE": os.path.join(place.folder, "index"),
        }
    finally:
        with trio.CancelScope(shield=True):  # deleting a few links
            await trio.to_thread.run_sync(lambda: shutil.rmtree(folder, ignore_errors=True))


def _made(place: Place, choices: Choices) -> Path:
    head = read(os.path.join(place.folder, "HEAD"))
    if head is None:
        raise GitFault(f"{place.folder} has no HEAD.")
    folder = Path(tempfile.mkdtemp(prefix="pillion-git-"))
    (folder / "HEAD").write_text(head)
    (folder / "config").write_text(choices.lines())
    for name in DATA:
        real = os.path.join(place.common, name)
        if os.path.lexists(real):
            (folder / name).symlink_to(real)
    return folder
