"""What the first-party providers count with; without any network."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
import trio

from pillion.contextsize import size_of
from pillion.contracts.provider import Provider, Request
from pillion.errors import ConfigError, ProviderDown
from pillion.modelconfig import ModelConfig
from pillion.settings import load
from pillion.tokens import Counter
from pillion.values import Message, ModelInfo, Text
from pillion_anthropic.plugin import Config as Anthropic
from pillion_anthropic.plugin import Plugin as AnthropicPlugin
from pillion_anthropic.provider import AnthropicProvider
from pillion_openai.plugin import Config as OpenAI
from pillion_openai.plugin import Plugin as OpenAIPlugin
from pillion_openai.plugin import ServerConfig
from pillion_runtime.testing import Reply

from .vendors import BOUND, KEYS, sessions_of

ALONE = """
import socket
from pathlib import Path
from pillion.settings import load
from pillion.tokens import tokens_of
from pillion.values import Message, Text
from pillion_openai.plugin import Config, Plugin

assert [name for _, name in socket.if_nameindex()] == ["lo"], "a namespace of its own"
settings = load(data_dir=Path("."), environ={"OPENAI_API_KEY": "sk-0"}, shipped=False)
(provider,) = Plugin(Config()).register_providers(settings.environment)
counter = provider.counter(provider.models()[0])
print(counter.by, counter.count("hello world"), tokens_of([Message("user", (Text("hello world"),))], "", (), counter))
"""


def provider(folder: Path, plugin: OpenAIPlugin | AnthropicPlugin, name: str = "") -> Provider:
    settings = load(data_dir=folder, environ=KEYS, shipped=False)
    known = {one.name: one for one in plugin.register_providers(settings.environment)}
    return known[name] if name else next(iter(known.values()))


def counter(folder: Path, plugin: OpenAIPlugin | AnthropicPlugin, model: str) -> Counter | None:
    one = provider(folder, plugin, model.partition("/")[0])
    info = next((info for info in one.models() if info.name == model), ModelInfo(model, 1000, 100))
    found: Counter | None = one.counter(info)  # type: ignore[attr-defined]
    return found


@pytest.mark.parametrize(
    ("model", "tokenizer"),
    [
        *((name, "o200k_base") for name in ("gpt-6-luna", "gpt-4o-mini", "gpt-4.1", "o3")),
        *((name, "cl100k_base") for name in ("gpt-4", "gpt-4-turbo", "gpt-3.5-turbo")),
    ],
)
def test_openais_models_have_their_own_counter(tmp_path: Path, model: str, tokenizer: str) -> None:
    found = counter(tmp_path, OpenAIPlugin(OpenAI()), f"openai/{model}")
    assert found is not None and found.by == f"bpe-openai {tokenizer}"
    # the texts and counts of OpenAI's cookbook, "How to count tokens with tiktoken"
    assert (found.count("tiktoken is great!"), found.count("2 + 2 = 4")) == (6, 7)
    assert found.count("お誕生日おめでとう") == {"o200k_base": 8, "cl100k_base": 9}[tokenizer]
    assert found.count("half \ud83d a pair") > 0


def test_a_server_has_one_only_where_its_settings_name_it(tmp_path: Path) -> None:
    models = {"qwen3": ModelConfig(), "oss": ModelConfig(tokenizer="o200k_base")}
    plugin = OpenAIPlugin(OpenAI(servers={"local": ServerConfig("http://127.0.0.1:1/v1", models=models)}))
    assert counter(tmp_path, plugin, "local/qwen3") is None
    named = counter(tmp_path, plugin, "local/oss")
    assert named is not None and named.by == "bpe-openai o200k_base"


def test_anthropics_estimate_says_for_which_models_it_is(tmp_path: Path) -> None:
    new = counter(tmp_path, AnthropicPlugin(Anthropic()), "anthropic/claude-sonnet-5-5")
    old = counter(tmp_path, AnthropicPlugin(Anthropic()), "anthropic/claude-haiku-4-5")
    assert new is not None and old is not None
    assert (new.by, old.by) == ("estimate claude-5", "estimate claude-3")
    assert new.count("SELECT * FROM lamps") > old.count("SELECT * FROM lamps")


def test_a_tokenizer_that_is_not_here_is_a_wrong_setting() -> None:
    wrong = {"next": ModelConfig(tokenizer="p50k_base")}
    with pytest.raises(ConfigError, match="p50k_base"):
        OpenAIPlugin(OpenAI(models=wrong))
    with pytest.raises(ConfigError, match="p50k_base"):
        OpenAIPlugin(OpenAI(servers={"local": ServerConfig("http://127.0.0.1:1/v1", models=wrong)}))
    with pytest.raises(ConfigError, match="tokenizer"):
        AnthropicPlugin(Anthropic(models=wrong))


async def test_anthropic_counts_what_a_session_sends_and_nothing_else(tmp_path: Path) -> None:
    with trio.fail_after(BOUND):
        async with sessions_of(tmp_path, "messages", lambda _: Reply(text="ok")) as (vendor, host):
            session = await host.open()
            empty = await size_of(host.kernel, session, vendor=True)
            await host.run(session, "hello")
            size = await size_of(host.kernel, session, vendor=True)
            (counted,) = vendor.counted
    assert empty.vendor is None and size.vendor == len(counted)
    sent = msgspec.json.decode(vendor.asked[0].body)
    assert msgspec.json.decode(counted) == {key: sent[key] for key in ("model", "messages")}
    assert size.asked and size.tokens.by == "estimate claude-5" and size.tokens.messages > empty.tokens.messages


async def test_a_vendor_that_can_not_be_asked_is_a_providers_error(tmp_path: Path) -> None:
    counting = provider(tmp_path, AnthropicPlugin(Anthropic(base_url="http://127.0.0.1:9")))
    assert isinstance(counting, AnthropicProvider)
    with trio.fail_after(BOUND), pytest.raises(ProviderDown):
        await counting.count(Request("anthropic/scripted", (Message("user", (Text("hello"),)),)))
    await counting.aclose()


def test_counting_works_in_a_network_namespace_without_any_route(tmp_path: Path) -> None:
    unshare = shutil.which("unshare")
    if unshare is None or subprocess.run([unshare, "-rn", "true"], capture_output=True, check=False).returncode:
        pytest.skip("no new network namespace can be made here: `unshare -rn true` fails")
    ran = subprocess.run(
        [unshare, "-rn", sys.executable, "-c", ALONE],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout == "bpe-openai o200k_base 2 9\n"
