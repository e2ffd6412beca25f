"""POST …/tools/{tool}: one call, as a turn of its own."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from msgspec import Struct

from pillion import Deny
from pillion.testing.kit import FunctionTool, PolicyPlugin
from pillion.testing.scripted import Gate, says
from pillion_runtime.preferences import Wait, wait


class Greeting(Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    times: int = 1


async def greet(arguments: Greeting, call: Any) -> str:
    return f"hello {arguments.name} " * arguments.times


GREET = FunctionTool("greet", greet, arguments=Greeting)


class Holding:
    """A tool that waits until the test lets it go."""

    def __init__(self, effect: Any = "write") -> None:
        self.tool = FunctionTool("hold", self.run, effect=effect)
        self.started, self.go = trio.Event(), trio.Event()

    async def run(self, arguments: Any, call: Any) -> str:
        self.started.set()
        await self.go.wait()
        return "held"


class Yes:
    async def decide(self, call: Any) -> Any:
        return Deny("not this one") if call.tool == "never" else None


@pytest.mark.promise("tools.called")
async def test_a_call_is_a_turn_and_no_part_of_the_conversation(open_server: Any) -> None:
    async with open_server(GREET) as server:
        session = await server.session()
        where = f"/api/sessions/{session}"
        answer = await server.client.post(f"{where}/tools/greet", json={"arguments": {"name": "you", "times": "2"}})
        said = answer.json()
        assert (answer.status_code, answer.headers["location"]) == (200, said["events"])
        assert said["result"]["text"] == "hello you hello you "
        async with server.watch(session, said["after"]) as watcher:
            events = await watcher.until("turn.finished")
        assert [event["type"] for event in events] == [
            "prompt.queued", "turn.started", "tool.started", "tool.finished", "turn.finished",
        ]  # fmt: skip
        assert {event["turn"] for event in events[1:]} == {said["turn"]}
        server.provider.script(says("hello"))
        await server.prompt(session, "hi")
        async with server.watch(session, said["after"]) as watcher:
            await watcher.until("message.finished")
        messages = (await server.client.get(f"{where}/messages")).json()["data"]
        assert [message["role"] for message in messages] == ["user", "assistant"]


@pytest.mark.promise("tools.called")
async def test_the_same_policies_judge_it_and_a_failure_is_a_result(open_server: Any) -> None:
    async def broken(arguments: Any, call: Any) -> str:
        raise ZeroDivisionError

    tools = (FunctionTool("never", greet), FunctionTool("broken", broken))
    async with open_server(*tools, plugins={"strict": PolicyPlugin(Yes())}) as server:
        session = await server.session()
        results = {}
        for tool in ("never", "broken"):
            answer = await server.client.post(f"/api/sessions/{session}/tools/{tool}", json={})
            assert answer.status_code == 200
            results[tool] = (answer.json()["result"]["error"], answer.json()["result"]["code"])
        assert results == {"never": (True, "denied"), "broken": (True, "internal")}


@pytest.mark.parametrize(
    ("tool", "body", "status", "field"),
    [
        ("nothing", {}, 404, None),
        ("greet", {}, 422, "arguments.name"),
        ("greet", {"arguments": {"name": "x", "times": "often"}}, 422, "arguments.times"),
        ("greet", {"arguments": {"name": "x", "tmies": 2}}, 422, "arguments.tmies"),
        ("greet", {"arguments": []}, 422, "arguments"),
        ("greet", {"arguments": {"name": "x"}, "when": "steer"}, 422, "when"),
    ],
)
async def test_what_can_not_be_called_is_named(
    open_server: Any, tool: str, body: Any, status: int, field: str | None
) -> None:
    async with open_server(GREET) as server:
        session = await server.session()
        answer = await server.client.post(f"/api/sessions/{session}/tools/{tool}", json=body)
        assert answer.status_code == status
        assert [error["field"] for error in answer.json().get("errors", [])] == ([field] if field else [])
        assert (await server.client.get(f"/api/sessions/{session}")).json()["state"] == "idle"


@pytest.mark.promise("tools.called_one_at_a_time")
async def test_one_thing_at_a_time(open_server: Any) -> None:
    async with open_server(GREET) as server:
        gate = Gate()
        server.provider.script([gate, *says("done")])
        session = await server.session()
        await server.prompt(session)
        where, body = f"/api/sessions/{session}/tools/greet", {"arguments": {"name": "you"}}
        assert (await server.client.post(where, json=body)).status_code == 409
        queued = await server.client.post(where, json=body | {"when": "queue"}, headers={"prefer": "respond-async"})
        assert (queued.status_code, queued.json()["result"]) == (202, None)
        assert queued.headers["preference-applied"] == "respond-async"
        gate.opened.set()
        async with server.watch(session) as watcher:
            events = await watcher.until("tool.finished")
        assert [event["turn"] for event in events if event["type"] == "tool.finished"] == [queued.json()["turn"]]


@pytest.mark.promise("tools.called")
async def test_a_call_that_takes_longer_than_its_request_goes_on(open_server: Any) -> None:
    holding = Holding()
    async with open_server(holding.tool) as server:
        session = await server.session()
        where = f"/api/sessions/{session}"
        answer = await server.client.post(f"{where}/tools/hold", json={}, headers={"prefer": "wait=0"})
        assert (answer.status_code, answer.json()["result"]) == (202, None)
        async with server.watch(session) as watcher:
            wanted = (await watcher.until("approval.wanted"))[-1]
            await server.client.post(f"{where}/approvals/{wanted['approval']}", json={"decision": "allow"})
            await holding.started.wait()
            holding.go.set()
            events = await watcher.until("turn.finished")
        assert [event["text"] for event in events if event["type"] == "tool.finished"] == ["held"]


@pytest.mark.promise("tools.called")
async def test_a_cancelled_call_has_a_result(open_server: Any) -> None:
    holding = Holding("read")
    async with open_server(holding.tool) as server, trio.open_nursery() as nursery:
        session = await server.session()

        async def cancel() -> None:
            await holding.started.wait()
            await server.client.post(f"/api/sessions/{session}/cancel", json={})

        nursery.start_soon(cancel)
        answer = await server.client.post(f"/api/sessions/{session}/tools/hold", json={})
        assert (answer.status_code, answer.json()["result"]["code"]) == (200, "interrupted")
        assert "whether it took effect is unknown" in answer.json()["result"]["text"]


@pytest.mark.parametrize(
    ("prefer", "meant"),
    [
        ("", Wait(30)),
        ("respond-async", Wait(0, "respond-async")),
        ("respond-async, wait=10", Wait(10, "wait=10")),
        ('handling=lenient, Wait="7"; foo=bar', Wait(7, "wait=7")),
        ("wait=1000", Wait(300)),
        ("wait=often", Wait(30)),
    ],
)
def test_what_prefer_says(prefer: str, meant: Wait) -> None:
    assert wait(prefer, 30, 300) == meant
