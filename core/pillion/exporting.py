"""Sessions out: a session and all that its turns opened, line by line, a page of records at a time."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

import msgspec

from . import events as e
from .contracts.store import SessionInfo, SessionQuery, Store
from .errors import NotFound
from .portable import FORMAT, VERSION, End, Entry, Kept, Line, Piece, Start, encode
from .references import blobs, needs_blobs

READ = 100
"""Records that are read at a time."""


async def export(store: Store, info: SessionInfo) -> AsyncGenerator[bytes, None]:
    """The file's lines, several at a time; parents come before their children. What is written meanwhile is left out
    or there, never half. Raises NotFound when the session is deleted meanwhile."""
    count = 0
    waiting = [msgspec.structs.replace(info, parent="")]
    while waiting:
        session = waiting.pop()
        count += 1
        yield encode(Start(FORMAT, VERSION, Kept.of(session)))
        async with aclosing(_records(store, session.id)) as pages:
            async for lines in pages:
                count += len(lines)
                yield b"".join(map(encode, lines))
        waiting += reversed(await children(store, session.id))
    yield encode(End(count))


async def children(store: Store, session: str) -> list[SessionInfo]:
    """All the sessions that its turns opened, archived ones too, the oldest first."""
    found: list[SessionInfo] = []
    for archived in (False, True):
        cursor = ""
        while page := await store.sessions(SessionQuery(parent=session, archived=archived, cursor=cursor, limit=1000)):
            found += page.data
            cursor = page.next
            if not cursor:
                break
    return sorted(found, key=lambda info: (info.created, info.id))


async def _records(store: Store, session: str) -> AsyncGenerator[list[Line], None]:
    """Its records, and each blob once, before the record that names it first."""
    last, told = 0, set[str]()
    while page := await store.read(session, last, READ):
        lines: list[Line] = []
        for record in page:
            event = e.decode(record.type, record.data)
            for hash in blobs(event):
                piece = None if hash in told else await _piece(store, hash, needed=needs_blobs(event))
                if piece is not None:
                    yield [*lines, piece]  # a blob may be large: one at a time
                    lines = []
                    told.add(hash)
            lines.append(Entry(record.seq, record.type, record.turn, record.time, msgspec.Raw(record.data)))
        yield lines
        last = page[-1].seq


async def _piece(store: Store, hash: str, *, needed: bool) -> Piece | None:
    try:
        return Piece(hash, await store.blob(hash))
    except NotFound:
        if needed:
            raise
        return None
