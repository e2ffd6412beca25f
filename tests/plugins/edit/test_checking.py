"""After an edit, plugins may look at the files: what is wrong now and was not before is in the edit's result."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio

from pillion import events as e
from pillion import hookimpl
from pillion.testing.kit import Host, events, kernel_host
from pillion.testing.scripted import ScriptedProvider, calls, says
from pillion_edit import checking
from pillion_edit.checking import SHOWN
from pillion_edit.plugin import Config, Plugin
from pillion_syntax.plugin import Plugin as Syntax

from ..test_first_tools import ALLOW, Approvals, ApprovalsConfig

EDIT = calls(("edit_file", '{"path": "lamp.py", "old": "    return 1", "new": "    return (1"}'))


class Checks:
    """A plugin that answers the hook with what it is given."""

    def __init__(self, *checkers: Any) -> None:
        self._checkers = checkers

    @hookimpl(optionalhook=True)
    def register_checkers(self, workspace: Any) -> Sequence[Any]:
        return self._checkers


class Words:
    """Finds what it is told to, and keeps what it was given."""

    def __init__(self, *found: Any) -> None:
        self.found, self.given = found, [("", "", "")]

    async def check(self, path: str, before: str | None, after: str, /) -> Sequence[Any]:
        self.given.append((path, before or "", after))
        return self.found


class Waits:
    async def check(self, path: str, before: str | None, after: str, /) -> Sequence[Any]:
        await trio.sleep_forever()
        raise AssertionError


class Fails:
    async def check(self, path: str, before: str | None, after: str, /) -> Sequence[Any]:
        raise KeyError(path)


@asynccontextmanager
async def hosted(folder: Path, *answers: Any, **plugins: object) -> AsyncIterator[Host]:
    (folder / "lamp.py").write_text("def shine():\n    return 1\n")
    there = {"edit": Plugin(Config()), "approvals": Approvals(ApprovalsConfig(rules=ALLOW))}
    provider = ScriptedProvider(*(answers or [EDIT, says("done")]))
    async with kernel_host(folder, provider=provider, plugins=there | plugins) as host:
        yield host


async def result(host: Host) -> str:
    session = await host.open()
    await host.run(session, "go")
    (found,) = [event for event in await events(session) if isinstance(event, e.ToolFinished)]
    assert not found.error, found.text
    assert (host.folder / "lamp.py").read_text() == "def shine():\n    return (1\n"  # the edit stays
    return found.text


async def test_a_new_syntax_error_is_told_with_its_line(tmp_path: Path) -> None:
    async with hosted(tmp_path, syntax=Syntax()) as host:
        assert await result(host) == (
            "Changed lamp.py: 1 line added, 1 removed.\n"
            "The edit stays, but lamp.py now has errors that it had not before:\n"
            "line 2, column 5: syntax error\n    return (1"
        )


async def test_without_a_checker_nothing_is_told(tmp_path: Path) -> None:
    async with hosted(tmp_path) as host:
        assert await result(host) == "Changed lamp.py: 1 line added, 1 removed."


async def test_a_checker_gets_the_texts_before_and_after(tmp_path: Path) -> None:
    words = Words((1, 1, "no docstring"), (1, 1, "no docstring"))
    async with hosted(tmp_path, checks=Checks(words), syntax=Syntax()) as host:
        said = await result(host)
    before, after = "def shine():\n    return 1\n", "def shine():\n    return (1\n"
    assert words.given[1:] == [("lamp.py", before, after)]
    assert said.count("line 1, column 1: no docstring\ndef shine():") == 1 and "syntax error" in said


async def test_what_is_told_is_bounded(tmp_path: Path) -> None:
    words = Words(*((9, number, "x" * 10_000) for number in range(1, 100)))
    async with hosted(tmp_path, checks=Checks(words)) as host:
        said = await result(host)
    assert f"and {99 - SHOWN} more" in said and len(said) < 4_000


@pytest.mark.parametrize("bad", [Fails(), Words("nonsense"), Words((1, 2)), "none"])
async def test_one_that_fails_loses_only_its_own(tmp_path: Path, bad: Any) -> None:
    async with hosted(tmp_path, bad=Checks(bad), syntax=Syntax()) as host:
        assert "syntax error" in await result(host)
        (state,) = [one for one in host.kernel.host.states() if one.name == "bad"]
        assert "check" in state.reason


async def test_one_that_hangs_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checking, "SECONDS", 0.1)
    async with hosted(tmp_path, checks=Checks(Waits())) as host:
        with trio.fail_after(30):
            assert await result(host) == "Changed lamp.py: 1 line added, 1 removed."


async def test_a_plugin_that_checks_works_without_the_one_that_edits(tmp_path: Path) -> None:
    async with kernel_host(tmp_path, plugins={"syntax": Syntax()}) as host:
        assert host.kernel.host.state("syntax") == "on"
        assert host.kernel.host.told("syntax").reason == ""
