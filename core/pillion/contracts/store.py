"""A store is where logs last. It keeps numbered bytes and never looks inside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

from msgspec import Struct

from ..roles import Roles


class Record(Struct, frozen=True):
    """A whole event as stored: `data` is its JSON object without the envelope, `time` milliseconds since 1970 UTC."""

    seq: int
    type: str
    turn: str
    time: int
    data: bytes


class Draft(Struct, frozen=True):
    """A piece of text of the open item `item`, beginning at character `at`."""

    item: int
    at: int
    text: str


class Batch(Struct, frozen=True):
    """All or nothing. `expected` is the last seq before it; `closes` are items whose drafts are done with. An empty one
    only asks whether the session is still this generation's.

    `info`, if given: title, labels, model, strategy and `archived` of the session are these from now on.
    """

    session: str
    generation: int
    expected: int
    records: Sequence[Record] = ()
    drafts: Sequence[Draft] = ()
    closes: Sequence[int] = ()
    blobs: Mapping[str, bytes] = {}
    info: SessionInfo | None = None


class SessionInfo(Struct, frozen=True, omit_defaults=True):
    """What is known of a session without reading its log. Times are milliseconds since 1970 UTC.

    `ephemeral`: it ends with this process. The kernel keeps it in memory; the store of the settings never sees one.
    `archived`: put aside, lists leave it out. `origin` and `branched`: the session, and the number of its event, that
    this one was forked from; that session may be gone. `roles` are its own models by role; a store need not keep them,
    since the kernel reads them from the log.
    """

    id: str
    workspace: str
    created: int
    updated: int = 0
    title: str = ""
    model: str = ""
    strategy: str = ""
    labels: Mapping[str, str] = {}
    parent: str = ""
    trusted: bool = False
    ephemeral: bool = False
    archived: bool = False
    origin: str = ""
    branched: int = 0
    roles: Roles = {}


class SessionQuery(Struct, frozen=True):
    """Newest first. `cursor` is a Page's `next`; children are left out unless `parent` names theirs.

    `archived`: those that are, instead of those that are not. `text`: words that all stand in the title, or in the
    conversation where the store can search it; upper and lower case are one.
    """

    workspace: str = ""
    parent: str = ""
    cursor: str = ""
    limit: int = 50
    text: str = ""
    archived: bool = False


class Page(Struct, frozen=True):
    """`next` is empty at the end. `matches`: by session, the passage that fits the query's `text`, if one is known."""

    data: Sequence[SessionInfo]
    next: str = ""
    matches: Mapping[str, str] = {}


class Opened(Struct, frozen=True):
    """A session opened for writing. `generation` rises at each opening; a commit with an older one is LostLease."""

    info: SessionInfo
    generation: int
    last: int
    drafts: Sequence[Draft] = ()


@runtime_checkable
class Store(Protocol):
    """`commit` returns when the batch is durable; raises Conflict (`expected` is not the last seq), LostLease,
    StoreFailed. `read` is a page of records with `seq > after`, in order. NotFound for what is not there.

    Who opens a session owns it until `release`; `open` and `delete` raise OwnedElsewhere while it is another process's
    that lives. `read`, `blob`, `info` and `sessions` ask for no leave. A store of which only one server may be at work
    on a data directory has an attribute `one_server` that is True."""

    async def create(self, info: SessionInfo) -> Opened: ...

    async def open(self, session: str) -> Opened: ...

    async def commit(self, batch: Batch) -> None: ...

    async def release(self, session: str, generation: int) -> None:
        """Others may open it now. Nothing happens where somebody has done so already, or it is gone."""

    async def read(self, session: str, after: int, limit: int) -> list[Record]: ...

    async def blob(self, hash: str) -> bytes: ...

    async def info(self, session: str) -> SessionInfo: ...

    async def sessions(self, query: SessionQuery) -> Page: ...

    async def delete(self, session: str) -> None: ...

    async def aclose(self) -> None: ...
