"""Which session of Pillion's each session of the editor's is."""

from __future__ import annotations

import hashlib
from contextlib import suppress

import trio

from pillion import Kernel, NotFound, Session

LABEL = "aide.session"


def id_of(id: str) -> str:
    """The session that is the editor's session `id`."""
    return hashlib.sha256(f"{LABEL}/{id}".encode()).hexdigest()[:32]


class Sessions:
    """By the editor's id, of which the id here follows: nothing has to be remembered for them to be found again."""

    def __init__(self) -> None:
        self.kernel: Kernel | None = None
        self._opening = trio.Lock()

    async def find(self, id: str) -> Session:
        """Raises NotFound, OwnedElsewhere."""
        assert self.kernel is not None
        with suppress(NotFound):
            session = await self.kernel.session(id_of(id))
            if session.info.labels.get(LABEL) == id:
                return session
        raise NotFound(f"There is no session {id!r}.")

    async def open(self, id: str, folder: str) -> Session:
        """The session, or a new one that works in the folder. Raises NotFound where there is no such folder."""
        assert self.kernel is not None
        async with self._opening:
            try:
                return await self.find(id)
            except NotFound:
                return await self.kernel.create(folder, labels={LABEL: id}, id=id_of(id))
