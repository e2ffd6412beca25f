"""GET …/outputs/{call}: a result that was too long for the model, whole."""

from __future__ import annotations

from typing import Any

from pillion.testing.kit import FunctionTool
from pillion.testing.scripted import calls, says

LONG = "größer 你好\n" * 10_000


async def speak(arguments: Any, call: Any) -> str:
    return LONG if arguments.text else "short"


async def test_the_whole_of_a_long_result_can_be_had(open_server: Any) -> None:
    async with open_server(FunctionTool("speak", speak)) as server:
        server.provider.script(calls(("speak", '{"text": "long"}'), ("speak", "{}")), says("ok"))
        session = await server.session()
        await server.prompt(session)
        async with server.watch(session) as watcher:
            told = [event for event in await watcher.until("turn.finished") if event["type"] == "tool.finished"]
        long, short = sorted(told, key=lambda event: event["call"])
        assert long["whole"]["characters"] == len(LONG) and "left out here" in long["text"]
        assert (short["text"], short.get("whole")) == ("short", None)
        answer = await server.client.get(f"/api/sessions/{session}/outputs/{long['call']}")
        assert (answer.status_code, answer.headers["content-type"]) == (200, "text/plain; charset=utf-8")
        assert answer.text == LONG
        for call in (short["call"], "none"):
            refused = await server.client.get(f"/api/sessions/{session}/outputs/{call}")
            assert (refused.status_code, refused.json()["code"]) == (404, "not_found")


async def test_a_single_call_says_where_the_whole_is(open_server: Any) -> None:
    async with open_server(FunctionTool("speak", speak)) as server:
        session = await server.session()
        answer = await server.client.post(f"/api/sessions/{session}/tools/speak", json={"arguments": {"text": "long"}})
        said = answer.json()["result"]
        whole = await server.client.get(f"/api/sessions/{session}/outputs/{said['call']}")
        assert said["whole"]["characters"] == len(LONG) and whole.text == LONG
