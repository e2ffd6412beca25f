"""The vendors' own typed clients understand the vendor server, and every program sees the same on each format."""

import json
import subprocess
import sys
from contextlib import asynccontextmanager
from functools import partial

import anthropic
import httpx2
import openai
import pytest
import trio
import trio.testing

from pillion.values import Usage
from pillion_runtime.testing import Asked, Cut, Echo, EndEarly, NoRule, Reply, Rule, call, replies, rules, vendor_server
from pillion_runtime.testing import Silence as Silent

FULL = Reply(
    thinking=("Let me ", "see."),
    text=("Hel", "lo ", "wörld"),
    calls=(call("read_file", path="README.md"),),
    usage=Usage(input=100, output=20, cached=60),
)
TOOL = {"name": "read_file", "description": "Reads.", "schema": {"type": "object", "properties": {}}}
CHAT = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}


async def test_vendor_openai_chat_client_reads_a_stream():
    async with serving(replies(FULL)) as vendor, _openai(vendor) as client:
        options = {**CHAT, "stream_options": {"include_usage": True}}
        async with client.chat.completions.stream(**options) as stream:
            final = await stream.get_final_completion()
    message = final.choices[0].message
    assert message.content == "Hello wörld"
    assert message.tool_calls[0].function.arguments == '{"path":"README.md"}'
    assert (final.usage.prompt_tokens, final.usage.prompt_tokens_details.cached_tokens) == (100, 60)


async def test_vendor_openai_responses_client_reads_a_stream():
    async with (
        serving(replies(FULL)) as vendor,
        _openai(vendor) as client,
        client.responses.stream(model="m", input="hi") as stream,
    ):
        final = await stream.get_final_response()
    assert final.output_text == "Hello wörld"
    assert [item.type for item in final.output] == ["reasoning", "message", "function_call"]
    assert final.output[2].arguments == '{"path":"README.md"}'
    assert final.usage.input_tokens_details.cached_tokens == 60


async def test_vendor_anthropic_client_reads_a_stream():
    async with serving(replies(FULL)) as vendor, _anthropic(vendor) as client:
        asked = {"model": "m", "max_tokens": 99, "messages": [{"role": "user", "content": "hi"}]}
        async with client.messages.stream(**asked) as stream:
            final = await stream.get_final_message()
    assert [block.type for block in final.content] == ["thinking", "text", "tool_use"]
    assert (final.content[1].text, final.content[2].input) == ("Hello wörld", {"path": "README.md"})
    assert (final.stop_reason, final.usage.cache_read_input_tokens, final.usage.output_tokens) == ("tool_use", 60, 20)


async def test_vendor_clients_read_answers_that_do_not_stream():
    async with serving(replies(FULL)) as vendor, _openai(vendor) as client, _anthropic(vendor) as claude:
        said = {"role": "user", "content": "hi"}
        chat = await client.chat.completions.create(model="m", messages=[said])
        response = await client.responses.create(model="m", input="hi")
        message = await claude.messages.create(model="m", max_tokens=9, messages=[said])
    assert chat.choices[0].message.content == response.output_text == message.content[1].text == "Hello wörld"
    assert chat.choices[0].finish_reason == "tool_calls"


async def test_vendor_lists_its_models_in_both_ways():
    served = serving(replies(FULL), models=("a", "b"))
    async with served as vendor, _openai(vendor) as client, _anthropic(vendor) as claude:
        theirs = [model.id async for model in client.models.list()]
        others = [model.id async for model in claude.models.list()]
    assert theirs == others == ["a", "b"]


async def test_vendor_sees_a_client_leave_in_mid_stream():
    endless = Reply(text=("a",) * 1000, pause=0.05)
    async with serving(replies(endless)) as vendor, _openai(vendor) as client:
        async with await client.chat.completions.create(**CHAT, stream=True) as stream:
            await anext(stream)
            assert vendor.open_streams == 1
        await vendor.until(lambda vendor: vendor.left_early == 1 and vendor.open_streams == 0)


@pytest.mark.parametrize("fault", [Cut(), Cut(0), Cut(2), Cut(2, reset=True)])
async def test_vendor_cuts_the_connection(fault):
    async with serving(replies(Reply(text=("a", "b", "c"), fault=fault))) as vendor, httpx2.AsyncClient() as client:
        with pytest.raises(httpx2.HTTPError):
            await client.post(f"{vendor.url}/v1/chat/completions", json={**CHAT, "stream": True})


async def test_vendor_ends_early_but_cleanly():
    program = replies(Reply(text=("abc", "def"), fault=EndEarly(1)))
    async with serving(program) as vendor, httpx2.AsyncClient() as client:
        answer = await client.post(f"{vendor.url}/v1/chat/completions", json={**CHAT, "stream": True})
    assert "abc" in answer.text
    assert "def" not in answer.text
    assert "DONE" not in answer.text


async def test_vendor_keeps_silent_until_the_client_goes():
    async with serving(replies(Reply(fault=Silent(None)))) as vendor, httpx2.AsyncClient(timeout=0.1) as client:
        with pytest.raises(httpx2.ReadTimeout):
            await client.post(f"{vendor.url}/v1/messages", json={"model": "m", "max_tokens": 1, "messages": []})
        await vendor.until(lambda vendor: vendor.left_early == 1)


async def test_vendor_first_matching_rule_answers():
    program = rules(
        Rule(lambda asked: "bug" in asked.prompt, Reply(text="found"), times=1),
        Rule(lambda asked: asked.number < 3, lambda asked: Reply(text=f"number {asked.number}")),
    )
    async with serving(program) as vendor, _openai(vendor) as client:
        said = [{"role": "user", "content": "a bug"}]
        answers = [await client.chat.completions.create(model="m", messages=said) for _ in range(2)]
    assert [answer.choices[0].message.content for answer in answers] == ["found", "number 2"]


def test_vendor_without_a_rule_fails_loudly():
    asked = Asked("chat", 1, "m", (), "", (), False, None, None, {}, b"")
    with pytest.raises(NoRule, match="request 1"):
        rules()(asked)


@pytest.mark.parametrize("format_", ["chat", "responses", "messages"])
async def test_vendor_echo_streams_what_the_prompt_asks_for(format_):
    prompt = "stream 30 chunks of 10 characters 1 ms apart"
    async with serving(Echo()) as vendor, _openai(vendor) as client, _anthropic(vendor) as claude:
        said = [{"role": "user", "content": prompt}]
        match format_:
            case "chat":
                text = (await client.chat.completions.create(model="m", messages=said)).choices[0].message.content
            case "responses":
                text = (await client.responses.create(model="m", input=prompt)).output_text
            case "messages":
                text = (await claude.messages.create(model="m", max_tokens=9, messages=said)).content[0].text
    assert len(text) == 300
    assert text.startswith("0 ........1 ........")


@asynccontextmanager
async def serving(program, **options):
    with trio.fail_after(10):
        async with vendor_server(program, **options) as vendor:
            yield vendor


def _openai(vendor):
    return openai.AsyncOpenAI(api_key="k", base_url=f"{vendor.url}/v1", max_retries=0)


def _anthropic(vendor):
    return anthropic.AsyncAnthropic(api_key="k", base_url=vendor.url, max_retries=0)


@pytest.mark.parametrize("pause", [0.0, 0.001])
async def test_vendor_sends_all_to_a_reader_that_sleeps(pause):
    big = tuple(f"{at:09}".ljust(100_000, "~") for at in range(100))
    async with serving(replies(Reply(text=big, pause=pause))) as vendor, httpx2.AsyncClient() as client:
        request = {"json": {**CHAT, "stream": True}}
        async with client.stream("POST", f"{vendor.url}/v1/chat/completions", **request) as answer:
            await trio.testing.wait_all_tasks_blocked(0.3)
            text = (await answer.aread()).decode()
    found = [at for at in range(100) if f"{at:09}~" in text]
    assert (found, text.count("~"), text[-8:]) == (list(range(100)), 100 * 99_991, "[DONE]\n\n")


async def test_vendor_runs_as_a_process_of_its_own():
    command = [sys.executable, "-m", "pillion_runtime.testing", "--program", "echo", "--model", "a"]
    with trio.fail_after(20):
        async with trio.open_nursery() as nursery:
            process = await nursery.start(partial(trio.run_process, command, stdout=subprocess.PIPE, check=False))
            said = json.loads(await process.stdout.receive_some())
            async with httpx2.AsyncClient() as client:
                models = (await client.get(f"{said['url']}/v1/models")).json()["data"]
            process.terminate()
    assert (said["event"], [model["id"] for model in models]) == ("listening", ["a"])
    assert said["url"].startswith("http://127.0.0.1:")


async def test_vendor_echo_is_busy_and_breaks_as_the_prompt_says():
    async with serving(Echo()) as vendor, httpx2.AsyncClient() as client:
        answers = [await _ask(client, vendor, "busy 2 times for 1 s: stream 3 chunks") for _ in range(3)]
        assert [answer.status_code for answer in answers] == [429, 429, 200]
        assert answers[0].headers["retry-after"] == "1"
        with pytest.raises(httpx2.RemoteProtocolError):
            await _ask(client, vendor, "stream 12 chunks of 10 characters 1 ms apart cut once after 6")
        again = await _ask(client, vendor, "stream 12 chunks of 10 characters 1 ms apart cut once after 6")
    assert again.status_code == 200


async def test_vendor_echo_calls_the_tool_that_the_prompt_names():
    async with serving(Echo()) as vendor, httpx2.AsyncClient() as client:
        said = (await _ask(client, vendor, 'call read_file {"path": "a"}')).text
    assert '"name":"read_file"' in said
    assert '"finish_reason":"tool_calls"' in said


async def _ask(client, vendor, prompt):
    said = {"model": "m", "stream": True, "messages": [{"role": "user", "content": prompt}]}
    return await client.post(f"{vendor.url}/v1/chat/completions", json=said)
