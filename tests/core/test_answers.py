"""A prompt with a schema: its turn ends with JSON that fits, or says why not."""

from __future__ import annotations

from typing import Any

import pytest
import trio

from pillion import Limits, Text, hookimpl
from pillion import events as e
from pillion.errors import BadSchema
from pillion.testing.kit import FunctionTool, Host, StrategyPlugin, events, kernel_host
from pillion.testing.scripted import Gate, ScriptedProvider, calls, says

SCHEMA = {"type": "object", "properties": {"size": {"type": "integer"}}, "required": ["size"]}


async def fine(arguments: Any, call: Any) -> str:
    return "fine"


class Direct:
    """One step, whose words are the answer."""

    name = "direct"
    description = "Answers once."

    async def run(self, turn: Any) -> None:
        await turn.step(tools=False, answer=True)


class Watcher:
    """Sees the steps of every turn."""

    def __init__(self) -> None:
        self.seen: list[int] = []

    @hookimpl
    def register_witnesses(self, turn: Any) -> list[Any]:
        return [self]

    async def step(self, turn: Any) -> None:
        self.seen.append(turn.steps)

    async def before(self, turn: Any, effect: Any) -> None: ...

    async def leave(self, turn: Any) -> None: ...


def host_of(tmp_path: Any, *answers: Any, **options: Any) -> Any:
    tool = FunctionTool("look", fine)
    plugins = {"direct": StrategyPlugin(Direct())} | options.pop("plugins", {})
    return kernel_host(tmp_path, tool, provider=ScriptedProvider(*answers), plugins=plugins, **options)


async def told(session: Any) -> list[str]:
    return [event.why for event in await events(session) if isinstance(event, e.ModelTold)]


@pytest.mark.promise("prompts.schema")
async def test_an_agent_works_with_tools_first_and_then_answers_as_json(tmp_path) -> None:
    async with host_of(tmp_path, calls(("look", "{}")), says("I have it."), says('{"size": 3}')) as host:
        session = await host.open()
        assert await host.run(session, "how large?", schema=SCHEMA) == e.TurnFinished(steps=3, answer={"size": 3})
        first, second, last = host.provider.requests
        assert (first.schema, second.schema, last.schema) == (None, None, SCHEMA)
        assert (first.tool_choice, last.tool_choice, last.tools) == ("auto", "none", first.tools)
        assert "JSON Schema" in last.messages[-1].text
        assert await told(session) == ["schema"]


async def test_steps_that_the_schema_asks_for_are_witnessed_too(tmp_path) -> None:
    watcher = Watcher()
    async with host_of(tmp_path, says("I have it."), says('{"size": 3}'), plugins={"watch": watcher}) as host:
        end = await host.run(await host.open(), "how large?", schema=SCHEMA)
    assert end == e.TurnFinished(steps=2, answer={"size": 3})
    assert watcher.seen == [1, 2]


async def test_a_chat_answers_as_json_at_once(tmp_path) -> None:
    async with host_of(tmp_path, says('{"size": 3}')) as host:
        end = await host.run(await host.open(), "how large?", schema=SCHEMA, strategy="direct")
        assert end == e.TurnFinished(steps=1, answer={"size": 3})
        assert host.provider.requests[0].schema == SCHEMA


async def test_last_words_that_fit_are_the_answer(tmp_path) -> None:
    async with host_of(tmp_path, says('{"size": 3}')) as host:
        end = await host.run(await host.open(), "how large? As JSON.", schema=SCHEMA)
        assert end == e.TurnFinished(steps=1, answer={"size": 3})


@pytest.mark.promise("prompts.schema")
@pytest.mark.parametrize("strategy", ["loop", "direct"])
async def test_a_misfit_is_told_once_and_mended(tmp_path, strategy: str) -> None:
    begun = [says("Done.")] if strategy == "loop" else []
    async with host_of(tmp_path, *begun, says('{"size": "3"}'), says('{"size": 3}')) as host:
        session = await host.open(strategy=strategy)
        end = await host.run(session, "how large?", schema=SCHEMA)
        assert isinstance(end, e.TurnFinished)
        assert end.answer == {"size": 3}
        assert await told(session) == ["schema", "misfit"]
        assert "$.size: integer is expected, not string" in host.provider.requests[-1].messages[-1].text


@pytest.mark.promise("prompts.schema")
@pytest.mark.parametrize("strategy", ["loop", "direct"])
async def test_a_second_misfit_fails_the_turn(tmp_path, strategy: str) -> None:
    begun = [says("Done.")] if strategy == "loop" else []
    async with host_of(tmp_path, *begun, says("three"), says('{"size": null}'), says("ok")) as host:
        session = await host.open(strategy=strategy)
        end = await host.run(session, "how large?", schema=SCHEMA)
        assert isinstance(end, e.TurnFailed)
        assert (end.code, "integer is expected, not null" in end.message) == ("bad_answer", True)
        assert await host.run(session, "and now?") == e.TurnFinished(steps=1)


async def test_a_limit_comes_before_the_answer(tmp_path) -> None:
    async with host_of(tmp_path, says("Done.")) as host:
        end = await host.run(await host.open(limits=Limits(steps=1)), "how large?", schema=SCHEMA)
        assert end == e.TurnFinished(reason="limit:steps", steps=1)


async def test_a_model_that_calls_a_tool_instead_of_answering_gets_none_run(tmp_path) -> None:
    async with host_of(tmp_path, says("Done."), calls(("look", "{}")), says('{"size": 3}')) as host:
        session = await host.open()
        end = await host.run(session, "how large?", schema=SCHEMA)
        assert isinstance(end, e.TurnFinished)
        assert end.answer == {"size": 3}
        (result,) = [event for event in await events(session) if isinstance(event, e.ToolFinished)]
        assert result.code == "set_aside"


@pytest.mark.parametrize("when", ["steer", "break"])
async def test_who_speaks_during_the_answer_is_heard_and_the_answer_is_json(tmp_path, when: Any) -> None:
    gate, aside = Gate(), [says("Because.")] if when == "break" else []
    last = [says('{"size": 4}')] if when == "steer" else []
    async with host_of(tmp_path, [Text(" "), gate, *says('{"size": 3}')], *aside, *last) as host:
        session = await host.open(strategy="direct")
        turn = (await session.prompt("how large?", schema=SCHEMA)).turn
        await gate.reached.wait()
        await session.prompt("one more", when=when)
        gate.opened.set()
        end = await session.ended(turn)
        assert isinstance(end, e.TurnFinished)
        assert end.answer == {"size": 4 if when == "steer" else 3}
        assert [request.schema for request in host.provider.requests] == [SCHEMA, SCHEMA if when == "steer" else None]


class Late(Direct):
    """Thinks first."""

    name = "late"

    async def run(self, turn: Any) -> None:
        await trio.sleep(2)
        await super().run(turn)


async def test_a_break_before_the_answer_is_heard_first(tmp_path, autojump_clock) -> None:
    provider = ScriptedProvider(says("Because."), says('{"size": 3}'))
    async with kernel_host(tmp_path, provider=provider, plugins={"late": StrategyPlugin(Late())}) as host:
        session = await host.open(strategy="late")
        turn = (await session.prompt("how large?", schema=SCHEMA)).turn
        await trio.sleep(1)
        await session.prompt("why?", when="break")
        assert await session.ended(turn) == e.TurnFinished(steps=2, answer={"size": 3})
        assert [request.schema for request in provider.requests] == [None, SCHEMA]
        assert await told(session) == ["schema"]


class Silent:
    """A strategy that asks no model by itself."""

    name = "silent"
    description = "Does nothing."

    async def run(self, turn: Any) -> None:
        return None


async def test_a_strategy_that_asked_no_model_is_asked_for(tmp_path) -> None:
    plugins = {"silent": StrategyPlugin(Silent())}
    provider = ScriptedProvider(says('{"size": 3}'))
    async with kernel_host(tmp_path, provider=provider, plugins=plugins) as host:
        end = await host.run(await host.open(), "how large?", schema=SCHEMA, strategy="silent")
        assert end == e.TurnFinished(steps=1, answer={"size": 3})


@pytest.mark.parametrize("when", ["steer", "break"])
async def test_what_joins_a_turn_has_no_answer_of_its_own(host: Host, when: Any) -> None:
    session = await host.open()
    with pytest.raises(BadSchema, match="join"):
        await session.prompt("x", when=when, schema=SCHEMA)
    with pytest.raises(BadSchema, match=r"schema\.properties\.a\.pattern"):
        await session.prompt("x", schema={"type": "object", "properties": {"a": {"pattern": "x"}}})
    assert session.waiting == 0
