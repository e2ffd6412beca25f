"""What becomes of a run: errors, cancel, an editor that goes away, undo and checkpoints."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import trio

from pillion_runtime.testing import Reply, Silence, Status, replies

from ...canaries import files_with_one
from ...scenarios.serverprocess import BOUND
from .shared import Home
from .sidecar import KEY, Sidecar, models, sidecar

CANCELLED = {"ExchangeEvent": {"ExecutionState": "Cancelled"}}


def error(message: str) -> list[dict[str, Any]]:
    return [{"Error": {"message": message}}]


async def test_errors_are_told_in_the_words_that_the_editor_knows(home: Home) -> None:
    program = replies(Reply(fault=Status(401)), Reply(fault=Status(400, message="no such thing")), Reply("better"))
    async with home.sidecar(program) as aide:
        refused = await aide.post("agent_session_chat", aide.message("1", "e1"))
        assert refused.told == error("Unauthorized access. Please check your API key and try again.")
        wrong = await aide.post("agent_tool_use", aide.message("2", "e2"))
        assert str(wrong.told[-1]).startswith("{'Error': {'message': 'Internal server error: ")
        gone = models({"CodeStory": {"llm_type": None}}, {"CodeStory": {"access_token": "t"}})
        cloud = await aide.post("agent_session_chat", aide.message("3", "e3", model_configuration=gone))
        assert "its cloud is gone" in cloud.told[0]["Error"]["message"] and len(cloud.chunks) == 3
        assert "better" in str((await aide.post("agent_session_chat", aide.message("4", "e4"))).told)


async def test_a_key_serves_its_request_alone_and_is_kept_nowhere(tmp_path: Path) -> None:
    named = {"OpenAI": ("Gpt4O", "gpt-4o"), "Anthropic": ("ClaudeSonnet", "claude-3-5-sonnet-20241022")}
    async with sidecar(tmp_path, replies(Reply("hi"), Reply("hi"))) as aide:
        for number, (vendor, (name, model)) in enumerate(named.items(), 1):
            aide.session = vendor
            config = models(vendor, {vendor: {"api_key": KEY}}, name)
            answer = await aide.post("agent_session_chat", aide.message("x", model_configuration=config))
            assert "hi" in str(answer.told) and aide.vendor.asked[-1].model == model
            ride = await aide.server.ride(await aide.own(), "again", model=f"aide/{vendor}/{model}")
            assert ride[-1]["type"] == "turn.failed" and ride[-1]["code"] == "provider_refused"
            assert len(aide.vendor.asked) == number
    assert list(files_with_one(tmp_path)) == []


@pytest.mark.parametrize("vendor", ["OpenAI", "Anthropic"])
async def test_the_next_key_uses_the_connection_and_nothing_else_of_the_last_one(home: Home, vendor: str) -> None:
    program = replies(Reply("one", headers=(("set-cookie", "who=first; Path=/"),)), Reply("two"))
    async with home.sidecar(program) as aide:
        for number, key in enumerate(("key-of-the-first", "key-of-the-second")):
            config = models(vendor, {vendor: {"api_key": key}})
            said = aide.message("hi", f"e{number}", f"{vendor}-{number}", model_configuration=config)
            assert ("one", "two")[number] in str((await aide.post("agent_session_chat", said)).told)
        first, second = aide.vendor.asked
        assert first.headers["authorization"] == "Bearer key-of-the-first"
        assert second.headers["authorization"] == "Bearer key-of-the-second"
        assert aide.vendor.connections == 1 and "cookie" not in second.headers


async def test_cancel_stops_the_model_at_once_and_tells_it(home: Home) -> None:
    async with home.sidecar(replies(Reply(("a", "b"), fault=Silence(1)), Reply("next"))) as aide:
        async with aide.open("POST", "/api/agentic/agent_session_chat", aide.message("go")) as opened:
            assert await opened.event() == {"session_id": aide.session, "started": True}
            assert "ChatEvent" in str(await opened.event())
            body = {"session_id": aide.session, "exchange_id": "asked-1", "editor_url": aide.editor.url}
            cancelled = await aide.post("cancel_running_event", body | {"access_token": ""})
            assert cancelled.told == [CANCELLED]
            assert (await opened.event())["event"] == CANCELLED
            assert "[CODESTORY_DONE]" in str(await opened.event())
        with trio.fail_after(BOUND):
            await aide.vendor.until(lambda vendor: vendor.open_streams == 0)
        assert (await aide.post("cancel_running_event", body)).told == []  # nothing runs any more
        assert "next" in str((await aide.post("agent_session_chat", aide.message("on", "asked-2"))).told)


async def gone(aide: Sidecar) -> None:
    """An editor that asks, and goes away in mid-answer."""
    async with aide.open("POST", "/api/agentic/agent_session_chat", aide.message("go")) as opened:
        while "ChatEvent" not in str(await opened.event()):
            pass


async def test_an_editor_that_goes_away_leaves_its_run_going(home: Home) -> None:
    async with home.sidecar(replies(Reply(("a", "b"), fault=Silence(1)))) as aide:
        await gone(aide)
        with trio.move_on_after(1):
            await aide.vendor.until(lambda vendor: vendor.open_streams == 0)
        assert aide.vendor.open_streams == 1
        await aide.server.cancel(await aide.own())


async def test_a_setting_ends_the_run_of_an_editor_that_goes_away(tmp_path: Path) -> None:
    program = replies(Reply(("a", "b"), fault=Silence(1)))
    async with sidecar(tmp_path, program, "cancel_on_disconnect = true") as aide:
        await gone(aide)
        with trio.fail_after(BOUND):
            await aide.vendor.until(lambda vendor: vendor.open_streams == 0)


async def test_undo_and_checkpoints_move_the_conversation(home: Home) -> None:
    async with home.sidecar(replies(*(Reply(f"answer {n}") for n in range(1, 9)))) as aide:

        async def say(n: int) -> str:
            answer = await aide.post("agent_session_chat", aide.message(f"message {n}", f"asked-{n}"))
            assert f"answer {len(aide.vendor.asked)}" in str(answer.told)
            return str(aide.vendor.asked[-1].body)

        async def move(route: str, exchange: str) -> None:
            answer = await aide.post(route, {"session_id": aide.session, "exchange_id": exchange})
            assert json.loads(answer.body) == {"done": True}

        for n in (1, 2, 3):
            seen = await say(n)
        assert all(f"message {n}" in seen for n in (1, 2, 3))
        await move("move_to_checkpoint", "reply-1")
        await move("move_to_checkpoint", "reply-3")  # and forward again
        await move("move_to_checkpoint", "reply-2")
        seen = await say(4)
        assert "message 2" in seen and "message 3" not in seen
        missing = await aide.post("move_to_checkpoint", {"session_id": aide.session, "exchange_id": "asked-3"})
        assert missing.status == 404  # what was hidden is gone for good
        await move("user_handle_session_undo", "asked-2")
        seen = await say(5)
        assert "message 1" in seen and "message 2" not in seen and "message 4" not in seen


async def test_who_writes_on_has_accepted_and_feedback_finishes_an_exchange(home: Home) -> None:
    async with home.sidecar(replies(Reply("one"), Reply("two"))) as aide:
        finished = {"exchange_id": "reply-1", "session_id": aide.session}
        await aide.post("agent_session_chat", aide.message("1", "e1"))
        second = await aide.post("agent_session_chat", aide.message("2", "e2"))
        assert second.told[0] == {"ExchangeEvent": {"FinishedExchange": finished}}
        body = {"session_id": aide.session, "exchange_id": "reply-2", "accepted": False, "step_index": None}
        judged = await aide.post("user_feedback_on_exchange", body)
        assert judged.told == [{"ExchangeEvent": {"FinishedExchange": finished | {"exchange_id": "reply-2"}}}]


async def test_a_message_waits_for_the_one_that_runs_and_can_be_taken_back(home: Home) -> None:
    async with home.sidecar(replies(Reply(("a", "b"), fault=Silence(1)), Reply("third"))) as aide:
        path = "/api/agentic/agent_session_chat"
        async with aide.open("POST", path, aide.message("first", "e1")) as first:
            while "ChatEvent" not in str(await first.event()):
                pass
            async with aide.open("POST", path, aide.message("second", "e2")) as second:
                assert (await second.event())["started"] is True
                assert "FinishedExchange" in str(await second.event())  # who writes on has taken the first
                body = {"session_id": aide.session, "exchange_id": "e2"}
                with trio.fail_after(BOUND):
                    while (told := (await aide.post("cancel_running_event", body)).told) != [CANCELLED]:
                        assert "no exchange" in str(told)  # it is just being taken in
                assert (await second.event())["event"] == CANCELLED
                assert "[CODESTORY_DONE]" in str(await second.event())
            assert aide.vendor.open_streams == 1
            assert (await aide.post("cancel_running_event", body | {"exchange_id": "e1"})).told == [CANCELLED]
        assert "third" in str((await aide.post("agent_session_chat", aide.message("on", "e3"))).told)
        assert "second" not in str(aide.vendor.asked[-1].body)
