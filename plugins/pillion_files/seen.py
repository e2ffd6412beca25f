"""What the model has seen of files in this turn, so that it does not write over what it has not."""

from __future__ import annotations

from pillion.contracts.workspace import Workspace


class Seen:
    """Hashes by the file's real place. One for each turn."""

    def __init__(self) -> None:
        self._hashes: dict[str, str] = {}

    async def note(self, workspace: Workspace, path: str, hash: str) -> None:
        """The model knows this content now: it read or wrote it."""
        self._hashes[await _place(workspace, path)] = hash

    async def known(self, workspace: Workspace, path: str) -> str | None:
        """The hash of what the model knows; None: it has not read the file in this turn."""
        return self._hashes.get(await _place(workspace, path))


async def _place(workspace: Workspace, path: str) -> str:
    entry = await workspace.stat(path)
    return entry.path if entry else path
