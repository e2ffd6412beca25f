"""An observer watches all sessions' new records: metrics, exports, indexes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol, runtime_checkable

from msgspec import Struct

from .store import Record


class Seen(Struct, frozen=True):
    """One whole event of one session. Of an `ephemeral` one nothing is to last longer than this process."""

    session: str
    record: Record
    ephemeral: bool = False


@runtime_checkable
class Observer(Protocol):
    """One per process. `feed` never ends by itself; a slow observer loses the oldest and gets `lost` counted on it."""

    async def watch(self, feed: AsyncIterator[Seen], /) -> None: ...
