"""A fork by an overlay: the files of its snapshot below, what is changed in it above, mounted in a namespace of its
own. A process holds the namespace; with it all is gone.

In there the fork also stands at the path of the workspace that it was made from, so that programs find everything where
they would there, also what has written its path down. Who is not in the namespace, as we are, reaches it by way of
`/proc/PID/root`; whoever resolves that by himself finds an empty folder, and never the workspace.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import AsyncGenerator
from pathlib import Path

import trio

from pillion.errors import PillionError, ToolError
from pillion.processes import Processes

from .record import TREE

BASE, UPPER, WORK, OBJECTS = "base", "upper", "work", "objects"
"""In a fork's folder: a link to the files below, what is changed, what the kernel needs, and in the namespace what is
committed in the origin, whose own path leads to the fork there."""
READY = b"ready\n"
SECONDS = 10.0
"""For a mount."""
_UNSHARE = ("unshare", "--user", "--map-current-user", "--keep-caps", "--mount", "/bin/sh", "-c")
_MOUNT = (
    f'{{ [ -z "$1" ] || mount --bind "$1" {OBJECTS}; }} && '
    f"mount -t overlay overlay -o lowerdir={BASE},upperdir={UPPER},workdir={WORK},userxattr,xino=off {TREE} "
    f'&& mount --bind {TREE} "$0" && echo ready && exec cat'
)
"""Relative paths, since a comma or colon in one would be taken for an end. `cat` ends when nobody holds its input."""


@contextlib.asynccontextmanager
async def mounted(processes: Processes, folder: Path, at: Path, objects: Path | None) -> AsyncGenerator[Path]:
    """The overlay of the fork in `folder`, as the path by which we reach it; programs have it at `at`, too, and beside
    it what is committed in `objects`. Raises ToolError where it can't be."""
    argv = [*_UNSHARE, _MOUNT, str(at), str(objects or "")]
    async with processes.start(argv, cwd=folder, open_input=True) as holder:
        said = b""
        with trio.move_on_after(SECONDS):
            async for piece in holder:
                said += piece
                if said.endswith(READY):
                    break
        if not said.endswith(READY):
            raise ToolError(f"No overlay can be mounted: {said.decode(errors='replace').strip()[:200]}")
        yield Path(f"/proc/{holder.pid}/root{folder / TREE}")


def prepare(folder: Path, base: Path) -> Path:
    """A fork's folder for an overlay over `base`. Returns where what is changed goes. Raises OSError."""
    for name in (UPPER, WORK, TREE, OBJECTS):
        (folder / name).mkdir(mode=0o700)
    (folder / BASE).symlink_to(base)
    os.chmod(folder / UPPER, base.stat().st_mode & 0o777)
    return folder / UPPER


def clear(folder: Path) -> None:
    """It is to be made in another way."""
    for name in (UPPER, WORK, TREE, OBJECTS):
        shutil.rmtree(folder / name, ignore_errors=True)
    (folder / BASE).unlink(missing_ok=True)


class Mounts:
    """Those of this process: each in a task of its own, in `nursery`."""

    def __init__(self, processes: Processes, nursery: trio.Nursery) -> None:
        self._processes, self._nursery = processes, nursery
        self._held: dict[str, tuple[Path, trio.CancelScope, trio.Event]] = {}

    def root(self, id: str) -> Path | None:
        """By which path we reach it; None: it is not mounted."""
        held = self._held.get(id)
        return held[0] if held else None

    async def mount(self, id: str, folder: Path, at: Path, objects: Path | None) -> None:
        """Raises ToolError."""
        fault: PillionError | None = await self._nursery.start(self._hold, id, folder, at, objects)
        if fault is not None:
            raise fault

    async def unmount(self, id: str) -> None:
        """Returns when it is gone."""
        if (held := self._held.get(id)) is not None:
            held[1].cancel()
            await held[2].wait()

    async def _hold(
        self,
        id: str,
        folder: Path,
        at: Path,
        objects: Path | None,
        task_status: trio.TaskStatus[PillionError | None],
    ) -> None:
        gone = trio.Event()
        with trio.CancelScope() as scope:
            try:
                async with mounted(self._processes, folder, at, objects) as root:
                    self._held[id] = root, scope, gone
                    task_status.started(None)
                    await trio.sleep_forever()
            except PillionError as fault:
                task_status.started(fault)
            finally:
                self._held.pop(id, None)
                gone.set()
