"""Titles in a real kernel: whom they are asked of, what they say, and what they never do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing

from pillion import Batch, ProviderDown, Request, Session, SessionInfo, Usage, UsageSeen
from pillion import events as e
from pillion.contracts.provider import Caller
from pillion.letters import Change
from pillion.memorystore import MemoryStore
from pillion.testing.kit import FunctionTool, StrategyPlugin, events, kernel_host
from pillion.testing.scripted import Gate, Pause, Raise, ScriptedProvider, says
from pillion_titles.plugin import Config, Plugin
from pillion_titles.titles import SECONDS
from pillion_titles.wording import LONGEST, of_answer, of_prompt

from ...core.test_child import Delegates

PROMPT = "Why does the lantern flicker at night?\nLook at lantern.py."
WORDS = "Why does the lantern flicker at night?"


def titled(folder: Path, *answers: Any, ask: Any = "named", title: Any = None, **flags: Any) -> Any:
    """Turns get `answers`; who asks for a title gets `title`."""

    def otherwise(request: Request) -> Any:
        return title if request.caller.role == "title" else says("Because of the wind.")

    provider = ScriptedProvider(*answers, otherwise=otherwise)
    plugins = {"titles": Plugin(Config(ask=ask)), **flags.pop("plugins", {})}
    return kernel_host(folder, *flags.pop("tools", ()), provider=provider, plugins=plugins, **flags)


async def settled(session: Session) -> str:
    """Its title, when nothing is at work any more."""
    await trio.testing.wait_all_tasks_blocked()
    return session.info.title


def asked(host: Any) -> list[Request]:
    return [request for request in host.provider.requests if request.caller.role == "title"]


@pytest.mark.promise("titles.given")
async def test_a_named_model_is_asked_once_and_the_call_is_the_sessions(tmp_path, autojump_clock) -> None:
    title = [UsageSeen(Usage(40, 6)), *says('"Lantern flicker at night."\nIs that fine?')]
    async with titled(tmp_path, title=title, models__roles__title=["scripted/one"]) as host:
        session = await host.open()
        await host.run(session, PROMPT)
        assert await settled(session) == "Lantern flicker at night"
        (request,) = asked(host)
        assert request.caller == Caller(session.id, "", "title", session.id)
        assert PROMPT in request.messages[0].text and "Because of the wind." in request.messages[0].text
        told = [event for event in await events(session) if isinstance(event, e.UsageRecorded)]
        assert [(one.role, one.usage.input) for one in told] == [("", 0), ("title", 40)]
        changed = [event.title for event in await events(session) if isinstance(event, e.SessionChanged)]
        assert changed == ["Lantern flicker at night"]
        assert (await host.kernel.store.info(session.id)).title == "Lantern flicker at night"
        await host.run(session, "and by day?")
        assert (await settled(session), len(asked(host))) == ("Lantern flicker at night", 1)


@pytest.mark.promise("titles.no_surprise")
@pytest.mark.parametrize(
    ("ask", "roles", "calls"),
    [
        ("named", {}, 0),
        ("named", {"default": ["scripted/one"]}, 0),
        ("named", {"fast": ["scripted/one"]}, 1),
        ("always", {}, 1),
        ("never", {"title": ["scripted/one"]}, 0),
    ],
)
async def test_no_model_is_asked_that_nobody_has_named_for_it(tmp_path, autojump_clock, ask, roles, calls) -> None:
    async with titled(tmp_path, ask=ask, title=says("A name")) as host:
        session = await host.open(roles=roles)
        await host.run(session, PROMPT)
        assert (await settled(session), len(asked(host))) == ("A name" if calls else WORDS, calls)


@pytest.mark.promise("titles.given")
@pytest.mark.parametrize(
    "answer",
    [[Raise(ProviderDown("cut"))], [Raise(ValueError("a bug"))], [Pause(10_000)], says(""), says("\n ** \n")],
    ids=["fails", "bug", "hangs", "empty", "blank"],
)
async def test_where_the_model_gives_none_it_is_the_prompts_words(tmp_path, autojump_clock, answer) -> None:
    async with titled(tmp_path, ask="always", title=answer) as host:
        session = await host.open()
        await host.run(session, PROMPT)
        began = trio.current_time()
        await trio.sleep(SECONDS + 1)
        assert (session.info.title, len(asked(host)), host.provider.running) == (WORDS, 1, 0)
        assert trio.current_time() - began <= SECONDS + 2


@pytest.mark.promise("titles.aside")
async def test_the_next_prompt_does_not_wait_for_it(tmp_path, autojump_clock) -> None:
    gate = Gate()
    async with titled(tmp_path, ask="always", title=[gate, *says("Late")]) as host:
        session = await host.open()
        await host.run(session, PROMPT)
        await gate.reached.wait()
        began = trio.current_time()
        await host.run(session, "go on")
        assert trio.current_time() == began
        gate.opened.set()
        assert (await settled(session), len(asked(host))) == ("Late", 1)


@pytest.mark.promise("titles.not_over_a_persons")
async def test_a_title_of_a_person_stays_also_one_that_comes_meanwhile(tmp_path, autojump_clock) -> None:
    gate = Gate()
    async with titled(tmp_path, ask="always", title=[gate, *says("Of the model")]) as host:
        named, meanwhile, other = await host.open(), await host.open(), await host.open()
        await named.change(Change(title="Mine"))
        await host.run(named, PROMPT)
        await trio.testing.wait_all_tasks_blocked()
        assert asked(host) == []
        for session, change in ((meanwhile, Change(title="Mine, too")), (other, Change(labels={"a": "b"}))):
            await host.run(session, PROMPT)
            await gate.reached.wait()
            await session.change(change)
        gate.opened.set()
        titles = [await settled(session) for session in (named, meanwhile, other)]
        assert titles == ["Mine", "Mine, too", "Of the model"]


class Held(MemoryStore):
    """Looks sessions up, and keeps their changes, when the test lets it."""

    def __init__(self) -> None:
        super().__init__()
        self.looks, self.keeps, self.keeping = trio.Event(), trio.Event(), trio.Event()

    async def info(self, session: str) -> SessionInfo:
        await self.looks.wait()
        return await super().info(session)

    async def commit(self, batch: Batch) -> None:
        if batch.info is not None:
            self.keeping.set()
            await self.keeps.wait()
        await super().commit(batch)


@pytest.mark.promise("titles.not_over_a_persons")
async def test_a_title_that_is_being_kept_at_that_moment_stays(tmp_path, autojump_clock) -> None:
    store = Held()
    async with titled(tmp_path, store=store) as host:
        session = await host.open()
        await host.run(session, PROMPT)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(session.change, Change(title="Mine"))
            await store.keeping.wait()
            store.looks.set()
            await trio.testing.wait_all_tasks_blocked()  # the prompt's words wait behind it
            store.keeps.set()
        assert await settled(session) == "Mine"


async def test_a_turn_that_fails_gives_none_and_the_next_that_finishes_does(tmp_path, autojump_clock) -> None:
    async with titled(tmp_path, [Raise(ProviderDown("cut"))]) as host:
        session = await host.open()
        await host.run(session, "first")
        assert await settled(session) == ""
        await host.run(session, "second")
        assert await settled(session) == "first"


async def test_children_ephemeral_sessions_and_single_calls_get_none(tmp_path, autojump_clock) -> None:
    async def look(arguments: Any, call: Any) -> str:
        return "seen"

    strategy = Delegates()
    plugins = {"delegating": StrategyPlugin(strategy)}
    async with titled(tmp_path, plugins=plugins, tools=[FunctionTool("look", look)]) as host:
        parent, brief, single = (
            await host.open(strategy="delegates"),
            await host.open(ephemeral=True),
            await host.open(),
        )
        for session in (parent, brief):
            await host.run(session, PROMPT)
        accepted = await single.call_tool("look", {})
        await single.ended(accepted.turn)
        assert [await settled(session) for session in (parent, brief, single)] == [WORDS, "", ""]
        assert (await host.kernel.store.info(strategy.children[0])).title == ""


async def test_a_kernel_that_closes_does_not_wait_for_a_title(tmp_path, autojump_clock) -> None:
    gate = Gate()
    async with titled(tmp_path, ask="always", title=[gate]) as host:
        await host.run(await host.open(), PROMPT)
        await gate.reached.wait()
        began = trio.current_time()
    assert trio.current_time() - began < 6


def test_titles_are_short_and_plain() -> None:
    assert of_prompt("\n\n  Mend\tthe \x1b[2J lantern  \nmore") == "Mend the [2J lantern"
    assert of_answer("# **Title: The lantern**") == "The lantern"
    long = of_prompt("word " * 40)
    assert len(long) <= LONGEST and long.endswith("word…")
    assert len(of_prompt("x" * 200)) <= LONGEST
    assert of_prompt("") == ""
