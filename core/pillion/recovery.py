"""A session comes back by its log: the fold over what is stored of it."""

from __future__ import annotations

from . import events as e
from .contracts.store import Opened, Store
from .history import History
from .values import Limits

READ = 1000


async def recall(opened: Opened, store: Store, limits: Limits) -> tuple[History, Limits, int]:
    """Folds a stored log; also says its last seq. Events of plugins pass by as bytes. `limits` are those of a log that
    has none of its own."""
    history, after = History(), 0
    while records := await store.read(opened.info.id, after, READ):
        for record in records:
            event = e.decode(record.type, record.data)
            if isinstance(event, e.SessionOpened) and event.limits is not None:
                limits = event.limits
            if event is not None:
                history.apply(record.seq, event, record.turn, record.time)
        after = records[-1].seq
    return history, limits, after
