"""A store in memory, without a thread: logs last as long as the object."""

from __future__ import annotations

import msgspec
import trio

from .contracts.store import Batch, Draft, Opened, Page, Record, SessionInfo, SessionQuery
from .errors import Conflict, LostLease, NotFound
from .listcursor import behind, parsed


class _Log:
    __slots__ = ("blobs", "drafts", "generation", "info", "records")

    def __init__(self, info: SessionInfo) -> None:
        self.info = info
        self.generation = 0
        self.records: list[Record] = []
        self.drafts: dict[int, list[Draft]] = {}
        self.blobs: set[str] = set()


class MemoryStore:
    """Implements the Store contract; see there."""

    def __init__(self) -> None:
        self._logs: dict[str, _Log] = {}
        self._blobs: dict[str, bytes] = {}

    def __contains__(self, session: object) -> bool:
        return session in self._logs

    async def create(self, info: SessionInfo) -> Opened:
        if info.id in self._logs:
            raise Conflict(f"There is a session {info.id} already.")
        self._logs[info.id] = _Log(info)
        return await self.open(info.id)

    async def open(self, session: str) -> Opened:
        log = self._log(session)
        log.generation += 1
        drafts = [draft for pieces in log.drafts.values() for draft in pieces]
        await trio.lowlevel.checkpoint()
        return Opened(log.info, log.generation, len(log.records), drafts)

    async def commit(self, batch: Batch) -> None:
        log = self._log(batch.session)
        if batch.generation != log.generation:
            raise LostLease(f"Session {batch.session} was opened again by somebody else.")
        if batch.expected != len(log.records):
            raise Conflict(f"Session {batch.session} has {len(log.records)} events, not {batch.expected}.")
        log.records.extend(batch.records)
        for draft in batch.drafts:
            log.drafts.setdefault(draft.item, []).append(draft)
        for item in batch.closes:
            log.drafts.pop(item, None)
        self._blobs.update(batch.blobs)
        log.blobs.update(batch.blobs)
        if batch.info is not None:
            new = batch.info
            log.info = msgspec.structs.replace(
                log.info,
                title=new.title,
                labels=new.labels,
                model=new.model,
                strategy=new.strategy,
                archived=new.archived,
            )
        if batch.records:
            log.info = msgspec.structs.replace(log.info, updated=batch.records[-1].time)

    async def release(self, session: str, generation: int) -> None:
        pass  # no other process sees it

    async def read(self, session: str, after: int, limit: int) -> list[Record]:
        records = self._log(session).records[after : after + limit]
        await trio.lowlevel.checkpoint()
        return records

    async def blob(self, hash: str) -> bytes:
        if hash not in self._blobs:
            raise NotFound(f"There is no blob {hash}.")
        return self._blobs[hash]

    async def info(self, session: str) -> SessionInfo:
        return self._log(session).info

    async def sessions(self, query: SessionQuery) -> Page:
        words = query.text.casefold().split()
        found = [
            log.info
            for log in reversed(self._logs.values())
            if log.info.parent == query.parent
            and log.info.archived == query.archived
            and (not query.workspace or log.info.workspace == query.workspace)
            and all(word in log.info.title.casefold() for word in words)
        ]
        found.sort(key=lambda info: (info.created, info.id), reverse=True)
        if query.cursor:
            mark = parsed(query.cursor)
            found = [info for info in found if (info.created, info.id) < mark]
        page = found[: query.limit]
        more = len(found) > len(page)
        return Page(page, behind(page[-1]) if more else "")

    async def delete(self, session: str) -> None:
        gone = self._log(session).blobs
        del self._logs[session]
        for hash in gone.difference(*(log.blobs for log in self._logs.values())):
            del self._blobs[hash]

    async def aclose(self) -> None:
        pass

    def _log(self, session: str) -> _Log:
        if session not in self._logs:
            raise NotFound(f"There is no session {session}.")
        return self._logs[session]
