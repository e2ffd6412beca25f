"""Scratch pads in a real kernel: what the model writes and is given back, and what it can't do to a person's words."""

from __future__ import annotations

import json
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from pillion import Kernel, Session, SessionInfo, Tool, hookimpl
from pillion import events as e
from pillion.memorystore import MemoryStore
from pillion.testing.contracts.tool import ToolContract
from pillion.testing.kit import Host, events, frames, kernel_host
from pillion.testing.scripted import calls, says
from pillion_agent.plugin import Plugin as AgentPlugin
from pillion_approvals.plugin import Config
from pillion_approvals.plugin import Plugin as ApprovalsPlugin
from pillion_notes.pad import KEPT, LARGEST, Pads, ScratchpadWritten
from pillion_notes.plugin import Plugin
from pillion_notes.tools import AddNote, ReadNotes, WriteNotes
from pillion_runtime.hookspecs import HostHooks


class Opening:
    """What the plugin does for its tools."""

    def __init__(self, pads: Pads) -> None:
        self._pads = pads

    @hookimpl
    @asynccontextmanager
    async def lifespan(self, kernel: Kernel) -> AsyncIterator[None]:
        self._pads.kernel = kernel
        yield


class NotesContract(ToolContract):
    pads = Pads()

    def plugins(self) -> Mapping[str, object]:
        return {"opening": Opening(self.pads)}


class TestReadNotes(NotesContract):
    def tool(self) -> Tool:
        return ReadNotes(self.pads)

    def arguments(self) -> Mapping[str, Any]:
        return {}

    def impossible(self) -> Sequence[Mapping[str, Any]]:
        return [{"start": -1}, {"stat": 1}]


class TestWriteNotes(NotesContract):
    def tool(self) -> Tool:
        return WriteNotes(self.pads)

    def arguments(self) -> Mapping[str, Any]:
        return {"text": "- [ ] mend it"}

    def impossible(self) -> Sequence[Mapping[str, Any]]:
        return [{"text": "x", "instead_of": "not there"}, {"text": "x" * (LARGEST + 1)}]


class TestAddNote(NotesContract):
    def tool(self) -> Tool:
        return AddNote(self.pads)

    def arguments(self) -> Mapping[str, Any]:
        return {"text": "the port is 8089"}

    def impossible(self) -> Sequence[Mapping[str, Any]]:
        return [{"text": ""}, {"text": "x" * (LARGEST + 1)}]


@asynccontextmanager
async def noting(folder: Path, **flags: Any) -> AsyncIterator[Host]:
    plugins = {"notes": Plugin(), "agent": AgentPlugin(), "approvals": ApprovalsPlugin(Config())}
    async with kernel_host(folder, plugins=plugins, hookspecs=[HostHooks], **flags) as host:
        yield host


async def results(host: Host, session: Session, *wanted: tuple[str, dict[str, Any]]) -> list[e.ToolFinished]:
    """One message with these calls; their results, in the order of the calls."""
    after = str(session.head)
    host.provider.script(calls(*((name, json.dumps(arguments)) for name, arguments in wanted)), says("done"))
    await host.run(session, "go")
    finished = [event for event in await events(session, after) if isinstance(event, e.ToolFinished)]
    return sorted(finished, key=lambda event: event.item)


async def pad(session: Session) -> str:
    """The text of the log's last `scratchpad.written`."""
    written = [json.loads(frame.data) for frame in await frames(session) if frame.type == "scratchpad.written"]
    return str(written[-1]["text"]) if written else ""


@pytest.mark.promise("notes.remembered")
async def test_what_is_noted_is_before_the_model_in_the_next_turn_and_nobody_had_to_allow_it(
    tmp_path: Path, autojump_clock: Any
) -> None:
    async with noting(tmp_path, defaults__strategy="agent") as host:
        session = await host.open()
        (result,) = await results(host, session, ("add_note", {"text": "the port is 8089"}))
        assert not result.error
        assert "8089" not in host.provider.requests[0].system
        host.provider.script(says("It is."))
        await host.run(session, "and now?")
        assert "the port is 8089" in host.provider.requests[-1].system
        assert not any(isinstance(event, e.ApprovalWanted) for event in await events(session))


async def test_notes_of_one_message_stand_in_their_order(tmp_path: Path, autojump_clock: Any) -> None:
    async with noting(tmp_path) as host:
        session = await host.open()
        for number in range(6):  # what runs side by side begins in any order: one time in two it would be this one
            await results(
                host, session, ("write_notes", {"text": f"{number}:"}), *(("add_note", {"text": x}) for x in "abc")
            )
            assert await pad(session) == f"{number}:\na\nb\nc"


@pytest.mark.promise("notes.not_over_a_persons")
async def test_what_a_person_wrote_is_not_replaced_unseen(tmp_path: Path, autojump_clock: Any) -> None:
    async with noting(tmp_path) as host:
        session = await host.open()
        await results(host, session, ("write_notes", {"text": "mine"}))
        await session.note(ScratchpadWritten(text="a person's", by="person"))
        added, refused = await results(host, session, ("add_note", {"text": "more"}), ("write_notes", {"text": "x"}))
        assert (added.error, refused.error) == (False, True)
        assert "read_notes" in refused.text
        assert await pad(session) == "a person's\nmore"
        read, written = await results(host, session, ("read_notes", {}), ("write_notes", {"text": "both"}))
        assert (read.text, written.error, await pad(session)) == ("a person's\nmore", False, "both")


async def test_a_passage_is_replaced_where_it_stands_once(tmp_path: Path, autojump_clock: Any) -> None:
    async with noting(tmp_path) as host:
        session = await host.open()
        await results(host, session, ("write_notes", {"text": "- [ ] find\n- [ ] mend\n"}))
        done = {"text": "- [x] find", "instead_of": "- [ ] find"}
        twice = {"text": "", "instead_of": "- ["}
        once, again, several = await results(
            host, session, ("write_notes", done), ("write_notes", done), ("write_notes", twice)
        )
        assert [once.error, again.error, several.error] == [False, True, True]
        assert "2 times" in several.text
        assert await pad(session) == "- [x] find\n- [ ] mend\n"


@pytest.mark.promise("notes.bounded")
async def test_64_kib_are_kept_and_a_byte_more_is_refused_by_its_limit(tmp_path: Path, autojump_clock: Any) -> None:
    async with noting(tmp_path) as host:
        session = await host.open()
        whole, more = await results(
            host, session, ("write_notes", {"text": "ä" * (LARGEST // 2)}), ("add_note", {"text": "x"})
        )
        assert (whole.error, more.error, more.code) == (False, True, "too_large")
        assert "64 KiB" in more.text
        assert len(await pad(session)) == LARGEST // 2


async def test_long_notes_are_read_in_pieces_and_leave_room_for_others(tmp_path: Path, autojump_clock: Any) -> None:
    text = "".join(f"{number:06}\n" for number in range(9000))
    async with noting(tmp_path, defaults__strategy="agent", defaults__context_tokens=1000) as host:
        session = await host.open()
        await session.note(ScratchpadWritten(text=text, by="person"))
        first, end, written = await results(
            host, session, ("read_notes", {}), ("read_notes", {"start": 40_000}), ("write_notes", {"text": ""})
        )
        head, _, told = first.text.rpartition("\n")
        assert (head, told) == (text[: len(head)], f"[The notes go on: read_notes with start={len(head)}.]")
        assert len(head) > 29_000, "what the model gets of a result, but for a line"
        assert (end.text, written.error) == (text[40_000:], False)
        system = host.provider.requests[0].system
        shown = system.partition("<notes>\n")[2].partition("\n</notes>")[0]
        assert len(shown) < 2000
        assert shown.startswith("000000\n") and shown.endswith("008999\n")
        assert "characters are left out: read_notes" in shown


async def test_pads_that_are_remembered_are_bounded_and_the_others_are_found_again(
    tmp_path: Path, autojump_clock: Any
) -> None:
    pads = Pads()
    async with kernel_host(tmp_path) as host:
        sessions = [await host.open() for _ in range(KEPT + 20)]
        for number, session in enumerate(sessions):
            await pads.change(session, "person", lambda pad, number=number: f"{pad.text}{number}")  # type: ignore[misc]
        assert len(pads) == KEPT
        assert [(await pads.read(session)).text for session in sessions] == [str(n) for n in range(KEPT + 20)]


async def test_a_fork_begins_with_the_notes_of_that_place_and_keeps_them(tmp_path: Path, autojump_clock: Any) -> None:
    store, pads = MemoryStore(), Pads()
    async with kernel_host(tmp_path, store=store, plugins={"opening": Opening(pads)}) as host:
        first = await host.open()
        forked_at = (await pads.change(first, "model", lambda pad: "then")).number
        await pads.change(first, "person", lambda pad: "later")
        fork = await forked(host, store, first, forked_at)
        again = await forked(host, store, fork, 1)
        assert (await pads.read(again)).text == "then"
        assert ((await pads.read(fork)).text, (await pads.read(fork)).by) == ("then", "model")
        assert (await pads.read(await forked(host, store, first, forked_at - 1))).text == ""
        await host.kernel.delete(first.id)
        assert [await pad(session) for session in (fork, again)] == ["then", "then"]
        assert (await pads.change(fork, "person", lambda pad: f"{pad.text} and now")).text == "then and now"


async def forked(host: Host, store: MemoryStore, session: Session, at: int) -> Session:
    """A session that says so of itself."""
    id = secrets.token_hex(16)
    await store.create(SessionInfo(id, str(host.folder), 1, origin=session.id, branched=at))
    fork = await host.kernel.session(id)
    await fork.note(e.SessionForked(origin=session.id, at=at, messages=()))
    return fork
