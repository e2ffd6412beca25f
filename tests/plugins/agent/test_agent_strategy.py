"""The agent: tools until the model stops or asks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from pillion import events as e
from pillion.contracts.context import ContextPart
from pillion.hookspecs import TurnInfo, hookimpl
from pillion.testing.kit import FunctionTool, Host, events, kernel_host
from pillion.testing.scripted import calls, says
from pillion.turn import Turn
from pillion.values import Limits, Message, Text, ToolResult
from pillion_agent.agent import asks
from pillion_agent.plugin import Plugin


class Known:
    """A context provider that always says the same."""

    async def contribute(self, turn: Turn, budget: int) -> Sequence[ContextPart]:
        return [ContextPart("House rules", "Tabs are forbidden.")]

    @hookimpl
    def register_contexts(self, turn: TurnInfo) -> Sequence[Known]:
        return [self]


async def look(arguments: object, call: object) -> str:
    return "3 files"


@pytest.fixture
async def agent(tmp_path: Path) -> AsyncIterator[Host]:
    """A kernel whose sessions use the agent, with a tool `look` and one context provider."""
    plugins = {"agent": Plugin(), "known": Known()}
    async with kernel_host(tmp_path, FunctionTool("look", look), plugins=plugins, defaults__strategy="agent") as host:
        yield host


async def test_tools_run_until_the_model_stops(agent: Host) -> None:
    agent.provider.script(calls(("look", '{"text": "a"}')), calls(("look", '{"text": "b"}')), says("All done."))
    ended = await agent.run(await agent.open(), "look round")
    assert isinstance(ended, e.TurnFinished)
    assert (ended.reason, ended.steps) == ("done", 3)
    results = [part for message in agent.provider.requests[-1].messages for part in message.parts]
    assert [part.text for part in results if isinstance(part, ToolResult)] == ["3 files", "3 files"]


async def test_a_question_ends_the_turn_as_one(agent: Host) -> None:
    agent.provider.script(says("There are two. Which one do you **mean?**"))
    ended = await agent.run(await agent.open(), "delete it")
    assert isinstance(ended, e.TurnFinished)
    assert ended.reason == "question"


async def test_the_model_is_told_where_it_is_and_what_is_known(agent: Host) -> None:
    agent.provider.script(says("Hello."))
    await agent.run(await agent.open(), "hi")
    (request,) = agent.provider.requests
    assert str(agent.folder) in request.system
    assert "Tabs are forbidden." in request.system
    assert [tool.name for tool in request.tools] == ["look"]


class Talkative(Known):
    """Says more than fits: by tokens, of which some scripts have one a character."""

    async def contribute(self, turn: Turn, budget: int) -> Sequence[ContextPart]:
        long = "漢" * (budget - 200)
        parts = {"Light": (long, 0.5), "Heavy": (long, 2.0), "Short": ("Tabs.", 1.0)}
        return [ContextPart(title, text, weight) for title, (text, weight) in parts.items()]


async def test_of_what_is_known_the_weightiest_fits_by_tokens(tmp_path: Path) -> None:
    plugins = {"agent": Plugin(), "known": Talkative()}
    flags = {"defaults__strategy": "agent", "defaults__context_tokens": 3000}
    async with kernel_host(tmp_path, plugins=plugins, **flags) as host:
        host.provider.script(says("Hello."))
        await host.run(await host.open(), "hi")
        assert [name in host.provider.requests[-1].system for name in ("Heavy", "Short", "Light")] == [
            False,
            True,
            False,
        ]


async def test_the_limit_of_steps_ends_the_turn(agent: Host) -> None:
    agent.provider.script(*(calls(("look", f'{{"text": "{n}"}}')) for n in range(5)))
    session = await agent.open(limits=Limits(steps=2))
    ended = await agent.run(session, "look for ever")
    assert isinstance(ended, e.TurnFinished)
    assert ended.reason == "limit:steps"


async def test_going_in_circles_fails_as_stuck(agent: Host) -> None:
    agent.provider.script(*(calls(("look", "{}")) for _ in range(5)))
    session = await agent.open()
    ended = await agent.run(session, "look")
    assert isinstance(ended, e.TurnFailed)
    assert ended.code == "stuck"
    assert len([event for event in await events(session) if isinstance(event, e.ToolFinished)]) == 3


@pytest.mark.parametrize(
    ("words", "question"), [("Which?", True), ("(Really?)\n", True), ("Why? Because.", False), ("", False)]
)
def test_the_last_words_decide(words: str, question: bool) -> None:
    assert asks(Message("assistant", (Text(words),))) is question
