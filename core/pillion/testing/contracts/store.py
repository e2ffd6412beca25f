"""What every store must do, wherever it keeps things."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager

import msgspec
import trio

from ...contracts.store import Batch, Draft, Opened, Record, SessionInfo, SessionQuery, Store
from ...errors import Conflict, LostLease, NotFound, PillionError


class StoreContract:
    """Override `store`, or `opened` when it needs something running; and `again`, if it outlives the process."""

    seconds = 60.0
    """What one check may take."""

    async def store(self) -> Store:
        """An empty store."""
        raise NotImplementedError("Override store() or opened().")

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Store]:
        """The store while a check runs."""
        store = await self.store()
        try:
            with trio.fail_after(self.seconds):
                yield store
        finally:
            await store.aclose()

    async def again(self, store: Store) -> Store | None:
        """Closes `store` and opens what it kept. None: it keeps nothing."""
        return None

    # ── records ──

    async def test_a_new_session_is_empty(self) -> None:
        async with self.opened() as store:
            assert isinstance(store, Store), "A store lacks a method of the contract."
            made = await store.create(_info("a", labels={"ü": "ß"}))
            assert (made.last, list(made.drafts)) == (0, []), f"A new session is not empty: {made}."
            assert made.info == await store.info("a") == _info("a", labels={"ü": "ß"}), "info() lost something."
            assert await store.read("a", 0, 10) == [], "A new session has records."

    async def test_records_come_back_in_order_page_by_page(self) -> None:
        async with self.opened() as store:
            made = await store.create(_info("a"))
            await store.commit(_batch(made, 0, 1))
            await store.commit(_batch(made, 1, 600))
            records, after = [], 0
            while page := await store.read("a", after, 250):
                assert len(page) <= 250, f"A page of at most 250 holds {len(page)}."
                records += page
                after = page[-1].seq
            assert records == _records(0, 601), "The records that come back are not those that went in."
            assert await store.read("a", 601, 10) == [], "Behind the last record there is nothing."

    async def test_bytes_are_kept_as_they_are(self) -> None:
        odd = Record(1, "ü.odd", "", 1, bytes(range(256)))
        async with self.opened() as store:
            made = await store.create(_info("a"))
            await store.commit(Batch("a", made.generation, 0, [odd], blobs={"h": b"", "big": b"\0" * 3_000_000}))
            assert await store.read("a", 0, 1) == [odd], "A record's bytes changed."
            assert await store.blob("h") == b"", "An empty blob changed."
            assert await store.blob("big") == b"\0" * 3_000_000, "A large blob changed."

    async def test_a_commit_on_another_place_is_a_conflict(self) -> None:
        async with self.opened() as store:
            made = await store.create(_info("a"))
            await store.commit(_batch(made, 0, 2))
            for expected in (0, 1, 3):
                batch = _batch(made, expected, 1, drafts=[Draft(1, 0, "x")], blobs={"never": b"x"})
                await _raises(Conflict, store.commit(batch), f"A commit expecting {expected} of 2 records")
            assert await store.read("a", 0, 9) == _records(0, 2), "A refused commit left records."
            assert list((await store.open("a")).drafts) == [], "A refused commit left drafts: it is all or nothing."
            await _raises(NotFound, store.blob("never"), "A blob of a refused commit")

    async def test_of_two_commits_at_once_one_wins(self) -> None:
        async with self.opened() as store:
            made, lost = await store.create(_info("a")), []

            async def commit() -> None:
                try:
                    await store.commit(_batch(made, 0, 3))
                except Conflict:
                    lost.append(1)

            async with trio.open_nursery() as nursery:
                nursery.start_soon(commit)
                nursery.start_soon(commit)
            assert len(lost) == 1, f"Of two commits on the same place {2 - len(lost)} were taken."
            assert await store.read("a", 0, 9) == _records(0, 3), "The one that won is not what is there."

    async def test_of_many_sessions_commits_at_once_each_is_its_own(self) -> None:
        """All kinds of rows; in the second round one in four expects another place, and fails alone."""
        names = [f"s{n}" for n in range(12)]
        async with self.opened() as store:
            made = {name: await store.create(_info(name)) for name in names}
            async with trio.open_nursery() as nursery:
                for name in names:
                    drafts, blobs = [Draft(2, 0, name)], {name: name.encode(), "shared": b"x"}
                    nursery.start_soon(store.commit, _batch(made[name], 0, 2, drafts=drafts, blobs=blobs))
            failed: list[str] = []

            async def close(name: str, expected: int) -> None:
                try:
                    await store.commit(_batch(made[name], expected, 1, closes=[2]))
                except Conflict:
                    failed.append(name)

            async with trio.open_nursery() as nursery:
                for n, name in enumerate(names):
                    nursery.start_soon(close, name, 2 if n % 4 else 1)
            assert sorted(failed) == ["s0", "s4", "s8"], f"Conflicts among commits at once: {sorted(failed)}."
            for n, name in enumerate(names):
                assert await store.read(name, 0, 9) == _records(0, 3 if n % 4 else 2), (
                    f"The records of {name} are wrong."
                )
                left = list((await store.open(name)).drafts)
                assert left == ([] if n % 4 else [Draft(2, 0, name)]), f"The drafts of {name}: {left}."
                assert await store.blob(name) == name.encode(), f"The blob of {name} is lost."

    async def test_a_cancelled_commit_is_whole_or_nothing(self) -> None:
        async with self.opened() as store:
            made = await store.create(_info("a"))
            with trio.CancelScope() as scope:
                scope.cancel()
                await store.commit(_batch(made, 0, 5))
            again = await store.open("a")
            records = await store.read("a", 0, 9)
            assert again.last in (0, 5), f"A cancelled commit left {again.last} of 5 records."
            assert len(records) == again.last, f"open() says {again.last} records, read() gives {len(records)}."

    # ── drafts and leases ──

    async def test_drafts_stay_until_their_item_closes(self) -> None:
        async with self.opened() as store:
            made = await store.create(_info("a"))
            await store.commit(_batch(made, 0, 2))
            await store.commit(_batch(made, 2, 0, drafts=[Draft(1, 0, "He"), Draft(2, 0, "x")]))
            await store.commit(_batch(made, 2, 0, drafts=[Draft(1, 2, "lló")]))
            drafts = (await store.open("a")).drafts
            assert [d for d in drafts if d.item == 1] == [Draft(1, 0, "He"), Draft(1, 2, "lló")], f"Lost: {drafts}."
            made = await store.open("a")
            await store.commit(_batch(made, 2, 1, closes=[1]))
            drafts = (await store.open("a")).drafts
            assert list(drafts) == [Draft(2, 0, "x")], f"After item 1 is closed the drafts of item 2 stay: {drafts}."

    async def test_who_opens_last_holds_the_lease(self) -> None:
        async with self.opened() as store:
            first = await store.create(_info("a"))
            await store.commit(_batch(first, 0, 1))
            second = await store.open("a")
            assert second.generation > first.generation, "Each opening raises the generation."
            assert second.last == 1, f"open() says that the last record is {second.last}, not 1."
            await _raises(LostLease, store.commit(_batch(first, 1, 1)), "A commit of an older generation")
            await store.commit(_batch(second, 1, 1))
            assert await store.read("a", 0, 9) == _records(0, 2), "The commit of the newest generation is missing."

    async def test_an_empty_batch_asks_for_the_lease(self) -> None:
        async with self.opened() as store:
            first = await store.create(_info("a"))
            await store.commit(_batch(first, 0, 1))
            before = await store.info("a")
            await store.commit(_batch(first, 1, 0))
            assert await store.info("a") == before, "A batch without records changed the session."
            second = await store.open("a")
            await _raises(LostLease, store.commit(_batch(first, 1, 0)), "An empty commit of an older generation")
            await store.commit(_batch(second, 1, 0))

    async def test_a_session_can_be_released_and_opened_again(self) -> None:
        async with self.opened() as store:
            first = await store.create(_info("a"))
            await store.release("a", first.generation)
            second = await store.open("a")
            await store.release("a", first.generation)  # by one that has lost it
            try:
                await store.commit(_batch(second, 0, 1))
            except LostLease:
                raise AssertionError("A release by who had lost the session took it from who has it.") from None
            await store.delete("a")
            await store.release("a", second.generation)  # of what is gone

    # ── sessions ──

    async def test_what_is_not_there_is_not_found(self) -> None:
        async with self.opened() as store:
            made = await store.create(_info("a"))
            await _raises(Conflict, store.create(_info("a")), "A second session of the same id")
            await store.delete("a")
            for name, call in (
                ("open", store.open("a")),
                ("read", store.read("a", 0, 1)),
                ("info", store.info("a")),
                ("delete", store.delete("a")),
                ("commit", store.commit(_batch(made, 0, 1))),
                ("blob", store.blob("no such hash")),
            ):
                await _raises(NotFound, call, f"{name}() of what is not there")

    async def test_sessions_come_newest_first_page_by_page(self) -> None:
        async with self.opened() as store:
            for n in (3, 1, 4, 2, 5):
                await store.create(_info(f"s{n}", created=n))
            await store.create(_info("t5", created=5))  # born in the same millisecond
            first = await store.sessions(SessionQuery(limit=4))
            await store.create(_info("late", created=9))
            second = await store.sessions(SessionQuery(limit=4, cursor=first.next))
            ids = [info.id for info in (*first.data, *second.data)]
            assert sorted(ids[:2]) == ["s5", "t5"] and ids[2:] == ["s4", "s3", "s2", "s1"], f"Not newest first: {ids}."
            assert first.next and not second.next, "`next` is empty on the last page, and only there."
            assert (await store.sessions(SessionQuery())).data[0].id == "late", "The newest session is not the first."
            await _raises(PillionError, store.sessions(SessionQuery(cursor="no cursor")), "A cursor that is none")

    async def test_sessions_of_one_workspace_or_one_parent(self) -> None:
        async with self.opened() as store:
            await store.create(_info("a", workspace="/one"))
            await store.create(_info("b", workspace="/two"))
            await store.create(_info("child", workspace="/one", parent="a"))
            for query, wanted in (
                (SessionQuery(), ["a", "b"]),
                (SessionQuery(workspace="/one"), ["a"]),
                (SessionQuery(workspace="/one/"), []),
                (SessionQuery(parent="a"), ["child"]),
                (SessionQuery(parent="b"), []),
            ):
                ids = sorted(info.id for info in (await store.sessions(query)).data)
                assert ids == wanted, f"{query} gives {ids}, not {wanted}."

    async def test_an_archived_session_is_in_the_other_list(self) -> None:
        async with self.opened() as store:
            made, _ = await store.create(_info("a")), await store.create(_info("b"))
            aside = msgspec.structs.replace(_info("a"), archived=True)
            await store.commit(msgspec.structs.replace(_batch(made, 0, 1), info=aside))
            for archived, wanted in ((False, ["b"]), (True, ["a"])):
                ids = [info.id for info in (await store.sessions(SessionQuery(archived=archived))).data]
                assert ids == wanted, f"With archived={archived} the list is {ids}, not {wanted}."
            assert (await store.info("a")).archived, "info() does not know that it is archived."
            await store.commit(msgspec.structs.replace(_batch(made, 1, 1), info=_info("a")))
            assert not (await store.info("a")).archived, "It can't be taken up again."

    async def test_a_fork_knows_where_it_came_from(self) -> None:
        fork = msgspec.structs.replace(_info("a"), origin="gone", branched=41, archived=True)
        async with self.opened() as store:
            await store.create(fork)
            info = await store.info("a")
            assert info == fork, f"Origin and place of a fork are kept: {info}."

    async def test_sessions_are_found_by_the_words_of_their_title(self) -> None:
        async with self.opened() as store:
            for id, title in (("a", "Größe der Tabelle"), ("b", "100%_sure 'quoted'"), ("c", "")):
                await store.create(msgspec.structs.replace(_info(id), title=title))
            for text, wanted in (
                ("tabelle GRÖßE", ["a"]),
                ("der Kuchen", []),
                ("quoted sure", ["b"]),
                ("100%", ["b"]),
                ("qu%ed", []),
                (" ", ["a", "b", "c"]),
            ):
                ids = sorted(info.id for info in (await store.sessions(SessionQuery(text=text))).data)
                assert ids == wanted, f"{text!r} finds {ids}, not {wanted}."

    async def test_a_deleted_session_is_gone_and_the_others_stay(self) -> None:
        async with self.opened() as store:
            made, kept = await store.create(_info("a")), await store.create(_info("b"))
            await store.commit(_batch(made, 0, 2, drafts=[Draft(1, 0, "x")]))
            await store.commit(_batch(kept, 0, 2, drafts=[Draft(1, 0, "y")]))
            await store.delete("a")
            assert [info.id for info in (await store.sessions(SessionQuery())).data] == ["b"], "It is still listed."
            fresh = await store.create(_info("a"))
            assert (fresh.last, list(fresh.drafts)) == (0, []), f"A new session of that id inherits: {fresh}."
            assert list((await store.open("b")).drafts) == [Draft(1, 0, "y")], "Another session lost its drafts."

    async def test_the_last_record_says_when_a_session_was_touched(self) -> None:
        async with self.opened() as store:
            made = await store.create(_info("a", created=5))
            await store.commit(_batch(made, 0, 3))
            updated = (await store.info("a")).updated
            assert updated == _records(0, 3)[-1].time, f"`updated` is {updated}, not the last record's time."

    async def test_a_batch_may_change_what_a_session_is_called(self) -> None:
        async with self.opened() as store:
            made = await store.create(_info("a", labels={"x": "1"}))
            wanted = SessionInfo("a", "/other", 7, 7, "Tïtle", "p/m", "agent", {"y": "2"}, "parent", True)
            await store.commit(msgspec.structs.replace(_batch(made, 0, 1), info=wanted))
            kept = SessionInfo("a", "/w", 1, _records(0, 1)[0].time, "Tïtle", "p/m", "agent", {"y": "2"})
            info = await store.info("a")
            assert info == kept, f"Title, labels, model and strategy change, all else stays: {info}."
            assert list((await store.sessions(SessionQuery())).data) == [info], (
                "sessions() says something else than info()."
            )
            refused = msgspec.structs.replace(_batch(made, 0, 1), info=_info("a"))
            await _raises(Conflict, store.commit(refused), "A commit on another place")
            assert await store.info("a") == info, "A refused commit changed the session: it is all or nothing."

    async def test_what_was_committed_outlives_the_store(self) -> None:
        async with self.opened() as store:
            made = await store.create(_info("a"))
            batch = _batch(made, 0, 3, drafts=[Draft(2, 0, "half")], blobs={"h": b"blob"})
            await store.commit(msgspec.structs.replace(batch, info=_info("a", labels={"k": "new"})))
            other = await self.again(store)
            if other is None:
                return  # it says so
            found = await other.open("a")
            assert found.generation > made.generation, "The generation must rise across a restart too."
            assert found.info.labels == {"k": "new"}, f"The change of the session is lost: {found.info}."
            assert (found.last, list(found.drafts)) == (3, [Draft(2, 0, "half")]), f"Something is lost: {found}."
            assert await other.read("a", 0, 9) == _records(0, 3), "The records are not what was committed."
            assert await other.blob("h") == b"blob", "The blob is lost."
            await other.aclose()


def _info(
    id: str, *, created: int = 1, workspace: str = "/w", parent: str = "", labels: dict[str, str] | None = None
) -> SessionInfo:
    return SessionInfo(id, workspace, created, created, labels=labels or {}, parent=parent)


def _records(after: int, count: int) -> list[Record]:
    numbers = range(after + 1, after + count + 1)
    return [Record(n, "turn.finished", f"turn{n % 3}", 1_000 + n, f'{{"n":{n}}}'.encode()) for n in numbers]


def _batch(
    opened: Opened,
    expected: int,
    count: int,
    *,
    drafts: list[Draft] | None = None,
    closes: list[int] | None = None,
    blobs: dict[str, bytes] | None = None,
) -> Batch:
    records = _records(expected, count)
    return Batch(opened.info.id, opened.generation, expected, records, drafts or [], closes or [], blobs or {})


async def _raises(kind: type[Exception], call: Awaitable[object], what: str) -> None:
    try:
        answer = await call
    except kind:
        return
    except Exception as error:  # any other class is what this looks for
        raise AssertionError(f"{what} must raise {kind.__name__}, not {error!r}.") from error
    raise AssertionError(f"{what} must raise {kind.__name__}; it gave {answer!r}.")
