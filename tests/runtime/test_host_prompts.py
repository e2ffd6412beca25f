"""Prompts over HTTP: joined, listed, withdrawn."""

from __future__ import annotations

from typing import Any

import pytest

from pillion import Text
from pillion.testing.scripted import Gate, says


@pytest.mark.promise("prompts.steer", "prompts.withdrawn")
async def test_prompts_that_wait_are_listed_and_withdrawn(server: Any) -> None:
    gate = Gate()
    server.provider.script([Text("Hm"), gate, *says(" so.")], says("As you like."))
    session = await server.session()
    prompts = f"/api/sessions/{session}/prompts"
    running = (await server.prompt(session)).json()
    assert running["prompt"] == running["turn"]
    await gate.reached.wait()
    later = (await server.prompt(session, "later", strategy="loop")).json()
    steer = (await server.prompt(session, "with tabs", when="steer")).json()
    assert (steer["turn"], later["turn"]) == (running["turn"], later["prompt"])
    waiting = (await server.client.get(prompts)).json()["data"]
    assert [(row["prompt"], row["when"], row["text"], row["turn"]) for row in waiting] == [
        (steer["prompt"], "steer", "with tabs", running["turn"]),
        (later["prompt"], "queue", "later", None),
    ]
    assert (waiting[1]["strategy"], waiting[1]["images"], waiting[1]["time"][-1]) == ("loop", 0, "Z")
    assert (await server.client.delete(f"{prompts}/{later['prompt']}")).status_code == 204
    assert (await server.client.delete(f"{prompts}/{later['prompt']}")).status_code == 410
    assert (await server.client.delete(f"{prompts}/{running['prompt']}")).status_code == 409
    unknown = await server.client.delete(f"{prompts}/{'0' * 32}")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "not_found")
    gate.opened.set()
    async with server.watch(session, running["after"]) as watcher:
        events = await watcher.until("turn.finished")
    assert [event["prompt"] for event in events if event["type"] == "prompt.joined"] == [steer["prompt"]]
    assert [event["why"] for event in events if event["type"] == "prompt.dropped"] == ["withdrawn"]
    assert (await server.client.get(prompts)).json() == {"data": []}


async def test_what_the_person_has_before_them_comes_with_the_prompt(server: Any) -> None:
    server.provider.script(says("Because."))
    session = await server.session()
    code, log = {"path": "a.py", "first": 2, "last": 3, "text": "x = 1"}, {"title": "The log", "text": "exit 1"}
    given = {"open_files": ["a.py", "b.py"], "selected_code": [code], "context": [log, {"title": "src/"}]}
    posted = (await server.prompt(session, "why?", **given)).json()
    async with server.watch(session, posted["after"]) as watcher:
        events = await watcher.until("turn.finished", "turn.failed")
    assert {key: events[0][key] for key in ("text", *given)} == {"text": "why?", **given}
    (asked,) = server.provider.requests[0].messages
    assert "Lines 2 to 3 of `a.py`" in str(asked) and "exit 1" in str(asked)
    refused = await server.prompt(session, "why?", selected_code=[{"path": "a.py", "first": -1}])
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "selected_code[0].first")


@pytest.mark.promise("prompts.schema")
async def test_the_answer_comes_as_json_that_fits(server: Any) -> None:
    schema = {"type": "object", "properties": {"size": {"type": "integer"}}, "required": ["size"]}
    server.provider.script(says("Done."), says('{"size": 3}'))
    session = await server.session()
    posted = (await server.prompt(session, "how large?", schema=schema)).json()
    async with server.watch(session, posted["after"]) as watcher:
        events = await watcher.until("turn.finished", "turn.failed")
    assert events[-1]["answer"] == {"size": 3}
    assert events[0]["schema"] == schema


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"schema": {"type": "object", "properties": {"a": {"pattern": "x"}}}}, "schema.properties.a.pattern"),
        ({"schema": {"type": "string"}}, "schema.type"),
        ({"schema": {"type": "object"}, "when": "steer"}, "schema"),
        ({"schema": []}, "schema"),
    ],
)
async def test_a_schema_that_can_not_be_checked_is_refused(server: Any, body: dict[str, Any], field: str) -> None:
    refused = await server.prompt(await server.session(), "how large?", **body)
    assert refused.status_code == 422
    assert [error["field"] for error in refused.json()["errors"]] == [field]
