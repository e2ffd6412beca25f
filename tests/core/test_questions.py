"""Questions: asked in the root's log, answered once, and closed by deadline, cancel and restart."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing

from pillion import Turn
from pillion import events as e
from pillion.asking import Answered
from pillion.errors import ConfigError, Conflict, Gone, NotFound
from pillion.memorystore import MemoryStore
from pillion.testing.kit import FunctionTool, StrategyPlugin, events, kernel_host
from pillion.testing.scripted import calls, says


class Asker:
    """Asks one question and keeps what came of it; in a child where `below` says so."""

    name = "asker"
    description = "Asks."

    def __init__(self, below: bool = False, **options: Any) -> None:
        self._below, self._options = below, options
        self.answers: list[Answered] = []
        self.children: list[str] = []

    async def run(self, turn: Turn) -> str | None:
        if self._below and not turn.session.parent:
            async with turn.child(strategy="asker") as child:
                self.children.append(child.id)
                accepted = await child.prompt("ask")
                await child.ended(accepted.turn, accepted.after)
            return None
        self.answers.append(await turn.ask("Which one?", ("red", "blue"), **self._options))
        return None


def asking(folder: Path, asker: Asker, **flags: Any) -> Any:
    return kernel_host(folder, plugins={"asker": StrategyPlugin(asker)}, defaults__strategy="asker", **flags)


async def asked(session: Any) -> e.QuestionAsked:
    """Waits for the question."""
    reader = session.follow()
    with trio.fail_after(100):
        while True:
            for frame in await reader.page():
                event = e.decode(frame.type, frame.data)
                if isinstance(event, e.QuestionAsked):
                    return event


async def closings(session: Any) -> list[tuple[str | None, str]]:
    return [(event.answer, event.by) for event in await events(session) if isinstance(event, e.QuestionAnswered)]


@pytest.mark.promise("questions.first_wins")
async def test_the_first_answer_wins_and_goes_on(tmp_path, autojump_clock) -> None:
    asker = Asker()
    async with asking(tmp_path, asker) as host:
        session = await host.open()
        await session.prompt("go")
        question = await asked(session)
        await session.answer(question.question, "green")
        with pytest.raises(Conflict, match="'green', by person"):
            await session.answer(question.question, "red")
        await session.idle()
        assert (asker.answers, await closings(session)) == ([Answered("green", "person")], [("green", "person")])


async def test_only_an_option_is_an_answer_where_it_says_so(tmp_path, autojump_clock) -> None:
    asker = Asker(free=False)
    async with asking(tmp_path, asker) as host:
        session = await host.open()
        await session.prompt("go")
        question = await asked(session)
        with pytest.raises(ConfigError, match="one of: 'red', 'blue'"):
            await session.answer(question.question, "green")
        with pytest.raises(NotFound):
            await session.decide(question.question, "allow")
        await session.answer(question.question, "blue")
        await session.idle()
        assert asker.answers[0].answer == "blue"


@pytest.mark.promise("questions.deadline")
@pytest.mark.parametrize("default", [None, "red"])
async def test_at_the_deadline_the_default_counts(tmp_path, autojump_clock, default) -> None:
    asker = Asker(default=default)
    async with asking(tmp_path, asker, deadlines__question=7) as host:
        session = await host.open()
        began = trio.current_time()
        await host.run(session, "go")
        assert 7 <= trio.current_time() - began < 8
        assert asker.answers == [Answered(default, "deadline", given=False)]
        assert await closings(session) == [(None, "deadline")]
        with pytest.raises(Gone, match="nobody answered"):
            await session.answer((await asked(session)).question, "red")


async def test_cancel_closes_an_open_question(tmp_path, autojump_clock) -> None:
    async with asking(tmp_path, Asker()) as host:
        session = await host.open()
        await session.prompt("go")
        question = await asked(session)
        await session.cancel()
        await session.idle()
        assert await closings(session) == [(None, "cancel")]
        with pytest.raises(Gone):
            await session.answer(question.question, "red")


@pytest.mark.parametrize("when", ["steer", "break"])
async def test_who_breaks_in_need_not_answer_first(tmp_path, autojump_clock, when) -> None:
    async def ask(arguments: Any, call: Any) -> str:
        answered = await call.ask("Which one?", default="red")
        return f"{answered.answer} by {answered.by}"

    async with kernel_host(tmp_path, FunctionTool("ask", ask), deadlines__question=7) as host:
        host.provider.script(calls(("ask", "{}")), says("since I must ask"), says("done"))
        session = await host.open()
        await session.prompt("go")
        await asked(session)
        await session.prompt("why?", when=when)
        await session.idle()
        (result,) = [event for event in await events(session) if isinstance(event, e.ToolFinished)]
        assert result.text == f"red by {'break' if when == 'break' else 'deadline'}"
        assert await closings(session) == [(None, "break" if when == "break" else "deadline")]


async def test_a_child_asks_in_the_roots_log(tmp_path, autojump_clock) -> None:
    asker = Asker(below=True)
    async with asking(tmp_path, asker) as host:
        session = await host.open()
        await session.prompt("go")
        question = await asked(session)
        assert question.path == tuple(asker.children)
        await (await host.kernel.session(asker.children[0])).answer(question.question, None)
        await session.idle()
        assert asker.answers == [Answered(None, "person", given=False)]


@pytest.mark.promise("questions.deadline")
async def test_a_restart_closes_an_open_question(tmp_path, autojump_clock) -> None:
    store = MemoryStore()
    async with asking(tmp_path, Asker(), store=store) as host:
        session = await host.open()
        await session.prompt("go")
        await asked(session)
        left = copy.deepcopy(store)  # what a process that is killed here leaves
    async with asking(tmp_path, Asker(), store=left) as host:
        session = await host.kernel.session(session.id)
        assert await closings(session) == [(None, "restart")]


async def test_a_restart_closes_an_open_approval_as_denied(tmp_path, autojump_clock) -> None:
    async def wrote(arguments: Any, call: Any) -> str:
        return "written"

    store = MemoryStore()
    async with kernel_host(tmp_path, FunctionTool("w", wrote, effect="write"), store=store) as host:
        host.provider.script(calls(("w", "{}")))
        session = await host.open()
        await session.prompt("go")
        await trio.testing.wait_all_tasks_blocked()
        left = copy.deepcopy(store)
    async with kernel_host(tmp_path, store=left) as host:
        session = await host.kernel.session(session.id)
        (decided,) = [event for event in await events(session) if isinstance(event, e.ApprovalDecided)]
        assert (decided.decision, decided.by) == ("deny", "restart")
        with pytest.raises(Gone, match="closed since restart"):
            await session.decide(decided.approval, "allow")


async def test_a_tools_time_stands_still_while_a_person_thinks(tmp_path, autojump_clock) -> None:
    async def ask(arguments: Any, call: Any) -> str:
        await trio.sleep(4)
        answered = await call.ask("Which one?")
        await trio.sleep(4)
        return f"{answered.answer}"

    async with kernel_host(tmp_path, FunctionTool("ask", ask), deadlines__tool=10) as host:
        host.provider.script(calls(("ask", "{}")), says("done"))
        session = await host.open()
        await session.prompt("go")
        question = await asked(session)
        await trio.sleep(60)
        await session.answer(question.question, "red")
        await session.idle()
        (result,) = [event for event in await events(session) if isinstance(event, e.ToolFinished)]
        assert (result.text, question.call) == ("red", result.call)
