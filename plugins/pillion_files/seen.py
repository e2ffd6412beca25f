"""What the model has seen of files in this turn, so that it does not write over what it has not."""

from __future__ import annotations

from collections.abc import Callable

from pillion.contracts.workspace import Workspace


class Seen:
    """Hashes by the file's real place. One for each turn. `touch` gets the places."""

    def __init__(self, touch: Callable[[str], None]) -> None:
        self._hashes: dict[str, str] = {}
        self._touch = touch

    async def note(self, workspace: Workspace, path: str, hash: str) -> str:
        """The model knows this content now: it read or wrote it. Returns the file's real place."""
        place = await _place(workspace, path)
        self._hashes[place] = hash
        self._touch(place)
        return place

    async def known(self, workspace: Workspace, path: str) -> str | None:
        """The hash of what the model knows; None: it has not read the file in this turn."""
        return self._hashes.get(await _place(workspace, path))


async def _place(workspace: Workspace, path: str) -> str:
    entry = await workspace.stat(path)
    return entry.path if entry else path
