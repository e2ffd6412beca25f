"""A server with every hostile plugin at once: it starts, sessions go on, and health names each by what it did."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from pillion_runtime.testing.echo import Echo

from ..scenarios.serverprocess import ServerProcess, riding

HERE = Path(__file__).parent
HELD = "Its code keeps all sessions waiting, without a checkpoint, in "
FAULTS = {
    "HangsInConstructor": ("quarantined", "It failed to load with HeldUp"),
    "BlocksAsObserver": ("on", "Its observer failed with HeldUp"),
    "HangsInHook": ("quarantined", "Its hook register_contexts did not return: It held up all sessions"),
    "BlocksAsStrategy": ("on", HELD),
    "BlocksInTool": ("on", HELD),
    "SpinsInTool": ("on", HELD),
    "SwallowsCancellation": ("on", "It did not let go of a turn within 1 s; the turn is cut off."),
    "LeaksTask": ("on", ""),
    "RaisesInTool": ("on", ""),
    "HangsInTool": ("on", ""),
    "ReturnsNonsense": ("on", ""),
}
"""State and reason after the session that met it. The last four only fail their own calls."""
CODES = {
    "RaisesInTool": "internal",
    "HangsInTool": "tool",
    "ReturnsNonsense": "internal",
    "BlocksInTool": "held_up",
    "SpinsInTool": "held_up",
    "LeaksTask": "",
}
SETTINGS = "[deadlines]\ntool = 1\nblocking = 1.4\nstopping = 1\n" + "".join(
    f'[plugins.{name.lower()}]\nuse = "{HERE}/hostile.py:{name}"\n' for name in FAULTS
)


async def works(server: ServerProcess, folder: Path) -> None:
    """Another session does what it did before."""
    events = await server.ride(await server.session(folder), "stream 20 chunks")
    assert (events[-1]["type"], events[-1].get("reason", "done")) == ("turn.finished", "done"), events[-1]


@pytest.mark.promise("plugins.hostile")
async def test_sessions_go_on_and_health_names_who_misbehaves(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    async with riding(tmp_path, Echo(), SETTINGS) as (_, server):
        session = await server.session(tmp_path / "work")
        for tool, code in CODES.items():
            events = await server.ride(session, f"call {tool} {{}}")
            (result,) = [event for event in events if event["type"] == "tool.finished"]
            assert (result.get("code", ""), events[-1]["type"]) == (code, "turn.finished"), result
            await works(server, tmp_path / "work")
        assert await ended_as(server, session, "go", strategy="blocks") == "turn.failed"
        assert await cancelled(server, session) == "turn.cancelled"
        await works(server, tmp_path / "work")
        health = await server.client.call("GET", "/api/health")
    told = {plugin["name"]: (plugin["state"], plugin.get("reason", "")) for plugin in health["plugins"]}
    for name, (state, reason) in FAULTS.items():
        assert told[name.lower()][0] == state, told[name.lower()]
        assert reason in told[name.lower()][1] and bool(reason) == bool(told[name.lower()][1]), told[name.lower()]
    assert health["status"] == "degraded"
    assert not {name: said for name, said in told.items() if said[1] and name not in map(str.lower, FAULTS)}


async def ended_as(server: ServerProcess, session: str, text: str, **fields: Any) -> str:
    return str((await server.ride(session, text, **fields))[-1]["type"])


async def cancelled(server: ServerProcess, session: str) -> str:
    """How a turn ends that is cancelled while a tool of it swallows that."""
    after = await server.prompt(session, "call SwallowsCancellation {}")
    async with server.watch(session, after) as watch:
        await watch.until("tool.started")
        await server.cancel(session)
        return str((await watch.until("turn.cancelled", "turn.finished"))[-1]["type"])


@pytest.mark.promise("plugins.blocker_named")
async def test_who_blocks_the_loop_is_named_with_its_stack_while_it_does(tmp_path: Path) -> None:
    """The log names it before the interruption, which is set to come much later."""
    settings = f'[deadlines]\nblocking = 2.6\n[plugins.blocker]\nuse = "{HERE}/hostile.py:BlocksInTool"\n'
    async with riding(tmp_path, Echo(), settings) as (_, server):
        events = await server.ride(await server.session(tmp_path), "call BlocksInTool {}")
        lines = [line for line in server.log() if "blocker" in str(line) or "BlocksInTool" in str(line)]
    named, stack, interrupted = lines[:3]
    assert HELD in named["event"] and "misbehave" in named["event"]
    assert "time.sleep(3600)" in stack["event"]
    assert "is interrupted where it stands" in interrupted["event"], "named first, interrupted later"
    started = datetime.fromisoformat(next(event["time"] for event in events if event["type"] == "tool.started"))
    print("named after", datetime.fromisoformat(named["time"]) - started)
