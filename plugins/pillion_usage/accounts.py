"""Where calls are looked up: in the database, or in memory."""

from __future__ import annotations

from functools import partial

from pillion import Kernel, Usage

from .ledger import Ledger
from .sums import Found, Readable, Wanted, found, used


class Accounts:
    """Those of one plugin object."""

    kernel: Kernel
    """Given by the plugin's lifespan."""

    def __init__(self) -> None:
        self.ledger = Ledger()

    def begin(self, kernel: Kernel) -> None:
        """From now on that kernel's calls are known."""
        self.kernel = kernel
        self.ledger.everything = not isinstance(kernel.store, Readable)

    def in_memory(self, session: str = "") -> bool:
        """Is what is known of a session, or of all that last, in memory alone?"""
        return self.ledger.everything or (bool(session) and session in self.kernel.ephemeral)

    async def found(self, wanted: Wanted, *, ephemeral: bool = False) -> Found:
        """The sums and groups that are wanted, of sessions that last or of ephemeral ones. Raises BadCursor,
        StoreFailed."""
        if isinstance(self.kernel.store, Readable) and not ephemeral:
            return await self.kernel.store.reading(partial(found, wanted=wanted))
        return found(self.ledger, wanted)

    async def used(self, *, session: str = "", since: int | None = None) -> Usage:
        """What a session and its children used, or everybody since that day. Raises StoreFailed."""
        if isinstance(self.kernel.store, Readable) and not self.in_memory(session):
            return await self.kernel.store.reading(partial(used, session=session, since=since))
        return used(self.ledger, session=session, since=since)
