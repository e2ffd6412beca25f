"""Each check of the store's contract fails on a store that is broken in just that way, and says what."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
import trio

from pillion import Batch, Opened, Page, Record, SessionInfo, SessionQuery
from pillion.errors import NotFound
from pillion.memorystore import MemoryStore
from pillion.testing.contracts import StoreContract


async def fails(contract: StoreContract, check: str, said: str) -> None:
    with pytest.raises(AssertionError) as caught:
        await getattr(contract, check)()
    assert said in str(caught.value)


class Broken(MemoryStore):
    """A store with one fault, named by `fault`."""

    def __init__(self, fault: str) -> None:
        super().__init__()
        self.fault = fault

    async def create(self, info: SessionInfo) -> Opened:
        if self.fault == "labels":
            info = msgspec.structs.replace(info, labels={})
        if self.fault == "twice":
            self._logs.pop(info.id, None)
        return await super().create(info)

    async def open(self, session: str) -> Opened:
        opened = await super().open(session)
        if self.fault == "drafts":
            return msgspec.structs.replace(opened, drafts=())
        if self.fault == "generation":
            self._logs[session].generation = 1
            return msgspec.structs.replace(opened, generation=1)
        return opened

    async def commit(self, batch: Batch) -> None:
        log = self._logs.get(batch.session)
        if self.fault == "half" and log is not None:
            self._blobs.update(batch.blobs)
        if self.fault == "expected" and log is not None:
            batch = msgspec.structs.replace(batch, expected=len(log.records))
        if self.fault == "lease" and log is not None:
            batch = msgspec.structs.replace(batch, generation=log.generation)
        if self.fault == "closes":
            batch = msgspec.structs.replace(batch, closes=())
        if self.fault == "all closed" and log is not None and batch.closes:
            batch = msgspec.structs.replace(batch, closes=list(log.drafts))
        if self.fault == "empty" and not batch.records:
            return
        if self.fault == "cancel":
            for record in batch.records:
                log.records.append(record)  # type: ignore[union-attr]
                await trio.lowlevel.checkpoint()
            return
        if self.fault == "info":
            batch = msgspec.structs.replace(batch, info=None)
        if self.fault == "all info" and batch.info is not None and log is not None:
            log.info = batch.info
        try:
            await super().commit(batch)
        except NotFound:
            if self.fault != "forgiving":
                raise
        if self.fault == "updated" and log is not None:
            log.info = msgspec.structs.replace(log.info, updated=0)

    async def release(self, session: str, generation: int) -> None:
        if self.fault == "release":
            self._log(session).generation += 1

    async def read(self, session: str, after: int, limit: int) -> list[Record]:
        if self.fault == "limit":
            limit *= 2
        if self.fault == "order":
            return (await super().read(session, after, limit))[::-1]
        return await super().read(session, after, limit)

    async def blob(self, hash: str) -> bytes:
        return (await super().blob(hash)).rstrip(b"\0") if self.fault == "bytes" else await super().blob(hash)

    async def sessions(self, query: SessionQuery) -> Page:
        if self.fault == "cursor" and query.cursor:
            query = msgspec.structs.replace(query, cursor="")
        if self.fault == "workspace":
            query = msgspec.structs.replace(query, workspace="")
        page = await super().sessions(query)
        if self.fault == "oldest":
            return Page(page.data[::-1], page.next)
        if self.fault == "children" and not query.parent:
            return Page([log.info for log in self._logs.values()])
        return page

    async def delete(self, session: str) -> None:
        if self.fault == "delete":
            return
        await super().delete(session)


class OfStore(StoreContract):
    def __init__(self, fault: str) -> None:
        self._fault = fault

    async def store(self) -> Broken:
        return Broken(self._fault)


class Lasting(OfStore):
    """Says that it outlives the process, and begins anew."""

    async def again(self, store: Any) -> MemoryStore:
        fresh = MemoryStore()
        await fresh.create(SessionInfo("a", "/w", 1, labels={"k": "new"}))
        return fresh


@pytest.mark.parametrize(
    ("fault", "check", "said"),
    [
        ("labels", "test_a_new_session_is_empty", "info() lost something"),
        ("order", "test_records_come_back_in_order_page_by_page", "not those that went in"),
        ("limit", "test_records_come_back_in_order_page_by_page", "A page of at most 250 holds 500"),
        ("bytes", "test_bytes_are_kept_as_they_are", "A large blob changed"),
        ("expected", "test_a_commit_on_another_place_is_a_conflict", "must raise Conflict; it gave None"),
        ("half", "test_a_commit_on_another_place_is_a_conflict", "A blob of a refused commit must raise NotFound"),
        ("expected", "test_of_two_commits_at_once_one_wins", "2 were taken"),
        ("cancel", "test_a_cancelled_commit_is_whole_or_nothing", "left 1 of 5"),
        ("drafts", "test_drafts_stay_until_their_item_closes", "Lost"),
        ("closes", "test_drafts_stay_until_their_item_closes", "the drafts of item 2 stay"),
        ("all closed", "test_drafts_stay_until_their_item_closes", "the drafts of item 2 stay"),
        ("generation", "test_who_opens_last_holds_the_lease", "raises the generation"),
        ("empty", "test_an_empty_batch_asks_for_the_lease", "An empty commit of an older generation"),
        ("release", "test_a_session_can_be_released_and_opened_again", "took it from who has it"),
        ("lease", "test_who_opens_last_holds_the_lease", "must raise LostLease"),
        ("twice", "test_what_is_not_there_is_not_found", "A second session of the same id"),
        ("forgiving", "test_what_is_not_there_is_not_found", "commit() of what is not there"),
        ("oldest", "test_sessions_come_newest_first_page_by_page", "Not newest first"),
        ("cursor", "test_sessions_come_newest_first_page_by_page", "Not newest first"),
        ("workspace", "test_sessions_of_one_workspace_or_one_parent", "not ['a']"),
        ("children", "test_sessions_of_one_workspace_or_one_parent", "'child'"),
        ("delete", "test_a_deleted_session_is_gone_and_the_others_stay", "still listed"),
        ("info", "test_a_batch_may_change_what_a_session_is_called", "all else stays"),
        ("all info", "test_a_batch_may_change_what_a_session_is_called", "all else stays"),
        ("updated", "test_the_last_record_says_when_a_session_was_touched", "`updated` is 0"),
    ],
)
async def test_a_broken_store(fault: str, check: str, said: str) -> None:
    await fails(OfStore(fault), check, said)


async def test_a_store_that_forgets() -> None:
    await fails(Lasting("none"), "test_what_was_committed_outlives_the_store", "Something is lost")
