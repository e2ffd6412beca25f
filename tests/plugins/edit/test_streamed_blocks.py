"""Blocks are worked out while the model writes them; files change once, at the end, or not at all."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from pillion import events as e
from pillion.session import Session
from pillion.testing.kit import Host, events
from pillion_approvals.plugin import Config as ApprovalsConfig
from pillion_approvals.plugin import Plugin as Approvals
from pillion_approvals.rule import Rule
from pillion_edit.growingfield import GrowingField
from pillion_edit.plugin import Config, Plugin
from pillion_openai.plugin import ModelConfig
from pillion_runtime.testing import Call, Cut, Reply, Silence, Vendor, replies

from ..documented import FORMATS
from ..vendors import BOUND, sessions_of

BEFORE = {"a.py": "one\n", "b.py": "two\n", "c.py": "é\n"}


def block(path: str, old: str, new: str) -> str:
    return f"{path}\n<<<<<<< SEARCH\n{old}\n=======\n{new}\n>>>>>>> REPLACE\n\n"


GOOD = block("a.py", "one", "1") + block("b.py", "two", '"2"\\') + block("c.py", "é", "😀")
AFTER = {"a.py": "1\n", "b.py": '"2"\\\n', "c.py": "😀\n"}
MISFIT = block("a.py", "none", "1") + block("b.py", "two", "2")
DONE = Reply(text="done")


def edit(text: str, size: int = 7) -> Call:
    """The call, in pieces of so many characters."""
    arguments = json.dumps({"text": text})
    return Call("edit_files", tuple(arguments[at : at + size] for at in range(0, len(arguments), size)))


def pieces_until(text: str, part: str) -> int:
    """How many pieces of the call have come when `part` is whole, with its line."""
    whole = json.dumps({"text": text})
    return -(-(whole.index(part) + len(part) + 2) // 7)


@asynccontextmanager
async def hosted(
    folder: Path, format_: str, *given: Reply, verdict: Any = "allow", **config: Any
) -> AsyncIterator[tuple[Vendor, Host]]:
    for name, text in BEFORE.items():
        (folder / name).write_text(text)
    more = {
        "edit": Plugin(Config({"*": "blocks"})),
        "approvals": Approvals(ApprovalsConfig(rules=(Rule(verdict, tool="edit_files"),))),
    }
    async with sessions_of(folder, format_, replies(*given), more=more, **config) as (vendor, host):
        yield vendor, host


def files(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.glob("*.py")}


class Watched:
    """A prompt on its way, and all that a watcher has seen of it."""

    def __init__(self, session: Session) -> None:
        self.session, self.reader = session, session.follow("latest")
        self.seen: list[tuple[str, dict[str, Any]]] = []

    async def until(self, holds: Callable[[Watched], bool]) -> None:
        while not holds(self):
            self.seen += [(frame.type, json.loads(frame.data)) for frame in await self.reader.page()]

    @property
    def notes(self) -> list[str]:
        return [data["note"] for kind, data in self.seen if kind == "tool.progress"]

    def has(self, kind: str) -> bool:
        return any(one == kind for one, _ in self.seen)


async def watched(host: Host, *until: Callable[[Watched], bool]) -> Watched:
    """Prompts, and waits for each of these."""
    watch = Watched(await host.open())
    await watch.session.prompt("go")
    for holds in until:
        await watch.until(holds)
    return watch


def ended(watch: Watched) -> bool:
    return any(kind in ("turn.finished", "turn.failed", "turn.cancelled") for kind, _ in watch.seen)


async def results(session: Session) -> list[e.ToolFinished]:
    return [event for event in await events(session) if isinstance(event, e.ToolFinished)]


@pytest.mark.parametrize("format_", FORMATS)
async def test_each_block_is_worked_out_as_it_comes(tmp_path: Path, format_: str) -> None:
    stuck = Reply(calls=(edit(GOOD),), fault=Silence(pieces_until(GOOD, "b.py")))
    with trio.fail_after(BOUND):
        async with hosted(tmp_path, format_, stuck) as (_, host):
            watch = await watched(host, lambda watch: len(watch.notes) == 1)
            assert watch.notes == ["a.py: block 1 fits"] and not watch.has("call.finished")
            await watch.session.cancel()
            await watch.until(ended)
            assert files(tmp_path) == BEFORE and await results(watch.session) == []


@pytest.mark.parametrize("format_", FORMATS)
async def test_all_files_are_written_at_the_end(tmp_path: Path, format_: str) -> None:
    with trio.fail_after(BOUND):
        async with hosted(tmp_path, format_, Reply(calls=(edit(GOOD),)), DONE) as (_, host):
            watch = await watched(host, ended)
            (result,) = await results(watch.session)
    kinds = [kind for kind, _ in watch.seen]
    assert watch.notes == [f"{name}: block {number} fits" for number, name in enumerate(BEFORE, 1)]
    assert kinds.index("tool.progress") < kinds.index("call.finished") < kinds.index("file.changed")
    assert files(tmp_path) == AFTER and not result.error


async def test_a_model_without_tools_of_its_own_is_heard_as_well(tmp_path: Path) -> None:
    said = f'I change it.\n<pillion:call tool="edit_files">{json.dumps({"text": GOOD})}</pillion:call>'
    words = tuple(said[at : at + 9] for at in range(0, len(said), 9))
    models = {"scripted": ModelConfig(tools="none")}
    with trio.fail_after(BOUND):
        async with hosted(tmp_path, "chat", Reply(text=words), DONE, models=models) as (_, host):
            watch = await watched(host, ended)
    assert len(watch.notes) == 3 and files(tmp_path) == AFTER


async def test_a_block_that_does_not_fit_is_shown_at_once_and_nothing_is_written(tmp_path: Path) -> None:
    with trio.fail_after(BOUND):
        async with hosted(tmp_path, "chat", Reply(calls=(edit(MISFIT),)), DONE) as (_, host):
            watch = await watched(host, ended)
            (result,) = await results(watch.session)
    assert watch.notes[0].startswith("a.py: block 1 does not fit: The text to change is not in a.py")
    assert watch.notes[1] == "b.py: block 2 fits"
    assert result.error and "The text to change is not in a.py" in result.text
    assert files(tmp_path) == BEFORE


@pytest.mark.parametrize("format_", FORMATS)
async def test_of_a_stream_that_is_begun_again_only_the_second_counts(tmp_path: Path, format_: str) -> None:
    other = block("b.py", "two", "2")
    torn = Reply(calls=(edit(GOOD),), fault=Cut(pieces_until(GOOD, "b.py")), pause=0.005)
    with trio.fail_after(BOUND):
        async with hosted(tmp_path, format_, torn, Reply(calls=(edit(other),)), DONE) as (_, host):
            watch = await watched(host, ended)
            (result,) = await results(watch.session)
    assert watch.has("call.voided")
    assert watch.notes[-1] == "b.py: block 1 fits"
    assert files(tmp_path) == BEFORE | {"b.py": "2\n"} and not result.error


async def test_a_stream_that_breaks_off_for_good_changes_nothing(tmp_path: Path) -> None:
    torn = Reply(calls=(edit(GOOD),), fault=Cut(pieces_until(GOOD, "c.py")), pause=0.005)
    with trio.fail_after(BOUND):
        async with hosted(tmp_path, "messages", torn, attempts=1) as (_, host):
            watch = await watched(host, ended)
    assert watch.has("call.started") and watch.has("turn.failed")
    assert files(tmp_path) == BEFORE


async def test_what_changed_between_the_stream_and_the_run_is_looked_at_again(tmp_path: Path) -> None:
    with trio.fail_after(BOUND):
        async with hosted(tmp_path, "chat", Reply(calls=(edit(GOOD),)), DONE, verdict="ask") as (_, host):
            watch = await watched(host, lambda watch: watch.has("approval.wanted"))
            (tmp_path / "a.py").write_text("zero\none\n")
            await decided(watch)
            (result,) = await results(watch.session)
    assert result.code == "conflict" and "+zero" in result.text
    assert files(tmp_path) == BEFORE | {"a.py": "zero\none\n"}


async def test_the_second_of_two_calls_finds_what_the_first_has_left(tmp_path: Path) -> None:
    two = edit(block("a.py", "one", "1")), edit(block("a.py", "1", "2") + block("b.py", "two", "2"))
    with trio.fail_after(BOUND):
        async with hosted(tmp_path, "chat", Reply(calls=two), DONE) as (_, host):
            watch = await watched(host, ended)
            found = await results(watch.session)
    assert [result.error for result in found] == [False, False]
    assert any("does not fit" in note for note in watch.notes)
    assert files(tmp_path) == BEFORE | {"a.py": "2\n", "b.py": "2\n"}


async def decided(watch: Watched) -> None:
    (wanted,) = [data for kind, data in watch.seen if kind == "approval.wanted"]
    await watch.session.decide(wanted["approval"], "allow")
    await watch.until(ended)


@given(st.text(), st.lists(st.integers(1, 9), min_size=1), st.booleans())
def test_a_field_grows_to_its_text_wherever_it_is_cut(text: str, sizes: Sequence[int], ascii: bool) -> None:
    whole = json.dumps({"text": text}, ensure_ascii=ascii)
    field, found, at = GrowingField("text"), "", 0
    for size in sizes * (len(whole) + 1):
        found += field.feed(whole[at : at + size])
        at += size
        assert text.startswith(found)
    assert found == text and field.feed("}") == ""


@pytest.mark.parametrize("other", ['{"texts": "a"}', '{"path": "text", "text": "a"}', "[1]", '"text": "a"', ""])
def test_what_is_no_such_object_gives_nothing(other: str) -> None:
    field = GrowingField("text")
    assert "".join(field.feed(letter) for letter in other + "x" * 300) == ""
