"""A hundred sessions at once: each log line says whose it is, and no line says another's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import trio

from pillion_runtime.testing import Asked, Reply, call

from .serverprocess import ServerProcess, riding

SESSIONS = 100
STEPS = 2
NOTES = '''
import logging
import threading

import trio
from msgspec import Struct

from pillion import hookimpl

log = logging.getLogger("notes")


class Arguments(Struct, frozen=True):
    step: int


class Note:
    description = "Says in the log who it thinks it is."
    effect = "read"
    Arguments = Arguments

    def __init__(self, name):
        self.name = name

    async def run(self, arguments, call):
        whose = f"{call.session} {call.turn} {arguments.step} {self.name}"
        log.info("task %s", whose)
        await trio.to_thread.run_sync(log.info, "thread %s", whose)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.inner, whose)
            nursery.start_soon(trio.to_thread.run_sync, self.back, whose)
        log.warning("again %s", whose)
        return "noted"

    async def inner(self, whose):
        await trio.sleep(0.001)
        log.info("inner %s", whose)

    def back(self, whose):
        trio.from_thread.run_sync(log.info, "back %s", whose)


class Plugin:
    """Two tools that write log lines."""

    @hookimpl
    def register_tools(self):
        return [Note("left"), Note("right")]
'''
SETTINGS = """
[plugins.notes]
use = "./notes.py:Plugin"
"""
PLACES = ("task", "thread", "inner", "back", "again")


def program(asked: Asked) -> Reply:
    """Both tools side by side, for so many steps."""
    step = len(asked.calls) // 2 + 1
    if step > STEPS:
        return Reply(text="Done.")
    return Reply(calls=(call("left", step=step), call("right", step=step)))


async def one(server: ServerProcess, workspace: Path, turns: set[tuple[str, str]]) -> None:
    session = await server.session(workspace)
    events = await server.ride(session, "go")
    assert events[-1]["type"] == "turn.finished", events[-1]
    turns.add((session, events[-1]["turn"]))


def whose(line: dict[str, Any]) -> tuple[str, ...]:
    return tuple(line.get(tag, "") for tag in ("session", "turn", "step", "tool"))


@pytest.mark.promise("logs.own_ids")
async def test_no_line_carries_another_sessions_ids(tmp_path: Path) -> None:
    (tmp_path / "notes.py").write_text(NOTES)
    turns: set[tuple[str, str]] = set()
    async with riding(tmp_path, program, SETTINGS) as (_, server), trio.open_nursery() as nursery:
        for _ in range(SESSIONS):
            nursery.start_soon(one, server, tmp_path, turns)
    lines = server.log()  # all of it: the server has ended
    notes = [(tuple(line["event"].split()), whose(line)) for line in lines if line["logger"] == "notes"]
    assert [said for said, ids in notes if said[1:] != ids] == []
    tools = [(step, tool) for step in ("1", "2") for tool in ("left", "right")]
    wanted = {(place, *turn, *tool) for place in PLACES for turn in turns for tool in tools}
    assert {said for said, _ in notes} == wanted
    assert len(notes) == len(wanted) == SESSIONS * STEPS * 2 * len(PLACES)
    sessions = [session for session, *_ in map(whose, lines)]
    assert sessions != sorted(sessions), "they did not run interleaved"
    requests = [line for line in lines if line["event"] == "request" and line["path"].startswith("/api/sessions")]
    assert len({line["request"] for line in requests}) == len(requests) == 3 * SESSIONS
    assert all(line.get("session", "") in line["path"] for line in requests)
