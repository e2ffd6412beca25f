"""The bug-fix scenario: five projects, three wire formats, one debugger that knows none of them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import trio

from .debugger import debugger
from .repositories import BUGS, COMMAND, Repository, changed, generate
from .serverprocess import BOUND, KEY, riding

TASK = f"The tests fail. Find out why and mend it. Run them with `{COMMAND}`."
FORMATS = {"chat/scripted": "chat", "responses/scripted": "responses", "anthropic/scripted": "messages"}


async def passes(repository: Repository) -> bool:
    """Do the project's tests pass, as somebody runs them who has nothing to do with the server?"""
    with trio.fail_after(BOUND):
        done = await trio.run_process(
            COMMAND, shell=True, cwd=repository.folder, check=False, stderr=subprocess.DEVNULL
        )
    return done.returncode == 0


@pytest.mark.promise("turns.bug_is_mended")
@pytest.mark.parametrize("model", FORMATS)
@pytest.mark.parametrize("bug", BUGS)
async def test_it_finds_and_mends_the_bug(tmp_path: Path, bug: str, model: str) -> None:
    repository = generate(tmp_path / "project", bug, f"{bug} {model}")
    assert not await passes(repository)
    async with riding(tmp_path, debugger, **KEY) as (vendor, server):
        session = await server.session(repository.folder, model=model, strategy="agent")
        events = await server.ride(session, TASK)
    assert (events[-1]["type"], events[-1].get("reason", "done")) == ("turn.finished", "done"), str(events[-1])
    assert await passes(repository)
    assert (changed(repository), {asked.format for asked in vendor.asked}) == ([repository.broken], {FORMATS[model]})
    check_calls(events)


def check_calls(events: list[dict[str, object]]) -> None:
    """Each call has one result; what writes and executes was asked for, and nothing else."""
    of = {kind: [event for event in events if event["type"] == kind] for kind in {str(e["type"]) for e in events}}
    assert [e["call"] for e in of["call.finished"]] == [e["call"] for e in of["tool.finished"]]
    asked = [event["call"] for event in of["approval.wanted"]]
    assert asked == [event["call"] for event in of["tool.started"] if event["effect"] != "read"]
    assert {event["decision"] for event in of["approval.decided"]} == {"allow"}
    assert of["file.changed"]
