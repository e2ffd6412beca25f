"""Where a conversation forks: all that a new session needs of another one, as that was behind one of its events."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from msgspec import Struct, structs

from . import events as e
from .contracts.store import SessionInfo, Store
from .errors import BadCursor
from .history import History
from .recovery import recall
from .roles import Roles
from .secrets import Secrets
from .values import Limits


class Branch(Struct, frozen=True):
    """Session `info` as it was behind its event `at`. `messages` and `outputs` name the `blobs`: each a message's JSON,
    or a call's whole result. `compacted` is what a model was sent instead of the first messages."""

    info: SessionInfo
    at: int
    limits: Limits | None
    roles: Roles
    messages: Sequence[str]
    outputs: dict[str, e.TextRef]
    blobs: Mapping[str, bytes]
    compacted: e.HistoryCompacted | None = None

    def events(self) -> list[e.Event]:
        """What the new session's log begins with."""
        names = tuple(self.messages)
        events: list[e.Event] = [e.SessionForked(origin=self.info.id, at=self.at, messages=names, outputs=self.outputs)]
        if self.compacted is not None:
            events.append(structs.replace(self.compacted, step=0))
        if self.info.title:
            events.append(e.SessionChanged(title=self.info.title))
        return events


async def branch(store: Store, id: str, at: int | None, secrets: Secrets) -> Branch:
    """Reads the log, of which nothing is changed and nobody else is kept waiting; `at` None: to its end.

    Prompts that waited are no part of it. Raises NotFound; BadCursor where the log has no event `at`.
    """
    info = await store.info(id)
    history, limits, last = await recall(id, store, at)
    if at is not None and not 0 < at == last:
        raise BadCursor(f"Session {id} has {last} events, so it can't be forked at event {at}.")
    history.settle()
    names, blobs = await _messages(store, history, secrets)
    for whole in history.outputs.values():
        blobs[whole.hash] = await store.blob(whole.hash)
    outputs = dict(history.outputs)
    return Branch(info, last, limits, history.roles, names, outputs, blobs, history.compacted)


async def _messages(store: Store, history: History, secrets: Secrets) -> tuple[list[str], dict[str, bytes]]:
    """The conversation's messages as JSON: their hashes in order, and each by its hash."""
    names, kept = [], {}
    for n in range(len(history.drafts)):
        blobs = {hash: await store.blob(hash) for hash in history.blobs(n, n + 1)}
        (message,) = history.resolved(blobs, n, n + 1)
        data = secrets.redact_bytes(e.as_json(message))
        names.append(hashlib.sha256(data).hexdigest())
        kept[names[-1]] = data
    return names, kept
