"""code_edit: the model of the role `edit` carries an instruction out, in its format, within the same budget."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio

from pillion import events as e
from pillion.contracts.provider import Finish
from pillion.session import Session
from pillion.testing.kit import Host, events, kernel_host
from pillion.testing.scripted import Gate, ScriptedProvider, calls, says
from pillion.values import Limits, ModelInfo, Text
from pillion_approvals.plugin import Config as ApprovalsConfig
from pillion_approvals.plugin import Plugin as Approvals
from pillion_approvals.rule import Rule
from pillion_edit.plugin import Config, Plugin

LAMP = "def shine():\n    return 1\n\n\ndef glow():\n    return 1\n"
BRIGHT = "def shine():\n    return 2\n\n\ndef glow():\n    return 1\n"
ASK = calls(("code_edit", '{"path": "lamp.py", "instruction": "shine gives 2"}'))
DONE = says("done")
BLOCK = "lamp.py\n<<<<<<< SEARCH\ndef shine():\n    return 1\n=======\ndef shine():\n    return 2\n>>>>>>> REPLACE\n"
TWICE = "lamp.py\n<<<<<<< SEARCH\n    return 1\n=======\n    return 2\n>>>>>>> REPLACE\n"
MODELS = [ModelInfo(f"scripted/{name}", context=100_000, output=4_000) for name in ("one", "editor")]


@asynccontextmanager
async def hosted(
    folder: Path, *answers: Any, verdict: Any = "allow", config: Config | None = None, **flags: Any
) -> AsyncIterator[Host]:
    (folder / "lamp.py").write_text(LAMP)
    plugins = {
        "edit": Plugin(config or Config()),
        "approvals": Approvals(ApprovalsConfig(rules=(Rule(verdict, tool="code_edit"),))),
    }
    flags = {"models__roles": {"edit": ["scripted/editor"]}, "defaults__model": "scripted/one"} | flags
    provider = ScriptedProvider(*answers, models=MODELS)
    async with kernel_host(folder, provider=provider, plugins=plugins, **flags) as host:
        yield host


async def result(host: Host, session: Session | None = None) -> e.ToolFinished:
    session = session or await host.open()
    await host.run(session, "go")
    (found,) = [event for event in await events(session) if isinstance(event, e.ToolFinished)]
    return found


def lamp(host: Host) -> str:
    return (host.folder / "lamp.py").read_text()


CHANGE = " def shine():\n-    return 1\n+    return 2\n"
FORMATS = [
    ("blocks", says(BLOCK)),
    ("editor", says(BLOCK.replace("lamp.py\n", "", 1))),
    ("whole", says(f"lamp.py\n```python\n{BRIGHT}```\n")),
    ("unified", says(f"```diff\n--- a/lamp.py\n+++ b/lamp.py\n@@ -1,2 +1,2 @@\n{CHANGE}```")),
    ("patch", says(f"*** Begin Patch\n*** Update File: src/lamp.py\n{CHANGE}*** End Patch")),
]


@pytest.mark.parametrize(("format", "answer"), FORMATS)
async def test_the_model_of_the_role_edits_in_its_format(tmp_path: Path, format: Any, answer: Any) -> None:
    config = Config({"scripted/editor": format})
    async with hosted(tmp_path, ASK, answer, DONE, config=config) as host:
        session = await host.open()
        found = await result(host, session)
        assert lamp(host) == BRIGHT
        asked = host.provider.requests[1]
        used = [(event.model, event.role) for event in await events(session) if isinstance(event, e.UsageRecorded)]
    assert not found.error
    assert found.text.startswith("Changed lamp.py: 1 line added, 1 removed.\n--- a/lamp.py\n+++ b/lamp.py\n@@ -1,5")
    assert asked.model == "scripted/editor" and asked.tools == ()
    said = asked.messages[0].text
    assert LAMP in said and said.endswith("shine gives 2")
    assert used == [("scripted/one", ""), ("scripted/editor", "edit"), ("scripted/one", "")]


async def test_an_edit_that_is_refused_is_asked_for_once_more(tmp_path: Path) -> None:
    async with hosted(tmp_path, ASK, says(TWICE), says(BLOCK), DONE) as host:
        found = await result(host)
        assert not found.error and lamp(host) == BRIGHT
        again = host.provider.requests[2].messages
    assert [message.role for message in again] == ["user", "assistant", "user"]
    assert again[1].text == TWICE and "occurs 2 times" in again[2].text


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (TWICE, "occurs 2 times"),
        ("I can't.", "There is no block"),
        (BLOCK.replace("lamp.py", "other.py"), "not one of lamp.py"),
        (BLOCK.replace(">>>>>>> REPLACE\n", ""), "has no end"),
    ],
)
async def test_two_refusals_end_it_and_nothing_is_changed(tmp_path: Path, bad: str, why: str) -> None:
    async with hosted(tmp_path, ASK, says(bad), says(bad), DONE) as host:
        found = await result(host)
        assert (found.error, lamp(host)) == (True, LAMP)
        assert why in found.text and len(host.provider.requests) == 4
        assert await host.kernel.catalog.workspace(str(tmp_path)).stat("other.py") is None


async def test_an_answer_that_is_cut_off_is_not_applied(tmp_path: Path) -> None:
    cut = [*says(BLOCK)[:-1], Finish("length")]
    async with hosted(tmp_path, ASK, cut, cut, DONE) as host:
        found = await result(host)
        assert "does not come to its end" in found.text and lamp(host) == LAMP


async def test_a_file_that_changes_while_the_model_writes_is_a_conflict(tmp_path: Path) -> None:
    gate = Gate()
    async with hosted(tmp_path, ASK, [Text("lamp.py\n"), gate, *says(BLOCK)], DONE) as host:
        session = await host.open()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(host.run, session, "go")
            with trio.fail_after(30):
                await gate.reached.wait()
            (tmp_path / "lamp.py").write_text("# a person's\n" + LAMP)
            gate.opened.set()
        (found,) = [event for event in await events(session) if isinstance(event, e.ToolFinished)]
        assert found.code == "conflict" and "+# a person's" in found.text
        assert lamp(host) == "# a person's\n" + LAMP


async def test_a_cancel_reaches_the_model_that_edits(tmp_path: Path) -> None:
    gate = Gate()
    async with hosted(tmp_path, ASK, [Text(BLOCK), gate], DONE) as host:
        session = await host.open()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(host.run, session, "go")
            with trio.fail_after(30):
                await gate.reached.wait()
                await session.cancel()
        assert host.provider.running == 0 and lamp(host) == LAMP
        told = await events(session)
    assert isinstance(told[-1], e.TurnCancelled)
    assert ("scripted/editor", "edit") in [(u.model, u.role) for u in told if isinstance(u, e.UsageRecorded)]


async def test_its_calls_count_as_steps_of_the_budget(tmp_path: Path) -> None:
    async with hosted(tmp_path, ASK, says(BLOCK), DONE) as host:
        session = await host.open(limits=Limits(steps=2))
        ending = await host.run(session, "go")
        assert isinstance(ending, e.TurnFinished) and ending.reason == "limit:steps"
        assert len(host.provider.requests) == 2 and lamp(host) == BRIGHT


async def test_an_approval_shows_the_instruction(tmp_path: Path) -> None:
    async with hosted(tmp_path, ASK, DONE, verdict="ask", deadlines__approval=0.1) as host:
        session = await host.open()
        assert (await result(host, session)).code == "denied"
        (wanted,) = [one for one in await events(session) if isinstance(one, e.ApprovalWanted)]
        assert wanted.preview == "scripted/editor is to change lamp.py:\nshine gives 2"
        assert len(host.provider.requests) == 2 and lamp(host) == LAMP


@pytest.mark.parametrize(
    ("offered", "roles", "own", "prompts", "there"),
    [
        ("named", {}, {}, {}, False),
        ("named", {"edit": ["scripted/editor"]}, {}, {}, True),
        ("named", {"fast": ["scripted/editor"]}, {}, {}, True),
        ("named", {"title": ["scripted/editor"]}, {}, {}, False),
        ("named", {}, {"edit": ["scripted/editor"]}, {}, True),
        ("named", {}, {}, {"fast": ["scripted/editor"]}, True),
        ("always", {}, {}, {}, True),
        ("never", {"edit": ["scripted/editor"]}, {}, {}, False),
    ],
)
async def test_it_is_offered_where_a_model_is_named(
    tmp_path: Path, offered: Any, roles: Any, own: Any, prompts: Any, there: bool
) -> None:
    async with hosted(tmp_path, DONE, config=Config(code_edit=offered), models__roles=roles) as host:
        await host.run(await host.open(roles=own), "go", roles=prompts)
        assert ("code_edit" in {tool.name for tool in host.provider.requests[0].tools}) is there


async def test_what_is_no_text_or_too_long_costs_no_call(tmp_path: Path) -> None:
    for data in (b"\0\1\2", b"a \xff b", b"word " * 60_000):
        async with hosted(tmp_path, ASK, DONE) as host:
            (tmp_path / "lamp.py").write_bytes(data)
            assert (await result(host)).error
            assert len(host.provider.requests) == 2
