"""A store that fails at each commit of a turn in turn, refusing, hiding its answer or hanging: the log stays right."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

import pytest
import trio

from pillion import Batch, Text
from pillion import events as e
from pillion.contracts.store import Opened
from pillion.errors import Conflict, LostLease, StoreFailed
from pillion.logreader import Reader
from pillion.memorystore import MemoryStore
from pillion.session import Session
from pillion.testing.kit import FunctionTool, Host, events, frames, kernel_host
from pillion.testing.scripted import Pause, calls, says

How = Literal["refuses", "hides", "hangs"]
"""It fails and has kept nothing; it fails and has kept it; it keeps it long after the deadline."""


class Outage(MemoryStore):
    """Fails at commit number `at` and at the `more` behind it."""

    def __init__(self) -> None:
        super().__init__()
        self.how: How = "refuses"
        self.at, self.more, self.commits = -1, 0, 0

    async def commit(self, batch: Batch) -> None:
        if not (batch.records or batch.drafts):  # only asks whether the session is still its process's
            return await super().commit(batch)
        self.commits += 1
        if not self.at <= self.commits <= self.at + self.more:
            return await super().commit(batch)
        if self.how != "refuses":
            await super().commit(batch)
        if self.how == "hangs":
            await trio.sleep_forever()
        raise StoreFailed("On purpose.")

    def fail(self, how: How, after: int, more: int = 0) -> None:
        self.how, self.at, self.more = how, self.commits + 1 + after, more

    def heal(self) -> None:
        self.at = self.more = -1


def ran(times: list[str]) -> FunctionTool:
    async def run(arguments: Any, call: Any) -> str:
        times.append(call.id)
        return "done"

    return FunctionTool("act", run, "write")


async def whole(host: Host, session: Session) -> list[e.Event]:
    """The log as watchers saw it, which must be the log as the store has it, and without gap."""
    shown = [(int(frame.id), frame.type, frame.data) for frame in await frames(session) if "." not in frame.id]
    kept = await host.kernel.store.read(session.id, 0, 10_000)
    assert shown == [(record.seq, record.type, record.data) for record in kept]
    assert [seq for seq, _, _ in shown] == list(range(1, len(shown) + 1))
    return await events(session)


async def until_over(reader: Reader) -> list[str]:
    """The types of what it shows, up to the end of a turn or of the log."""
    seen: list[str] = []
    while not {"turn.failed", "turn.finished"} & set(seen) and (page := await reader.page()):
        seen += [frame.type for frame in page]
    return seen


def opened_and_closed(log: list[e.Event]) -> None:
    opened = [seq for seq, event in enumerate(log, 1) if event.opens]
    closed = [event.item for event in log if event.closes]  # type: ignore[attr-defined]
    assert sorted(closed) == opened


@pytest.mark.promise("storage.outage")
@pytest.mark.parametrize("how", ["refuses", "hides", "hangs"])
@pytest.mark.parametrize("after", range(10))
@pytest.mark.parametrize("more", [0, 3])
async def test_a_store_that_fails_in_mid_turn(
    tmp_path: Path, autojump_clock: object, how: How, after: int, more: int
) -> None:
    store, times = Outage(), list[str]()
    async with kernel_host(tmp_path, ran(times), store=store, **{"plugins.approvals.enabled": False}) as host:
        session = await host.open()
        reader = session.follow("latest")
        host.provider.script((Text("first "), Pause(1), *calls(("act", "{}"))), says("last"))
        store.fail(how, after, more)
        accepted = refused = None
        try:
            accepted = await session.prompt("go")
        except StoreFailed as error:
            refused = error
        assert (refused is None) == (after > 0), "the first commit is the prompt"
        if accepted is not None:
            with suppress(StoreFailed):
                ended = await session.ended(accepted.turn, accepted.after)
                if isinstance(ended, e.TurnFailed):
                    assert store.at <= store.commits and ended.code == "store_failed"
            seen = await until_over(reader)
            assert ("log.stalled" in seen) == (store.at <= store.commits)
        store.heal()
        host.provider.script(says("again"))
        again = await host.kernel.session(session.id)
        assert again is session or how == "hangs", "the actor lives on"
        session = again
        assert isinstance(await host.run(session, "and now"), e.TurnFinished)
        log = await whole(host, session)
        opened_and_closed(log)
        assert len(times) <= 1 and len(host.kernel.live()) == 1
        begun = [event.prompt for event in log if isinstance(event, e.TurnStarted)]
        queued = [event.prompt for event in log if isinstance(event, e.PromptQueued)]
        dropped = [event.prompt for event in log if isinstance(event, e.PromptDropped)]
        ends = [event for event in log if isinstance(event, e.TURN_ENDS)]
        assert begun == [prompt for prompt in queued if prompt not in dropped]
        assert len(ends) == len(begun)
        assert bool(dropped) == (after == 0 and how != "refuses"), "what was refused does not run, though it was kept"


async def test_a_store_that_stays_away_ends_the_actor_and_the_log_is_taken_up_later(
    tmp_path: Path, autojump_clock: object
) -> None:
    store = Outage()
    async with kernel_host(tmp_path, store=store) as host:
        session = await host.open()
        host.provider.script((Text("first "), Pause(1), Text("second")))
        store.fail("refuses", 3, 10_000)
        accepted = await session.prompt("go")
        with pytest.raises(StoreFailed, match="On purpose"):
            await session.ended(accepted.turn, accepted.after)
        assert host.kernel.live() == []
        with pytest.raises(StoreFailed), trio.fail_after(3600):
            await (await host.kernel.session(session.id)).prompt("more")
        store.heal()
        session = await host.kernel.session(session.id)
        host.provider.script(says("again"))
        assert isinstance(await host.run(session, "and now"), e.TurnFinished)
        log = await whole(host, session)
        opened_and_closed(log)
        assert sum(isinstance(event, e.TURN_ENDS) for event in log) == 2


async def test_a_turn_stops_though_its_stop_can_not_be_written(tmp_path: Path, autojump_clock: object) -> None:
    store = Outage()
    async with kernel_host(tmp_path, store=store) as host:
        session = await host.open()
        host.provider.script((Text("first "), Pause(500), Text("second")))
        accepted = await session.prompt("go")
        await trio.sleep(1)
        store.fail("refuses", 0)
        assert await session.cancel()
        assert isinstance(await session.ended(accepted.turn, accepted.after), e.TurnCancelled)
        opened_and_closed(await whole(host, session))


async def test_an_answer_that_could_not_be_kept_is_closed_once(tmp_path: Path, autojump_clock: object) -> None:
    store, times = Outage(), list[str]()
    async with kernel_host(tmp_path, ran(times), store=store) as host:
        session = await host.open()
        host.provider.script(calls(("act", "{}")), says("done"))
        accepted = await session.prompt("go")
        reader = session.follow()
        wanted: e.ApprovalWanted | None = None
        while wanted is None:
            decoded = [e.decode(frame.type, frame.data) for frame in await reader.page() if frame.type != "text.delta"]
            wanted = next((event for event in decoded if isinstance(event, e.ApprovalWanted)), None)
        store.fail("refuses", 0)
        with pytest.raises(StoreFailed):
            await session.decide(wanted.approval, "allow")
        await session.ended(accepted.turn, accepted.after)
        log = await whole(host, session)
        assert [event.decision for event in log if isinstance(event, e.ApprovalDecided)] == ["allow"]
        opened_and_closed(log)
        host.provider.script(says("again"))
        assert isinstance(await host.run(session, "and now"), e.TurnFinished)


async def test_a_session_whose_opening_hangs_holds_up_no_other(tmp_path: Path, autojump_clock: object) -> None:
    class Slow(MemoryStore):
        slow = ""

        async def open(self, session: str) -> Opened:
            if session == self.slow:
                await trio.sleep_forever()
            return await super().open(session)

    store = Slow()
    async with kernel_host(tmp_path, store=store) as host:
        first, second = await host.open(), await host.open()
        for session in (first, second):
            await session.aclose()
        store.slow = first.id
        async with trio.open_nursery() as nursery:
            nursery.start_soon(host.kernel.session, first.id)
            await trio.sleep(1)
            with trio.fail_after(1):
                assert (await host.kernel.session(second.id)).id == second.id
            nursery.cancel_scope.cancel()


async def test_a_log_that_somebody_else_wrote_meanwhile_is_let_go(tmp_path: Path, autojump_clock: object) -> None:
    store = Outage()
    async with kernel_host(tmp_path, store=store) as host:
        session = await host.open()
        store.fail("refuses", 0)
        with pytest.raises(StoreFailed):
            await session.prompt("go")
        other = await store.open(session.id)
        record = (await store.read(session.id, 0, 1))[0]
        await store.commit(Batch(session.id, other.generation, other.last, [type(record)(2, "x.y", "", 1, b"{}")]))
        with pytest.raises((LostLease, Conflict)):
            await session.prompt("go")
        await trio.sleep(1)  # of the test's own clock
        assert host.kernel.live() == []
