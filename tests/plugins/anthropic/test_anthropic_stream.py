"""The anthropic plugin against the vendor server."""

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
from pillion_anthropic.plugin import Config, Plugin
from pillion_runtime.testing import Reply, call, replies, vendor_server

from ...canaries import KEYS

TOOL = ToolSpec("read_file", "Reads a file.", {"type": "object", "properties": {"path": {"type": "string"}}})
DOT = Image("image/png", b"\x89PNG")
HI = Message("user", (Text("hi"),))
ASK = Request("anthropic/claude-new", (HI,))

PACKED = b"""data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"hi"}}

data: {"type":"message_delta","delta":{"stop_reason":"end_turn"}}

data: {"type":"message_stop"}

"""


@asynccontextmanager
async def serving(program, **config):
    """A vendor and the provider that asks it; each test ends within 10 s."""
    with trio.fail_after(10):
        async with vendor_server(program) as vendor:
            plugin = Plugin(Config(base_url=vendor.url, **config))
            (provider,) = plugin.register_providers(Environment(KEYS, Secrets()))
            async with plugin.lifespan():
                yield vendor, provider


async def said(provider, request):
    async with provider.stream(request) as chunks:
        return [chunk async for chunk in chunks]


async def test_anthropic_streams_text_usage_and_finish():
    reply = Reply(text=("Hel", "lo ", "wörld"), usage=Usage(input=100, output=20, cached=60))
    async with serving(replies(reply)) as (vendor, provider):
        chunks = await said(provider, ASK)
    assert chunks[0] == UsageSeen(Usage(input=100, output=1, cached=60))
    assert chunks[1:4] == [Text("Hel"), Text("lo "), Text("wörld")]
    assert chunks[4:] == [UsageSeen(Usage(input=100, output=20, cached=60)), Finish("stop")]
    assert KEYS["ANTHROPIC_API_KEY"] in str(vendor.asked[0].headers)


async def test_anthropic_streams_calls_as_they_grow():
    reply = Reply(text="Two:", calls=(call("read_file", path="a"), call("read_file", path="b")))
    async with serving(replies(reply)) as (_, provider):
        chunks = await said(provider, msgspec.structs.replace(ASK, tools=(TOOL,)))
    parts = [chunk for chunk in chunks if isinstance(chunk, CallPart)]
    firsts = [part for part in parts if part.id]
    assert [(part.name, part.id) for part in firsts] == [("read_file", "call_1_0"), ("read_file", "call_1_1")]
    grown = ["".join(part.arguments for part in parts if part.index == first.index) for first in firsts]
    assert grown == ['{"path":"a"}', '{"path":"b"}']
    assert chunks[-1] == Finish("tool_calls")


async def test_anthropic_tells_the_vendor_everything():
    calls = (ToolCall("c1", "read_file", '{"path":"a"}'), ToolCall("c2", "shot", "{}"))
    history = (
        Message("user", (Text("look"), DOT)),
        Message("assistant", (Thinking("Hm.", "c2ln"), Text("Reading."), *calls)),
        Message("user", (ToolResult("c1", "gone", error=True), ToolResult("c2", "taken", images=(DOT,)))),
    )
    request = Request("anthropic/m", history, "Be brief.", (TOOL,), max_output=77)
    async with serving(replies(Reply(text="ok"))) as (vendor, provider):
        await said(provider, request)
    asked = vendor.asked[0]
    assert asked.messages == history
    assert (asked.model, asked.system, asked.tools, asked.max_output) == ("m", "Be brief.", (TOOL,), 77)


async def test_anthropic_gives_sealed_thinking_back_unchanged():
    async with serving(replies(Reply(thinking=("Hm", "m."), text="a", seal="b3BhcXVl"))) as (vendor, provider):
        chunks = [chunk for chunk in await said(provider, ASK) if not isinstance(chunk, UsageSeen)]
        told = Message("assistant", (Thinking("Hmm.", "b3BhcXVl"), Thinking("alien", "openai:rs_1:x"), Text("a")))
        await said(provider, Request("anthropic/m", (HI, told, HI)))
    assert chunks[:3] == [Thinking("Hm"), Thinking("m."), ThinkingSeal("b3BhcXVl")]
    assert vendor.asked[1].messages[1] == Message("assistant", (Thinking("Hmm.", "b3BhcXVl"), Text("a")))


async def test_anthropic_marks_what_the_next_step_begins_with():
    request = Request("anthropic/m", (HI, Message("assistant", (Text("yes"),)), HI), "Be brief.", (TOOL, TOOL))
    async with serving(replies(Reply(text="ok"))) as (vendor, provider):
        await said(provider, request)
    body = msgspec.json.decode(vendor.asked[0].body)
    first, _, last = body["messages"]
    ends = (body["system"][-1], body["tools"][-1], first["content"][-1], last["content"][-1])
    assert [block["cache_control"] for block in ends] == [{"type": "ephemeral"}] * 4
    assert vendor.asked[0].body.count(b"cache_control") == 4


async def test_anthropic_leaves_out_what_the_vendor_would_refuse():
    empty = Message("assistant", (Text(""), Thinking("unsealed")))
    malformed = Message("assistant", (ToolCall("c1", "f", '{"a": '),))
    late = Message("user", (Text("and?"), ToolResult("c1", "bad")))
    async with serving(replies(Reply(text="ok"))) as (vendor, provider):
        await said(provider, Request("anthropic/m", (HI, empty, malformed, late)))
    (asked,) = vendor.asked
    assert asked.messages[1].parts == (ToolCall("c1", "f", '{"malformed":"{\\"a\\": "}'),)
    assert asked.messages[2].parts == (ToolResult("c1", "bad"), Text("and?"))


@pytest.mark.parametrize(
    ("thinking", "sent"),
    [
        ("default", None),
        ("adaptive", {"type": "adaptive", "display": "summarized"}),
        ("off", {"type": "disabled"}),
        (2048, {"type": "enabled", "budget_tokens": 2048}),
    ],
)
async def test_anthropic_thinks_as_the_settings_say(thinking, sent):
    async with serving(replies(Reply(text="ok")), thinking=thinking) as (vendor, provider):
        await said(provider, ASK)
    assert msgspec.json.decode(vendor.asked[0].body).get("thinking") == sent


@pytest.mark.parametrize("finish", ["stop", "length", "filtered"])
async def test_anthropic_says_why_the_model_ended(finish):
    async with serving(replies(Reply(text="a", finish=finish))) as (_, provider):
        assert (await said(provider, ASK))[-1] == Finish(finish)


NAMED = {"type": "object", "properties": {"a": {"type": "string"}}}
CLOSED = NAMED | {"additionalProperties": False}
BOUNDED = {"type": "object", "properties": {"a": {"type": ["integer", "null"], "minimum": 3}, "b": {"oneOf": [NAMED]}}}
TREE = {"type": "object", "properties": {"down": {"items": {"$ref": "#/$defs/n"}}}, "$defs": {"n": NAMED}}
LOOP = TREE | {"$defs": {"n": {"type": "object", "properties": {"again": {"$ref": "#/$defs/n"}}}}}


@pytest.mark.parametrize(
    ("schema", "sent"),
    [
        (NAMED, CLOSED),
        (
            BOUNDED,
            CLOSED | {"properties": {"a": {"type": ["integer", "null"]}, "b": {"anyOf": [CLOSED]}}},
        ),
        (TREE, TREE | {"$defs": {"n": CLOSED}, "additionalProperties": False}),
        (LOOP, None),
        (NAMED | {"properties": {"a": {"$ref": "#"}}}, None),
        (NAMED | {"additionalProperties": {"type": "string"}}, None),
        (NAMED | {"properties": {"a": True}}, None),
    ],
)
async def test_anthropic_holds_the_model_to_a_schema_where_it_can(schema, sent):
    async with serving(replies(Reply(text='{"a": "b"}'))) as (vendor, provider):
        await said(provider, msgspec.structs.replace(ASK, schema=schema))
    assert vendor.asked[0].schema == sent


async def test_anthropic_names_the_tools_that_may_not_be_called_now():
    tool = ToolSpec("look", "Looks.", {"type": "object", "properties": {}})
    async with serving(replies(Reply(text="ok"))) as (vendor, provider):
        await said(provider, msgspec.structs.replace(ASK, tools=(tool,), tool_choice="none"))
    assert vendor.asked[0].tool_names == ("look",)
    assert msgspec.json.decode(vendor.asked[0].body)["tool_choice"] == {"type": "none"}


async def test_anthropic_asks_for_the_longest_output_of_the_model():
    async with serving(replies(Reply(text="ok")), models={}) as (vendor, provider):
        for name in ("claude-haiku-4-5", "claude-of-tomorrow"):
            await said(provider, msgspec.structs.replace(ASK, model=f"anthropic/{name}"))
    assert [asked.max_output for asked in vendor.asked] == [64_000, 32_000]


async def test_anthropic_uses_a_connection_again_and_again():
    async with serving(replies(Reply(text="a"))) as (vendor, provider):
        for _ in range(3):
            await said(provider, ASK)
        assert vendor.connections == 1


async def test_anthropic_cancel_closes_the_connection():
    async with serving(replies(Reply(text=("a",) * 1000, pause=0.02))) as (vendor, provider):
        with trio.CancelScope() as scope:
            async with provider.stream(ASK) as chunks:
                async for _ in chunks:
                    scope.cancel()
        assert scope.cancelled_caught
        await vendor.until(lambda vendor: vendor.left_early == 1 and vendor.open_connections == 0)


def test_anthropic_without_a_key_offers_nothing_and_says_why():
    plugin = Plugin(Config())
    assert list(plugin.register_providers(Environment({}, Secrets()))) == []
    assert plugin.hint == "Set ANTHROPIC_API_KEY or run `pillion keys set anthropic` for models of anthropic."


def test_anthropic_models_can_be_added_and_corrected():
    config = msgspec.convert({"models": {"new": {"context": 9}, "claude-haiku-4-5": {"output": 7}}}, Config)
    (provider,) = Plugin(config).register_providers(Environment(KEYS, Secrets()))
    known = {model.name: model for model in provider.models()}
    assert (known["anthropic/new"].context, known["anthropic/new"].output) == (9, 32_000)
    assert (known["anthropic/claude-haiku-4-5"].context, known["anthropic/claude-haiku-4-5"].output) == (200_000, 7)


async def test_anthropic_unpacks_what_is_packed():
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
            plugin = Plugin(Config(base_url=f"http://127.0.0.1:{listener.socket.getsockname()[1]}"))
            (provider, *_) = plugin.register_providers(Environment(KEYS, Secrets()))
            async with plugin.lifespan():
                chunks = await said(provider, ASK)
            nursery.cancel_scope.cancel()
    assert [chunk for chunk in chunks if isinstance(chunk, Text | Finish)] == [Text("hi"), Finish("stop")]
