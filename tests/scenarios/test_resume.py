"""A server is killed while an agent works: after the next start the work goes on, and nothing is done twice."""

from __future__ import annotations

from pathlib import Path

import pytest
import trio

from pillion_runtime.cli.client import ServerSaid
from pillion_runtime.testing import Asked, Reply, call, vendor_server

from .serverprocess import MODELS, server_process
from .watchers import Reader

STORAGE = (
    MODELS.replace("[defaults]\n", '[defaults]\nstore = "storage"\n')
    + """
[plugins.approvals]
execute = "allow"
write = "allow" # what the commands write
"""
)
COMMANDS = ("echo one >> done.txt", "echo two >> done.txt; echo begun; sleep 100", "echo three >> done.txt")


def works(asked: Asked) -> Reply:
    """A command a step, then the last words."""
    if asked.number <= len(COMMANDS):
        return Reply(text=f"Step {asked.number}.", calls=(call("run_command", command=COMMANDS[asked.number - 1]),))
    return Reply(text=("All ", "is ", "done."))


@pytest.mark.promise("sessions.resume")
@pytest.mark.promise("storage.kill")
async def test_an_agent_that_was_killed_in_its_second_step_goes_on(tmp_path: Path) -> None:
    async with vendor_server(works) as vendor:
        settings = STORAGE.format(url=vendor.url)
        async with server_process(tmp_path, settings) as server:
            session = await server.session(tmp_path, strategy="agent")
            reader = Reader(server, session)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_read_to_the_cut, reader)
                after = await server.prompt(session, "do all three")
                waiting = await server.client.call("POST", f"/api/sessions/{session}/prompts", {"text": "and now?"})
                async with server.watch(session, after) as watch:
                    await watch.until("tool.output")
                await server.kill()
        async with server_process(tmp_path, settings) as server:
            shown = await server.client.call("GET", f"/api/sessions/{session}")
            assert (shown["last_turn"]["ended"], shown["last_turn"]["resumable"]) == ("interrupted", True)
            posted = await server.client.call("POST", f"/api/sessions/{session}/resume")
            with pytest.raises(ServerSaid, match="A turn is running"):
                await server.client.call("POST", f"/api/sessions/{session}/resume")
            async with server.watch(session) as watch:
                log = await watch.until("turn.finished")
                log += await watch.until("turn.finished")  # what waited
            await server.client.call("PATCH", f"/api/sessions/{session}", {"title": "the end"})
            reader.server = server
            await reader.read(until="session.changed")
            messages = await server.client.call("GET", f"/api/sessions/{session}/messages")
    assert _done(tmp_path) == ["one", "two", "three"]
    begun = [event["prompt"] for event in log if event["type"] == "turn.started"]
    assert begun[1:] == [posted["turn"], waiting["turn"]]
    (result,) = [event["text"] for event in log if event["type"] == "tool.interrupted"]
    assert "whether it took effect is unknown" in result
    assert reader.whole == list(range(1, len(reader.whole) + 1))
    texts = {event["item"]: event["text"] for event in log if event["type"] in ("text.finished", "text.interrupted")}
    assert {item: reader.closed[item] for item in texts} == texts
    assert [text for text in texts.values() if text == "All is done."] and "All is done." in str(messages)


async def _read_to_the_cut(reader: Reader) -> None:
    """Until the server is gone, in the middle of anything."""
    with pytest.raises((AssertionError, trio.BrokenResourceError), match=r"the server ended|closed|reset|^$"):
        await reader.read(until="never")
    reader.cut()


def _done(folder: Path) -> list[str]:
    file = folder / "done.txt"
    return file.read_text().split() if file.exists() else []
