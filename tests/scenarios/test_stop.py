"""Stop stops: promise 2, through HTTP on a real server process."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path

import pytest
import trio

from pillion_runtime.testing import Asked, Reply, Silence, call, replies

from .serverprocess import BOUND, KEY, ServerProcess, riding

HARMLESS = """
[plugins.approvals]
execute = "allow"
"""


def running(number: str) -> list[str]:
    """The commands of all processes of this machine that name the number."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = file.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue
        if number in command:
            found.append(command)
    return found


async def stopped(
    server: ServerProcess, session: str, begun: str, look: Callable[[], object] = lambda: True
) -> list[str]:
    """Prompts, cancels once an event of type `begun` is there and `look` sees it at work; the types of all events."""
    async with server.watch(session, await server.prompt(session, "go")) as watch:
        await watch.until(begun)
        assert look()
        asked = trio.current_time()
        await server.cancel(session)
        types = [event["type"] for event in await watch.until("turn.stopping")]
        stopping = trio.current_time() - asked
        types += [event["type"] for event in await watch.until("turn.cancelled", "turn.finished", "turn.failed")]
        ended = trio.current_time() - asked
    print(f"turn.stopping {stopping * 1000:.0f} ms, {types[-1]} {ended * 1000:.0f} ms after the request to cancel")
    return types


@pytest.mark.promise("cancel.reaches_everything")
@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="needs /proc")
@pytest.mark.parametrize(
    "command",
    [
        "sleep {0} & setsid sleep {0} & nohup sleep {0} & (setsid nohup sleep {0} &) ; echo started; wait",
        "trap '' TERM HUP INT; setsid sleep {0} & sleep {0} & sleep {0} & echo started; while :; do sleep {0}; done",
    ],
    ids=["in the background", "deaf to signals"],
)
async def test_a_cancelled_command_leaves_no_process(tmp_path: Path, command: str) -> None:
    number = f"1000.{secrets.randbelow(10**9):09}"
    program = replies(Reply(calls=(call("run_command", command=command.format(number)),)))
    async with riding(tmp_path, program, HARMLESS) as (_, server):
        session = await server.session(tmp_path, strategy="agent")
        types = await stopped(server, session, "tool.output", lambda: len(running(number)) > 3)
        assert (types[-1], running(number)) == ("turn.cancelled", [])
        assert "tool.interrupted" in types


@pytest.mark.promise("models.closed_stream")
async def test_the_vendor_sees_the_stream_closed(tmp_path: Path) -> None:
    program = replies(Reply(text=("Thinking ", "for ", "ever"), fault=Silence(3)))
    async with riding(tmp_path, program, **KEY) as (vendor, server):
        for number, model in enumerate(("chat/scripted", "responses/scripted", "anthropic/scripted"), 1):
            types = await stopped(server, await server.session(tmp_path, model=model), "text.delta")
            with trio.fail_after(BOUND):
                await vendor.until(lambda vendor: vendor.left_early == len(vendor.asked) and not vendor.open_streams)
            ending = ["text.interrupted", "usage.recorded", "turn.cancelled"]
            assert (types[-3:], len(vendor.asked)) == (ending, number)


@pytest.mark.promise("cancel.next_prompt")
async def test_the_next_prompt_runs_after_a_stop(tmp_path: Path) -> None:
    def program(asked: Asked) -> Reply:
        return Reply(text="Never mind.") if asked.number > 1 else Reply(text=("Well ", "…"), fault=Silence(2))

    async with riding(tmp_path, program) as (_, server):
        session = await server.session(tmp_path)
        await stopped(server, session, "text.delta")
        events = await server.ride(session, "again")
    assert [event["text"] for event in events if event["type"] == "text.finished"] == ["Never mind."]
