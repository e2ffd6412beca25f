"""The openai plugin against the vendor server, on both of its wire formats."""

import gzip
from contextlib import asynccontextmanager
from functools import partial

import msgspec
import pytest
import trio

from pillion.contracts.provider import CallPart, Finish, Request, ThinkingSeal, UsageSeen
from pillion.secrets import Secrets
from pillion.settings import Environment
from pillion.values import Image, Message, Text, Thinking, ToolCall, ToolResult, ToolSpec, Usage
from pillion_openai.plugin import Config, Plugin
from pillion_runtime.testing import Reply, call, replies, vendor_server

from ...canaries import KEYS

BOTH = pytest.mark.parametrize("api", ["chat", "responses"])
TOOL = ToolSpec("read_file", "Reads a file.", {"type": "object", "properties": {"path": {"type": "string"}}})
DOT = Image("image/png", b"\x89PNG")
ASK = Request("openai/m", (Message("user", (Text("hi"),)),))

PACKED = b"""data: {"choices":[{"delta":{"content":"hi"}}]}

data: {"choices":[{"finish_reason":"stop"}]}

data: [DONE]

"""


@asynccontextmanager
async def serving(program, api, **config):
    """A vendor and the openai provider that asks it; each test ends within 10 s."""
    with trio.fail_after(10):
        async with vendor_server(program) as vendor:
            plugin = Plugin(Config(base_url=f"{vendor.url}/v1", api=api, **config))
            (provider, *_) = plugin.register_providers(Environment(KEYS, Secrets()))
            async with plugin.lifespan():
                yield vendor, provider


async def said(provider, request):
    async with provider.stream(request) as chunks:
        return [chunk async for chunk in chunks]


@BOTH
async def test_openai_streams_text_usage_and_finish(api):
    reply = Reply(text=("Hel", "lo ", "wörld"), usage=Usage(input=100, output=20, cached=60))
    async with serving(replies(reply), api) as (vendor, provider):
        chunks = await said(provider, ASK)
    assert chunks[:3] == [Text("Hel"), Text("lo "), Text("wörld")]
    assert chunks[3:] == [UsageSeen(Usage(input=100, output=20, cached=60)), Finish("stop")]
    assert vendor.asked[0].headers["authorization"] == f"Bearer {KEYS['OPENAI_API_KEY']}"


@BOTH
async def test_openai_streams_calls_as_they_grow(api):
    reply = Reply(text="Two:", calls=(call("read_file", path="a"), call("read_file", path="b")))
    async with serving(replies(reply), api) as (_, provider):
        chunks = await said(provider, msgspec.structs.replace(ASK, tools=(TOOL,)))
    parts = [chunk for chunk in chunks if isinstance(chunk, CallPart)]
    firsts = [part for part in parts if part.id]
    assert [(part.name, part.id) for part in firsts] == [("read_file", "call_1_0"), ("read_file", "call_1_1")]
    assert [_grown(parts, first.index) for first in firsts] == ['{"path":"a"}', '{"path":"b"}']
    assert len(parts) > 4
    assert chunks[-1] == Finish("tool_calls")


def _grown(parts, index):
    return "".join(part.arguments for part in parts if part.index == index)


@BOTH
async def test_openai_tells_the_vendor_everything(api):
    history = (
        Message("user", (Text("look"), DOT)),
        Message(
            "assistant", (Text("Reading."), ToolCall("c1", "read_file", '{"path":"a"}'), ToolCall("c2", "x", "{}"))
        ),
        Message("user", (ToolResult("c1", "words"), ToolResult("c2", "gone", error=True))),
    )
    request = Request("openai/m", history, "Be brief.", (TOOL,), max_output=77)
    async with serving(replies(Reply(text="ok")), api) as (vendor, provider):
        await said(provider, request)
    asked = vendor.asked[0]
    assert asked.messages == history
    assert (asked.model, asked.system, asked.tools, asked.max_output) == ("m", "Be brief.", (TOOL,), 77)


@BOTH
async def test_openai_sends_the_images_of_results(api):
    history = (
        Message("assistant", (ToolCall("c1", "shot", "{}"),)),
        Message("user", (ToolResult("c1", "taken", images=(DOT,)),)),
    )
    async with serving(replies(Reply(text="ok")), api) as (vendor, provider):
        await said(provider, Request("openai/m", history))
    (asked,) = vendor.asked
    assert asked.results[0].text == "taken"
    assert DOT in (*asked.images, *asked.results[0].images)


@BOTH
async def test_openai_sends_malformed_arguments_as_json(api):
    history = (Message("assistant", (ToolCall("c1", "f", '{"a": '),)), Message("user", (ToolResult("c1", "bad"),)))
    async with serving(replies(Reply(text="ok")), api) as (vendor, provider):
        await said(provider, Request("openai/m", history))
    assert msgspec.json.decode(vendor.asked[0].calls[0].arguments) == {"malformed": '{"a": '}


@BOTH
@pytest.mark.parametrize("finish", ["stop", "length", "filtered"])
async def test_openai_says_why_the_model_ended(api, finish):
    async with serving(replies(Reply(text="a", finish=finish)), api) as (_, provider):
        assert (await said(provider, ASK))[-1] == Finish(finish)


@BOTH
async def test_openai_holds_the_model_to_a_schema(api):
    schema = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
    async with serving(replies(Reply(text='{"a": "b"}')), api) as (vendor, provider):
        await said(provider, msgspec.structs.replace(ASK, schema=schema))
        await said(provider, msgspec.structs.replace(ASK, schema=schema | {"additionalProperties": False}))
        odd = {"properties": {"a": {"type": "array", "uniqueItems": True}}, "additionalProperties": False}
        await said(provider, msgspec.structs.replace(ASK, schema=schema | odd))
    assert vendor.asked[0].schema == schema
    assert [b'"strict":true' in asked.body.replace(b" ", b"") for asked in vendor.asked] == [False, True, False]


@BOTH
async def test_openai_names_the_tools_that_may_not_be_called_now(api):
    async with serving(replies(Reply(text="ok")), api) as (vendor, provider):
        await said(provider, msgspec.structs.replace(ASK, tools=(TOOL,), tool_choice="none"))
    assert vendor.asked[0].tools == (TOOL,)
    assert msgspec.json.decode(vendor.asked[0].body)["tool_choice"] == "none"


async def test_openai_chat_shows_reasoning_as_thinking():
    async with serving(replies(Reply(thinking=("Hm", "m."), text="a")), "chat") as (_, provider):
        chunks = await said(provider, ASK)
    assert chunks[:3] == [Thinking("Hm"), Thinking("m."), Text("a")]


async def test_openai_responses_give_sealed_thinking_back():
    reply = Reply(thinking=("Hm", "m."), text="a", seal="b3BhcXVl")
    async with serving(replies(reply), "responses") as (vendor, provider):
        chunks = await said(provider, ASK)
        seal = next(chunk.signature for chunk in chunks if isinstance(chunk, ThinkingSeal))
        told = Message("assistant", (Thinking("Hmm.", seal), Thinking("alien", "c2ln"), Text("a")))
        await said(provider, Request("openai/m", (*ASK.messages, told, *ASK.messages)))
    assert chunks[:2] == [Thinking("Hm"), Thinking("m.")]
    assert vendor.asked[1].messages[1] == Message("assistant", (Thinking("Hmm.", "b3BhcXVl"), Text("a")))


@BOTH
async def test_openai_uses_a_connection_again_and_again(api):
    async with serving(replies(Reply(text="a")), api) as (vendor, provider):
        for _ in range(3):
            await said(provider, ASK)
        assert vendor.connections == 1


@BOTH
async def test_openai_cancel_closes_the_connection(api):
    async with serving(replies(Reply(text=("a",) * 1000, pause=0.02)), api) as (vendor, provider):
        with trio.CancelScope() as scope:
            async with provider.stream(ASK) as chunks:
                async for _ in chunks:
                    scope.cancel()
        assert scope.cancelled_caught
        await vendor.until(lambda vendor: vendor.left_early == 1 and vendor.open_connections == 0)


async def test_openai_unpacks_what_is_packed():
    body = gzip.compress(PACKED)
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-encoding: gzip\r\n"

    async def answer(stream):
        await stream.receive_some()
        await stream.send_all(head + b"content-length: %d\r\n\r\n" % len(body) + body)
        async for _ in stream:
            pass

    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            (listener,) = await nursery.start(partial(trio.serve_tcp, answer, 0, host="127.0.0.1"))
            plugin = Plugin(Config(base_url=f"http://127.0.0.1:{listener.socket.getsockname()[1]}/v1", api="chat"))
            (provider, *_) = plugin.register_providers(Environment(KEYS, Secrets()))
            async with plugin.lifespan():
                chunks = await said(provider, ASK)
            nursery.cancel_scope.cancel()
    assert [chunk for chunk in chunks if isinstance(chunk, Text | Finish)] == [Text("hi"), Finish("stop")]
