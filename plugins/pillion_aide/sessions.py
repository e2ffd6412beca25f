"""Which session of Pillion's each session of the editor's is."""

from __future__ import annotations

import hashlib
from contextlib import suppress

import trio

from pillion import Home, Kernel, NotFound, Session

LABEL = "aide.session"


def id_of(id: str) -> str:
    """The session that was brought in from a file of the editor's session `id`."""
    return hashlib.sha256(f"{LABEL}/{id}".encode()).hexdigest()[:32]


class Sessions:
    """By the editor's id; remembered in the plugin's values, so that they are found after a restart."""

    def __init__(self, home: Home) -> None:
        self.kernel: Kernel | None = None
        self._values = home.values
        self._known: dict[str, str] = {}
        self._opening = trio.Lock()

    async def find(self, id: str) -> Session:
        """Raises NotFound, OwnedElsewhere."""
        assert self.kernel is not None
        mine = self._known.get(id) or await self._values.get(f"session/{id}", str)
        if not mine:
            return await self._brought(id)
        self._known[id] = mine
        return await self.kernel.session(mine)

    async def _brought(self, id: str) -> Session:
        """One that the sidecar had begun. Raises NotFound, OwnedElsewhere."""
        assert self.kernel is not None
        with suppress(NotFound):
            session = await self.kernel.session(id_of(id))
            if session.info.labels.get(LABEL) == id:
                self._known[id] = session.id
                return session
        raise NotFound(f"There is no session {id!r}.")

    async def open(self, id: str, folder: str) -> Session:
        """The session, or a new one that works in the folder. Raises NotFound where there is no such folder."""
        assert self.kernel is not None
        async with self._opening:
            try:
                return await self.find(id)
            except NotFound:
                session = await self.kernel.create(folder, labels={LABEL: id})
                await self._values.put(f"session/{id}", session.id)
                self._known[id] = session.id
                return session
