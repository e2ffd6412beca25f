"""Settings: named servers, models that are added, constrained tools, and what is refused."""

import msgspec
import pytest
import trio

from pillion.contracts.provider import CallPart, Finish, Request
from pillion.errors import ConfigError
from pillion.secrets import Secrets
from pillion.settings import Environment, convert
from pillion.values import Message, Text, ToolCall, ToolResult, ToolSpec
from pillion_openai.plugin import Config, Plugin
from pillion_runtime.testing import Reply, replies, vendor_server

from ...canaries import KEYS

NESTED = {"type": "object", "properties": {"to": {"$ref": "#/$defs/Place"}}, "$defs": {"Place": {"type": "string"}}}
TOOL = ToolSpec("go", "Goes.", NESTED)


def opened(config, **environment):
    plugin = Plugin(convert(config, Config, plugin="openai", prefix="plugins.openai"))
    return plugin, plugin.register_providers(Environment(environment, Secrets()))


def test_openai_without_a_key_offers_nothing_and_says_why():
    plugin, providers = opened({})
    assert list(providers) == []
    assert plugin.hint == "Set OPENAI_API_KEY or run `pillion keys set openai` for models of openai."


def test_openai_servers_need_no_key():
    _, providers = opened({"servers": {"local": {"base_url": "http://localhost/v1", "models": ["a", "b/c"]}}})
    assert [model.name for model in providers[0].models()] == ["local/a", "local/b/c"]


def test_openai_server_models_may_be_tables():
    models = {"a": {"context": 1000, "tools": "none"}, "b": {}}
    server = {"base_url": "http://localhost/v1", "models": models, "context": 2000, "images": True}
    _, providers = opened({"servers": {"local": server}})
    a, b = providers[0].models()
    assert (a.context, a.tools, a.images) == (1000, "none", True)
    assert (b.context, b.tools) == (2000, "native")


def test_openai_models_can_be_added_and_corrected():
    models = {"new": {"context": 9, "price": {"input": 1.0}}, "gpt-5.5": {"output": 7}}
    _, providers = opened({"models": models}, OPENAI_API_KEY=KEYS["OPENAI_API_KEY"])
    known = {model.name: model for model in providers[0].models()}
    assert (known["openai/new"].context, known["openai/new"].price.input) == (9, 1.0)
    assert (known["openai/gpt-5.5"].output, known["openai/gpt-5.5"].thinking) == (7, True)


@pytest.mark.parametrize(
    "servers",
    [
        {"openai": {"base_url": "http://localhost"}},
        {"a/b": {"base_url": "http://localhost"}},
        {"a": {"base_url": "localhost:80"}},
        {"a": {"base_url": "http://localhost", "api": "responses", "tools": "constrained"}},
    ],
)
def test_openai_refuses_servers_that_can_not_work(servers):
    with pytest.raises(ConfigError, match="Server"):
        opened({"servers": servers})


async def test_openai_server_is_asked_for_its_own_model_name_and_tokens():
    with trio.fail_after(10):
        async with vendor_server(replies(Reply(text="ok"))) as vendor:
            server = {"base_url": f"{vendor.url}/v1", "key_env": "LOCAL_KEY"}
            plugin, (provider,) = opened({"servers": {"local": server}}, LOCAL_KEY="secret-of-local")
            async with plugin.lifespan():
                await answer(provider, Request("local/qwen/coder", (Message("user", (Text("hi"),)),), max_output=5))
    assert (vendor.asked[0].model, vendor.asked[0].format) == ("qwen/coder", "chat")
    assert vendor.asked[0].headers["authorization"] == "Bearer secret-of-local"
    assert msgspec.json.decode(vendor.asked[0].body)["max_tokens"] == 5


async def answer(provider, request):
    async with provider.stream(request) as chunks:
        return [chunk async for chunk in chunks]


async def constrained(text, *messages, **options):
    """What a model with constrained tools is asked, and what becomes of its answer."""
    with trio.fail_after(10):
        async with vendor_server(replies(Reply(text=text))) as vendor:
            server = {"base_url": f"{vendor.url}/v1", "tools": "constrained"}
            plugin, (provider,) = opened({"servers": {"local": server}})
            async with plugin.lifespan():
                said = await answer(
                    provider,
                    Request("local/m", (Message("user", (Text("hi"),)), *messages), "Be.", (TOOL,), **options),
                )
    return vendor.asked[0], [chunk for chunk in said if not isinstance(chunk, Text) or chunk.text]


async def test_openai_constrained_answer_becomes_a_call():
    asked, said = await constrained(('{"tool": "go", "argu', 'ments": {"to": "x"}}'))
    call, finish = said[-2:]
    assert isinstance(call, CallPart)
    assert (call.name, call.arguments, finish) == ("go", '{"to":"x"}', Finish("tool_calls"))
    assert asked.tools == ()
    assert asked.schema["$defs"] == {"go.Place": {"type": "string"}}
    assert "- go: Goes." in asked.system


async def test_openai_constrained_answer_is_words_alone_where_no_tool_may_be_called():
    asked, said = await constrained("Just words.", tool_choice="none")
    assert "".join(chunk.text for chunk in said if isinstance(chunk, Text)) == "Just words."
    assert (asked.schema, asked.system) == (None, "Be.")


async def test_openai_constrained_answer_becomes_words():
    _, said = await constrained('{"answer": "Done."}')
    assert [said[-2], said[-1]] == [Text("Done."), Finish("stop")]


async def test_openai_constrained_history_is_words():
    asked, _ = await constrained(
        '{"answer": "Done."}',
        Message("assistant", (ToolCall("c1", "go", '{"to": "x"}'),)),
        Message("user", (ToolResult("c1", "There."),)),
    )
    assert [said.text for said in asked.messages] == [
        "hi",
        '{"tool": "go", "arguments": {"to": "x"}}',
        "The tool said:\nThere.\n",
    ]
