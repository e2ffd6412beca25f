"""The architect: one model plans and gives tasks, another carries each out and sees nothing else."""

from __future__ import annotations

from pathlib import Path

import msgspec

from pillion import events as e
from pillion.contracts.strategy import Strategy
from pillion.testing.contracts import StrategyContract
from pillion.testing.kit import FunctionTool, kernel_host
from pillion.testing.scripted import calls, says
from pillion_agent.architect import Architect, TaskGiven
from pillion_agent.plugin import Plugin


class TestArchitect(StrategyContract):
    def strategy(self) -> Strategy:
        return Architect()


async def look(arguments: object, call: object) -> str:
    return "3 files"


def decides(**said: str) -> list[object]:
    return list(says(msgspec.json.encode(said).decode()))


async def test_tasks_are_given_one_by_one_and_each_is_all_that_the_worker_sees(
    tmp_path: Path, autojump_clock: object
) -> None:
    async with kernel_host(
        tmp_path, FunctionTool("look", look), plugins={"agent": Plugin()}, defaults__strategy="architect"
    ) as host:
        host.provider.script(
            decides(plan="Count, then say.", task="Count the files with look."),
            calls(("look", '{"text": "a"}')),
            says("There are three."),
            decides(plan="Counted.", notes="3 files", task="Check it."),
            says("It is so."),
            decides(plan="Done.", answer="Three files."),
            says("There are three files."),
        )
        session = await host.open()
        assert isinstance(await host.run(session, "How many files?"), e.TurnFinished)
        records = await host.kernel.store.read(session.id, 0, 500)
        told = [msgspec.json.decode(one.data, type=TaskGiven) for one in records if one.type == "architect.task"]
        first, work, more, second, check, third, last = host.provider.requests
    assert [(one.number, one.task) for one in told] == [(1, "Count the files with look."), (2, "Check it."), (3, "")]
    assert first.tools == () and first.messages[0].text == "How many files?"
    assert [message.text for message in work.messages] == ["Count the files with look."]
    assert [tool.name for tool in work.tools] == ["look"] and len(more.messages) == 3
    assert "called look" in second.messages[1].text and "gave: 3 files" in second.messages[1].text
    assert [message.text for message in check.messages] == ["Check it."]
    assert "3 files" in third.messages[1].text and "Three files." in last.messages[-1].text


async def test_where_there_is_no_plan_the_request_is_worked_on(tmp_path: Path, autojump_clock: object) -> None:
    async with kernel_host(
        tmp_path, FunctionTool("look", look), plugins={"agent": Plugin()}, defaults__strategy="architect"
    ) as host:
        host.provider.script(says("I can't."), says("No."), calls(("look", '{"text": "a"}')), says("Three."))
        assert isinstance(await host.run(await host.open(), "How many files?"), e.TurnFinished)
        *_, last = host.provider.requests
    assert last.messages[0].text == "How many files?" and len(last.messages) == 3
