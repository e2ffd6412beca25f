"""`serve --dev`: a plugin whose files or settings change is read anew, from the next turn."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

import trio

from pillion.errors import ConfigError, PillionError
from pillion.kernel import Kernel

LOOK_SECONDS = 0.3
"""Between two looks at the files. A change counts when two looks find the same: an editor may still be writing."""
Stamps = Mapping[Path, tuple[int, int]]
_log = logging.getLogger("pillion.dev")


async def reload_changed(kernel: Kernel) -> NoReturn:
    """Watches the files of every plugin that is switched on and no installed one, and the user's settings file."""
    settings_file = kernel.settings.user_file
    read = await _look(kernel)
    before = read
    while True:
        await trio.sleep(LOOK_SECONDS)
        now = await _look(kernel)
        if settings_file is not None and now[""] != read[""] and now[""] == before[""]:
            await _reload_reset(kernel)
            read |= {"": now[""]}
        for name in now.keys() - {""}:
            if now[name] != read.setdefault(name, now[name]) and now[name] == before.get(name):
                read[name] = now[name]
                await _reload(kernel, name)
        before = now


async def _look(kernel: Kernel) -> dict[str, Stamps]:
    """By plugin; under "" the user's settings file."""
    file = kernel.settings.user_file

    def in_thread() -> dict[str, Stamps]:
        found = {name: _stamps(paths) for name, paths in kernel.host.sources().items()}
        return found | {"": _stamps([file] if file else [])}

    return await trio.to_thread.run_sync(in_thread)


def _stamps(paths: Iterable[Path]) -> Stamps:
    stamps = {}
    for path in paths:
        with suppress(OSError):  # it has gone, or comes back in a moment
            status = os.stat(path)
            stamps[path] = status.st_mtime_ns, status.st_size
    return stamps


async def _reload_reset(kernel: Kernel) -> None:
    """Those whose sections have changed."""
    try:
        kernel.host.look_again()
    except ConfigError as error:
        _log.warning("The settings are not read again: %s", error)
        return
    for state in kernel.host.states():
        if state.pending == "changed":
            await _reload(kernel, state.name)


async def _reload(kernel: Kernel, name: str) -> None:
    try:
        await kernel.switchboard.reload(name)  # which tells what became of it
    except PillionError as error:
        _log.warning("The plugin %s is not read again: %s", name, error)
