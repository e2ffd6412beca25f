"""POST /api/models/{provider}/{model}/complete: a model without a session."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest
import trio

from pillion import ProviderBusy, ProviderRefused, hookimpl
from pillion.contracts.provider import Finish, Restart, UsageSeen, Waiting
from pillion.testing.kit import FunctionTool
from pillion.testing.scripted import Gate, Raise, says
from pillion.values import Image, Text, Thinking, Usage

WHERE = "/api/models/scripted/one/complete"
HI = {"messages": [{"role": "user", "text": "hi"}]}
SSE = {"accept": "text/event-stream"}
USED = UsageSeen(Usage(input=7, output=3))


async def recorded(server: Any, times: int) -> list[Any]:
    """What the log of calls without a session holds of usage; waits for so many."""
    listed = (await server.client.get("/api/sessions", params={"parent": "completions"})).json()["data"]
    assert len(listed) == 1
    async with server.watch(listed[0]["id"]) as watcher:
        found: list[Any] = []
        while len(found) < times:
            found += [event for event in await watcher.until("usage.recorded") if event["type"] == "usage.recorded"]
    return found


@pytest.mark.promise("models.complete")
async def test_it_answers_whole_and_what_it_used_is_recorded(server: Any) -> None:
    server.provider.script([Thinking("hm"), Text("Hel"), Text("lo"), USED, Finish("stop")])
    earlier = {"role": "user", "text": "before", "images": [{"media_type": "image/png", "data": "iVBORw=="}]}
    body = {"messages": [earlier, *HI["messages"]], "system": "Be short.", "max_output": 9, "temperature": 0.5}
    answer = await server.client.post(WHERE, json=body)
    assert answer.status_code == 200
    said = answer.json()
    usage = said.pop("usage")
    assert (usage["input"], usage["output"]) == (7, 3)
    assert said == {"model": "scripted/one", "text": "Hello", "thinking": "hm", "finish": "stop"}
    (asked,) = server.provider.requests
    assert (asked.system, asked.max_output, asked.temperature) == ("Be short.", 9, 0.5)
    assert [message.text for message in asked.messages] == ["before", "hi"]
    assert asked.messages[0].parts[0] == Image("image/png", b"\x89PNG")
    (event,) = await recorded(server, 1)
    assert (event["model"], event["usage"], event["role"]) == ("scripted/one", usage, "completion")
    assert (await server.client.get("/api/sessions")).json()["data"] == []


@pytest.mark.promise("models.complete")
async def test_it_streams_and_a_retry_takes_back_what_was_said(server: Any) -> None:
    server.provider.script(
        [Text("He"), Waiting(1.5, "busy"), Restart("cut", "scripted/two"), Text("Hi"), USED, Finish("length")]
    )
    async with server.client.stream("POST", WHERE, json=HI, headers=SSE) as response:
        assert (response.status_code, response.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
        events = await streamed(response)
    assert [event["type"] for event in events] == [
        "text.delta", "model.waiting", "answer.voided", "text.delta", "answer.finished",
    ]  # fmt: skip
    assert (events[1]["seconds"], events[2]["why"], events[3]["text"]) == (1.5, "cut", "Hi")
    assert (events[4]["text"], events[4]["model"], events[4]["finish"]) == ("Hi", "scripted/two", "length")
    assert (await recorded(server, 1))[0]["model"] == "scripted/two"


async def streamed(response: httpx2.Response) -> list[Any]:
    """The stream's events, each with the type that its line names."""
    found: list[Any] = []
    with trio.fail_after(20):
        async for line in response.aiter_lines():
            if line.startswith("event: "):
                name = line[7:]
            elif line.startswith("data: "):
                found.append(httpx2.Response(200, text=line[6:]).json() | {"type": name})
    return found


@pytest.mark.parametrize("headers", [{}, SSE])
@pytest.mark.parametrize(
    ("error", "status", "code", "retry"),
    [
        (ProviderBusy("Slow down.", retry_after=7), 503, "provider_busy", "7"),
        (ProviderRefused("Your key is wrong."), 502, "provider_refused", None),
    ],
)
async def test_what_a_provider_refuses_is_a_problem_by_its_status(
    server: Any, headers: Any, error: Exception, status: int, code: str, retry: str | None
) -> None:
    server.provider.script([Raise(error)])
    answer = await server.client.post(WHERE, json=HI, headers=headers)
    assert (answer.status_code, answer.json()["code"], answer.headers.get("retry-after")) == (status, code, retry)


async def test_what_breaks_amid_a_stream_is_its_last_event(server: Any) -> None:
    server.provider.script([Text("He"), Raise(ProviderRefused("No more."))], [Text("He"), Raise(ValueError("my key"))])
    for code in ("provider_refused", "provider"):
        async with server.client.stream("POST", WHERE, json=HI, headers=SSE) as response:
            events = await streamed(response)
        assert [event["type"] for event in events] == ["text.delta", "problem"]
        assert (events[1]["code"], events[1]["instance"]) == (code, WHERE)
        assert "my key" not in str(events)


@pytest.mark.parametrize(
    ("where", "body", "status", "field"),
    [
        ("/api/models/nobody/one/complete", HI, 404, None),
        (WHERE, {}, 422, "messages"),
        (WHERE, {"messages": []}, 422, "messages"),
        (WHERE, {"messages": [{"role": "user"}]}, 422, "messages[0]"),
        (WHERE, HI | {"max_output": 0}, 422, "max_output"),
        (WHERE, HI | {"mdoel": "x"}, 422, "mdoel"),
        (WHERE, HI | {"schema": {"type": "object", "pattern": "x"}}, 422, "schema.pattern"),
    ],
)
async def test_what_can_not_be_asked_is_named(server: Any, where: str, body: Any, status: int, field: Any) -> None:
    answer = await server.client.post(where, json=body)
    assert answer.status_code == status
    assert [error["field"] for error in answer.json().get("errors", [])] == ([field] if field else [])


async def test_a_models_name_may_hold_slashes(server: Any) -> None:
    server.provider.script(says("hello"))
    answer = await server.client.post("/api/models/scripted/org/new-model/complete", json=HI)
    assert (answer.status_code, answer.json()["model"]) == (200, "scripted/org/new-model")


@pytest.mark.parametrize("headers", [{}, SSE])
async def test_with_a_schema_the_answer_is_a_value(server: Any, headers: Any) -> None:
    server.provider.script(says('{"a": 1}'), says('{"a": "one"}'))
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}}
    body = HI | {"schema": schema}
    if not headers:
        assert (await server.client.post(WHERE, json=body)).json()["value"] == {"a": 1}
        wrong = await server.client.post(WHERE, json=body)
        assert (wrong.status_code, wrong.json()["code"]) == (502, "bad_answer")
        return
    for last in ("answer.finished", "problem"):
        async with server.client.stream("POST", WHERE, json=body, headers=headers) as response:
            events = await streamed(response)
        assert events[-1]["type"] == last
    assert events[-1]["code"] == "bad_answer"
    assert server.provider.requests[0].schema == schema
    assert '"integer"' in server.provider.requests[0].system  # for those that can't be held to it


@pytest.mark.promise("models.complete_ends")
@pytest.mark.parametrize("headers", [{}, SSE])
@pytest.mark.parametrize("spoken", [False, True])
async def test_the_call_ends_when_the_client_leaves(server: Any, headers: Any, spoken: bool) -> None:
    gate = Gate()
    server.provider.script([*([USED, Text("He")] if spoken else []), gate, *says("never")])
    async with trio.open_nursery() as nursery:
        nursery.start_soon(lambda: server.client.post(WHERE, json=HI, headers=headers))
        await gate.reached.wait()
        nursery.cancel_scope.cancel()
    with trio.fail_after(20):
        while server.provider.running:  # noqa: ASYNC110 - the server's side of the connection
            await trio.sleep(0.01)
    if spoken:
        assert (await recorded(server, 1))[0]["usage"]["input"] == 7


@pytest.mark.promise("models.complete_ends")
@pytest.mark.parametrize("headers", [{}, SSE])
async def test_a_server_that_stops_says_so(open_server: Any, headers: Any) -> None:
    async with open_server() as server:
        gate = Gate()
        server.provider.script([gate, *says("never")])
        answers: list[Any] = []
        await server.session()

        async def ask() -> None:
            answers.append(await server.client.post(WHERE, json=HI, headers=headers))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask)
            await gate.reached.wait()
            server.stop.ask()
        assert (answers[0].status_code, answers[0].json()["code"]) == (503, "stopping")


async def test_too_many_at_once_are_told_to_come_back(server: Any) -> None:
    gates = [Gate() for _ in range(16)]
    server.provider.script(*([gate, *says("done")] for gate in gates))
    async with trio.open_nursery() as nursery:
        for _ in gates:
            nursery.start_soon(lambda: server.client.post(WHERE, json=HI))
        for gate in gates:
            await gate.reached.wait()
        refused = await server.client.post(WHERE, json=HI)
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "5")
        for gate in gates:
            gate.opened.set()
    assert len(await recorded(server, 16)) == 16


async def test_limits_of_the_settings_count(open_server: Any) -> None:
    async with open_server(limits__tokens=50, limits__seconds=0.2) as server:
        server.provider.script(says("short"), [Gate()])
        assert (await server.client.post(WHERE, json=HI)).status_code == 200
        assert server.provider.requests[0].max_output == 50
        late = await server.client.post(WHERE, json=HI)
        assert (late.status_code, late.json()["code"]) == (502, "provider_down")
        assert "0.2 s" in late.json()["detail"]


class Wrapping:
    """A plugin whose wrapper says the answer in capitals."""

    @hookimpl
    def wrap_provider(self, provider: Any) -> Any:
        return Loud(provider)


class Loud:
    def __init__(self, inner: Any) -> None:
        self._inner, self.name = inner, inner.name

    def models(self) -> Any:
        return self._inner.models()

    def stream(self, request: Any) -> Any:
        return LoudStream(self._inner.stream(request))


class LoudStream:
    def __init__(self, inner: Any) -> None:
        self._inner = inner

    async def __aenter__(self) -> Any:
        self._chunks = await self._inner.__aenter__()
        return self

    async def __aexit__(self, *exc: Any) -> Any:
        return await self._inner.__aexit__(*exc)

    def __aiter__(self) -> Any:
        return self

    async def __anext__(self) -> Any:
        chunk = await self._chunks.__anext__()
        return Text(chunk.text.upper()) if isinstance(chunk, Text) else chunk


async def test_wrappers_of_providers_apply(open_server: Any) -> None:
    async with open_server(plugins={"loud": Wrapping()}) as server:
        server.provider.script(says("hello"))
        assert (await server.client.post(WHERE, json=HI)).json()["text"] == "HELLO"


async def test_a_secret_that_a_model_says_is_masked(open_server: Any) -> None:
    async with open_server(FunctionTool("x", None)) as server:
        server.settings.secrets.register("sk-canary-0123456789")
        server.provider.script(*([[Text("a sk-canary-"), Text("0123456789 b"), USED, Finish("stop")]] * 2))
        whole = await server.client.post(WHERE, json=HI)
        async with server.client.stream("POST", WHERE, json=HI, headers=SSE) as response:
            pieces = await streamed(response)
        texts = [event["text"] for event in pieces if event["type"] == "text.delta"]
        assert "".join(texts) == whole.json()["text"]
        assert "canary" not in whole.text
