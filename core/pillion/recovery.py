"""A session comes back by its log: the fold over what is stored of it."""

from __future__ import annotations

from . import events as e
from .contracts.store import Store
from .history import History
from .values import Limits

READ = 1000
"""Records that are read at a time."""


async def recall(id: str, store: Store, upto: int | None = None) -> tuple[History, Limits | None, int]:
    """Folds a stored log, as far as event `upto`; also says the session's own limits, and the last seq that was read.

    Events of plugins pass by as bytes. Raises NotFound.
    """
    history, limits, last = History(), None, 0
    while last != upto and (records := await store.read(id, last, READ if upto is None else min(READ, upto - last))):
        for record in records:
            event = e.decode(record.type, record.data)
            if isinstance(event, e.SessionOpened):
                limits = event.limits
            if event is not None:
                history.apply(record.seq, event, record.turn, record.time)
        last = records[-1].seq
    return history, limits, last
