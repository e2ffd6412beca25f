"""A run is recorded against a vendor's server, and gone through again without it and without a key."""

from __future__ import annotations

import os
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio

from pillion import events as e
from pillion.settings import Settings, load
from pillion.testing.kit import Host, StrategyPlugin, events, kernel_host
from pillion.turn import Turn
from pillion.values import Message, Text
from pillion_runtime.testing import Asked, Call, Cut, ErrorEvent, Program, Reply, Status, call, replies, vendor_server

from ..documented import FORMATS
from ..vendors import BOUND, KEYS

POEM = "one\ntwo\n"
MORE: dict[str, Any] = {"models.roles.slow": ["openai/down", "openai/scripted"], "plugins.retry.attempts": 2}
VARIES = ("prompt", "seconds", "first", "time", "deadline", "approval")
"""Of an event: what is another in each run."""


def settings(folder: Path, format_: str = "chat", url: str = "", **replay: Any) -> Settings:
    """The shipped plugins, one vendor's model, and what `replay` says of that plugin. Without `url` there is no key."""
    provider = "anthropic" if format_ == "messages" else "openai"
    flags: dict[str, Any] = {
        "defaults.store": "memory",
        "defaults.model": f"{provider}/scripted",
        "plugins.embedded.enabled": False,
        "plugins.openai.api": "chat" if format_ == "messages" else format_,
    }
    if url:
        flags[f"plugins.{provider}.base_url"] = url if format_ == "messages" else f"{url}/v1"
    flags |= MORE | {f"plugins.replay.{name}": value for name, value in replay.items()}
    return load(data_dir=folder / "data", environ=KEYS if url else {}, flags=flags)


@asynccontextmanager
async def recording(
    folder: Path, file: Path, program: Program, format_: str = "chat", **plugins: Any
) -> AsyncIterator[Host]:
    """A host whose vendor answers as `program` says, on a folder with a poem."""
    async with (
        vendor_server(program) as vendor,
        hosting(folder, settings(folder, format_, vendor.url, record=str(file)), **plugins) as host,
    ):
        yield host


@asynccontextmanager
async def replaying(
    folder: Path, file: Path, format_: str = "chat", *, lenient: bool = False, **plugins: Any
) -> AsyncIterator[Host]:
    """The same host without vendor and key."""
    async with hosting(folder, settings(folder, format_, replay=str(file), lenient=lenient), **plugins) as host:
        yield host


@asynccontextmanager
async def hosting(folder: Path, chosen: Settings, **plugins: Any) -> AsyncIterator[Host]:
    prepare(folder)
    with trio.fail_after(BOUND):
        async with kernel_host(folder, settings=chosen, plugins=plugins) as host:
            yield host


def prepare(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "poem.txt").write_text(POEM)


def cut(file: Path, count: int) -> None:
    """The last bytes of the file are gone."""
    os.truncate(file, file.stat().st_size - count)


def story(told: list[e.Event], folder: Path) -> list[tuple[str, dict[str, Any]]]:
    """The events, without what is another in each run."""
    found = []
    for event in told:
        fields = msgspec.json.decode(msgspec.json.encode(event).replace(str(folder).encode(), b"HERE"))
        found.append((e.type_of(event), {name: value for name, value in fields.items() if name not in VARIES}))
    return found


def reader(asked: Asked) -> Reply:
    """Reads the poem by the path that its system prompt names, in pieces; counts and thinks."""
    if asked.number == 1:
        return Reply(fault=Status(429, retry_after=0))
    if not asked.results:
        root = asked.system.partition("the folder ")[2].partition(";")[0]
        path = msgspec.json.encode({"path": f"{root}/poem.txt"}).decode()
        pieces = tuple(path[at : at + 7] for at in range(0, len(path), 7))
        thinking = ("I ", "look.") if asked.format == "messages" else ()
        return Reply(thinking=thinking, text="I look.", calls=(Call("read_file", pieces),))
    if asked.number == 3:  # of two side by side either may be in the log first
        return Reply(calls=(call("glob", pattern="*.txt"),))
    return Reply(text=("It has ", "two ", "lines."))


@pytest.mark.parametrize("format_", FORMATS)
async def test_the_log_is_the_same_without_server_key_and_in_another_folder(tmp_path: Path, format_: str) -> None:
    one, two, file = tmp_path / "one", tmp_path / "two", tmp_path / "run.jsonl"
    async with recording(one, file, reader, format_) as host:
        session = await host.open()
        assert isinstance(await host.run(session, "How long is the poem?"), e.TurnFinished)
        before = story(await events(session), one)
    async with replaying(two, file, format_) as host:
        session = await host.open()
        assert isinstance(await host.run(session, "How long is the poem?"), e.TurnFinished)
        assert story(await events(session), two) == before
        results = [event for event in await events(session) if isinstance(event, e.ToolFinished)]
        assert [result.error for result in results] == [False, False]
        assert "two" in results[0].text
    assert "text.finished" in dict(before) and "usage.recorded" in dict(before)


async def said(folder: Path, file: Path, prompt: str, *, lenient: bool = False) -> e.Event:
    """How the prompt's turn ends when `file` is replayed."""
    async with replaying(folder, file, lenient=lenient) as host:
        return await host.run(await host.open(strategy="chat"), prompt)


@pytest.fixture
async def file(tmp_path: Path) -> Path:
    """A recording of two turns without tools."""
    async with recording(
        tmp_path / "made", tmp_path / "run.jsonl", replies(Reply(text="Yes."), Reply(text="No."))
    ) as host:
        session = await host.open(strategy="chat")
        await host.run(session, "Is the lamp lit?")
        await host.run(session, "And now?")
    return tmp_path / "run.jsonl"


async def test_a_prompt_that_has_changed_is_shown(tmp_path: Path, file: Path) -> None:
    ending = await said(tmp_path / "again", file, "Is the lamp out?")
    assert isinstance(ending, e.TurnFailed)
    assert ending.code == "replay_differs"
    assert ending.message.startswith(f"Call 1 of this run is not in the recording {file}. The nearest is its call 1;")
    assert "it differs in messages[0] (user):" in ending.message
    assert '-  "text": "Is the lamp lit?"' in ending.message and '+  "text": "Is the lamp out?"' in ending.message
    assert ending.message.endswith("Undo what has changed, or record the run anew.")


async def test_one_call_more_than_recorded_is_told(tmp_path: Path, file: Path) -> None:
    async with replaying(tmp_path / "again", file) as host:
        first, second = await host.open(strategy="chat"), await host.open(strategy="chat")
        assert isinstance(await host.run(first, "Is the lamp lit?"), e.TurnFinished)
        ending = await host.run(second, "Is the lamp lit?")
        assert isinstance(ending, e.TurnFailed)
        assert "It is there 1 times, and was asked for once more" in ending.message


async def test_where_it_may_differ_the_nearest_answer_is_taken(tmp_path: Path, file: Path) -> None:
    assert isinstance(await said(tmp_path / "again", file, "Is the lamp out?", lenient=True), e.TurnFinished)


async def test_the_file_is_its_owners_and_holds_no_key(tmp_path: Path) -> None:
    """Also where the key comes in pieces, and in the vendor's errors."""
    key = KEYS["OPENAI_API_KEY"]
    text = f"Your key is {key}."
    pieces = tuple(text[at : at + 3] for at in range(0, len(text), 3))
    program = replies(Reply(text=pieces), Reply(fault=Status(401, message=f"No such key: {key}")))
    file = tmp_path / "run.jsonl"
    file.write_bytes(b'{"pillion":"recording","version":1,"pid":1,"made":""}\n')
    file.chmod(0o644)
    async with recording(tmp_path / "made", file, program) as host:
        session = await host.open(strategy="chat")
        await host.run(session, f"Is {key} my key?")
        await host.run(session, "And now?")
    kept = file.read_text()
    assert (key in kept, str(tmp_path) in kept, kept.count("[secret]")) == (False, False, 4)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


async def test_errors_waits_and_words_taken_back_come_again_at_once(tmp_path: Path) -> None:
    torn = Reply(text=("Half ", "of ", "it"), fault=Cut(2))
    busy = Reply(fault=Status(429, retry_after=86_400))
    made, again, file = tmp_path / "made", tmp_path / "again", tmp_path / "run.jsonl"
    told = []
    for hosted in (recording(made, file, replies(torn, Reply(text="All of it."), busy)), replaying(again, file)):
        async with hosted as host:
            session = await host.open(strategy="chat")
            follower = session.follow("latest")
            await host.run(session, "Say it.")
            passing = {frame.type for frame in await follower.page()}
            failed = await host.run(session, "Once more.")
            assert isinstance(failed, e.TurnFailed)
            assert (failed.code, failed.retryable, "model.waiting" in passing) == ("provider_busy", True, True)
            found = [type(event) for event in await events(session)]
            told.append([kind for kind in found if kind is not e.SessionChanged])  # its title comes when it is ready
    assert told[0] == told[1]
    assert e.TextVoided in told[1]


async def test_a_run_that_broke_off_is_gone_through_as_far_as_it_went(tmp_path: Path, file: Path) -> None:
    cut(file, 20)  # as a crash leaves it
    async with replaying(tmp_path / "again", file) as host:
        session = await host.open(strategy="chat")
        assert isinstance(await host.run(session, "Is the lamp lit?"), e.TurnFinished)
        ending = await host.run(session, "And now?")
        assert isinstance(ending, e.TurnFailed)
        assert ending.message == "The recorded run ended amid its call 2: there is no answer of it."


@pytest.mark.parametrize("damage", [b"", b"# Notes\n", b'{"pillion":"recording"}\n{"call":1}\n'])
async def test_where_nothing_can_be_replayed_nobody_is_asked(tmp_path: Path, damage: bytes) -> None:
    """A key is there, and a vendor that would answer."""
    file = tmp_path / "run.jsonl"
    file.write_bytes(damage)
    async with vendor_server(replies(Reply(text="Yes."))) as vendor:
        chosen = settings(tmp_path, "chat", vendor.url, replay=str(file))
        async with hosting(tmp_path / "made", chosen) as host:
            ending = await host.run(await host.open(strategy="chat"), "Is the lamp lit?")
            assert isinstance(ending, e.TurnFailed)
            assert (ending.code, "run.jsonl" in ending.message, vendor.asked) == ("not_found", True, [])


async def test_a_file_that_is_no_recording_stays_and_nothing_is_asked(tmp_path: Path) -> None:
    file = tmp_path / "notes.md"
    file.write_text("# Notes\n")
    async with recording(tmp_path / "made", file, replies(Reply(text="Yes."))) as host:
        ending = await host.run(await host.open(strategy="chat"), "Is the lamp lit?")
        assert isinstance(ending, e.TurnFailed)
        assert (ending.code, file.read_text()) == ("config", "# Notes\n")
        assert "not written over" in (await host.kernel.checks())["recording"]


class Slow:
    """Asks a role with two models."""

    name, description = "slow", "One call."

    async def run(self, turn: Turn) -> str | None:
        await turn.step(role="slow")
        return None


async def test_a_recorded_error_is_not_asked_again_and_the_next_model_is(tmp_path: Path) -> None:
    program = lambda asked: Reply(text="Yes.") if asked.model == "scripted" else Reply(fault=Status(500))  # noqa: E731
    one, two, file = tmp_path / "one", tmp_path / "two", tmp_path / "run.jsonl"
    told, slow = [], StrategyPlugin(Slow())
    for hosted in (recording(one, file, program, slow=slow), replaying(two, file, slow=slow)):
        async with hosted as host:
            session = await host.open(strategy="slow")
            assert isinstance(await host.run(session, "Are you there?"), e.TurnFinished)
            told.append([event for event in await events(session) if isinstance(event, e.ModelPassedOver)])
    assert told[0] == told[1] != []


class Pair:
    """Asks for two things, in one order or the other."""

    name, description = "pair", "Two calls."
    order = "ab"

    async def run(self, turn: Turn) -> str | None:
        said: dict[str, str] = {}

        async def ask(what: str) -> None:
            said[what] = (await turn.complete([Message("user", (Text(what),))])).message.text

        for what in self.order:
            await ask(what)
        await turn.emit(e.ModelTold(text=f"a: {said['a']}, b: {said['b']}", why="test"))
        return None


async def test_calls_in_another_order_get_their_own_answers(tmp_path: Path) -> None:
    strategy, told = Pair(), []
    program = lambda asked: Reply(text=f"You said {asked.prompt}")  # noqa: E731
    one, two, file = tmp_path / "one", tmp_path / "two", tmp_path / "run.jsonl"
    pair = StrategyPlugin(strategy)
    for hosted in (recording(one, file, program, pair=pair), replaying(two, file, pair=pair)):
        async with hosted as host:
            session = await host.open(strategy="pair")
            assert isinstance(await host.run(session, "go"), e.TurnFinished)
            told += [event.text for event in await events(session) if isinstance(event, e.ModelTold)]
        strategy.order = "ba"
    assert told == ["a: You said a, b: You said b"] * 2


async def test_an_error_amid_a_stream_that_is_not_asked_again(tmp_path: Path) -> None:
    program = replies(Reply(text=("Half ", "of it"), fault=ErrorEvent(1, kind="invalid", message="No.")))
    one, two, file = tmp_path / "one", tmp_path / "two", tmp_path / "run.jsonl"
    endings = []
    for hosted in (recording(one, file, program), replaying(two, file)):
        async with hosted as host:
            endings.append(await host.run(await host.open(strategy="chat"), "Say it."))
    assert endings[0] == endings[1]
    assert isinstance(endings[0], e.TurnFailed)
