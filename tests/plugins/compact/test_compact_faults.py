"""Summaries that fail, hang, are empty or longer; compactors that go wrong; what is too long in one piece."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from pillion import Message, Text, TurnInfo, hookimpl
from pillion import events as e
from pillion.contracts.compactor import Conversation, Cut
from pillion.contracts.provider import Request
from pillion.errors import ContextOverflow
from pillion.testing.kit import FunctionTool, events, kernel_host
from pillion.testing.scripted import Answer, Raise, ScriptedProvider, calls, says

from .windows import NO_LIMIT, SMALL, SUMMARISERS, Windowed, compacting, compactions, failures, paired, prose, told

CODES = {"says nothing": "not_shorter", "says more": "not_shorter", "fails": "provider_down", "hangs": "not_shorter"}


def answering(request: Request) -> Answer:
    return says(prose(120, len(request.messages)))


@pytest.mark.parametrize(("summariser", "code"), CODES.items())
async def test_without_a_good_summary_all_is_sent_as_before(
    tmp_path: Path, autojump_clock: Any, summariser: str, code: str
) -> None:
    provider = Windowed(answering, SUMMARISERS[summariser], model=SMALL)
    async with compacting(tmp_path, provider) as host:
        session = await host.open()
        while not failures(found := await events(session)):
            assert isinstance(await host.run(session, "Go on."), e.TurnFinished)
        assert (failures(found)[0].code, failures(found)[0].why, compactions(found)) == (code, "window", [])
        assert provider.asked[-1].messages == (await session.messages())[:-1]
        while not compactions(found := await events(session)):
            assert isinstance(await host.run(session, "Go on."), e.TurnFinished)
        assert compactions(found)[0].model == ""
        assert len(failures(found)) < 6
        assert provider.overflows == 0


async def test_one_that_failed_in_a_turn_is_not_asked_again_before_code_has_cut(
    tmp_path: Path, autojump_clock: Any
) -> None:
    async def look(arguments: Any, call: Any) -> str:
        return prose(30, int(arguments.text))

    count = 0

    def answer(request: Request) -> Answer:
        nonlocal count
        count += 1
        return calls(("look", f'{{"text": "{count}"}}')) if count < 80 else says("Done.")

    provider = Windowed(answer, SUMMARISERS["fails"], model=SMALL)
    async with compacting(tmp_path, provider, FunctionTool("look", look)) as host:
        session = await host.open(limits=NO_LIMIT)
        await host.run(session, "Look round.")
        found = await events(session)
        assert len(compactions(found)) <= len(failures(found)) <= len(compactions(found)) + 1
        assert all(paired(request.messages) for request in provider.asked)


async def test_results_of_one_step_that_fill_the_window_are_cut(tmp_path: Path, autojump_clock: Any) -> None:
    async def look(arguments: Any, call: Any) -> str:
        return prose(400, int(arguments.text))

    def answer(request: Request) -> Answer:
        if len(request.messages) > 1:
            return says("Done.")
        return calls(*(("look", f'{{"text": "{n}"}}') for n in range(20)))

    provider = Windowed(answer, model=SMALL)
    async with compacting(tmp_path, provider, FunctionTool("look", look)) as host:
        session = await host.open()
        assert isinstance(await host.run(session, "Look round."), e.TurnFinished)
        assert provider.overflows == 0
        assert "more characters are left out here" in told(provider.asked[-1].messages)
        assert paired(provider.asked[-1].messages)
        assert prose(400, 7)[:800] in told(await session.messages())


async def test_one_message_that_is_longer_than_the_window_is_told_as_that(tmp_path: Path, autojump_clock: Any) -> None:
    provider = Windowed(answering, model=SMALL)
    async with compacting(tmp_path, provider) as host:
        session = await host.open()
        await host.run(session, "Hello.")
        ending = await host.run(session, prose(20_000, 1))
        assert isinstance(ending, e.TurnFailed)
        assert (ending.code, provider.overflows) == ("context_overflow", 1)
        assert "can't be made shorter" in ending.message and "are one message of the task" in ending.message
        assert isinstance(await host.run(session, "Hello again."), e.TurnFinished)


async def test_what_overflows_for_ever_ends_the_turn(tmp_path: Path, autojump_clock: Any) -> None:
    def answer(request: Request) -> Answer:
        return [Raise(ContextOverflow("Too long."))]

    provider = Windowed(answer, model=SMALL)
    async with compacting(tmp_path, provider) as host:
        session = await host.open()
        provider.script(*(says(prose(100, n)) for n in range(6)))
        for _ in range(6):
            await host.run(session, "Go on.")
        ending = await host.run(session, "And now?")
        assert isinstance(ending, e.TurnFailed) and ending.code == "context_overflow"
        first, second = provider.asked[-2:]
        assert len(told(second.messages)) < len(told(first.messages))
        assert len(provider.asked) == 8
        (cut,) = compactions(await events(session))
        assert (cut.why, cut.kept) == ("overflow", ())
        (*_, failed, again) = [event for event in await events(session) if isinstance(event, e.UsageRecorded)]
        assert (failed.error, again.error) == ("context_overflow", "context_overflow") or failed.role == "compact"


async def test_a_window_that_was_smaller_than_it_was_thought_to_be_is_remembered(
    tmp_path: Path, autojump_clock: Any
) -> None:
    class Smaller(Windowed):
        def models(self) -> Any:
            return [SMALL.__class__(SMALL.name, context=100_000, output=1_000)]

    provider = Smaller(answering, model=SMALL)
    async with compacting(tmp_path, provider) as host:
        session = await host.open()
        for _ in range(60):
            assert isinstance(await host.run(session, "Go on."), e.TurnFinished)
        assert provider.overflows == 1
        assert [cut.why for cut in compactions(await events(session))][:2] == ["overflow", "window"]


class Compactors:
    """A plugin that brings the given compactor."""

    def __init__(self, compactor: Any) -> None:
        self._compactor = compactor

    @hookimpl
    def register_compactors(self, turn: TurnInfo) -> Any:
        return [self._compactor]


class Wrong:
    """Cuts as it is told to, whatever comes of it."""

    at = 0.5

    def __init__(self, cut: Any) -> None:
        self._cut = cut

    async def compact(self, turn: Any, long: Conversation) -> Any:
        return self._cut(long)

    def cut(self, turn: Any, long: Conversation) -> Any:
        return self._cut(long)


@pytest.mark.parametrize(
    "cut",
    [
        lambda long: Cut(2, "Before its results."),
        lambda long: Cut(-1, "Less than nothing."),
        lambda long: Cut(10_000, "More than there is."),
        lambda long: Cut(3, " \n"),
        lambda long: Cut(3, "Longer. " * 10_000),
        lambda long: None,
        lambda long: Cut("3", 4),
        lambda long: math.sqrt(-1),
    ],
)
async def test_a_cut_that_makes_no_sense_is_none(tmp_path: Path, autojump_clock: Any, cut: Any) -> None:
    async def look(arguments: Any, call: Any) -> str:
        return prose(100, int(arguments.text))

    provider = ScriptedProvider(
        *(calls(("look", f'{{"text": "{n}"}}')) for n in range(13)), says("Done."), models=[SMALL]
    )
    plugins = {"wrong": Compactors(Wrong(cut))}
    async with kernel_host(tmp_path, FunctionTool("look", look), provider=provider, plugins=plugins) as host:
        session = await host.open()
        assert isinstance(await host.run(session, "Look round."), e.TurnFinished)
        found = await events(session)
        assert failures(found)[0].code == "not_shorter"
        assert compactions(found) == []
        assert provider.requests[-1].messages == (await session.messages())[:-1]


async def test_a_stranger_that_forgets_the_task_does_not_lose_it(tmp_path: Path, autojump_clock: Any) -> None:
    async def look(arguments: Any, call: Any) -> str:
        return prose(100, int(arguments.text))

    provider = ScriptedProvider(
        *(calls(("look", f'{{"text": "{n}"}}')) for n in range(13)), says("Done."), models=[SMALL]
    )
    plugins = {"wrong": Compactors(Wrong(lambda long: Cut(long.starts[-1], "All is forgotten.")))}
    async with kernel_host(tmp_path, FunctionTool("look", look), provider=provider, plugins=plugins) as host:
        session = await host.open()
        await host.run(session, "Look round.")
        assert compactions(await events(session))
        task, text, *_ = provider.requests[-1].messages
        assert (task, text) == (Message("user", (Text("Look round."),)), Message("user", (Text("All is forgotten."),)))


async def test_without_the_plugin_nothing_becomes_shorter(tmp_path: Path, autojump_clock: Any) -> None:
    provider = Windowed(answering, model=SMALL)
    async with kernel_host(tmp_path, provider=provider) as host:
        session = await host.open()
        ending: e.Event = e.TurnFinished()
        while isinstance(ending, e.TurnFinished):
            ending = await host.run(session, "Go on.")
        assert isinstance(ending, e.TurnFailed)
        assert ending.message.endswith("No plugin that makes conversations shorter is on.")
        assert compactions(await events(session)) == []
