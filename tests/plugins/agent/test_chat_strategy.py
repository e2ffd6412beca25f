"""Chat: one answer; a small window gets the README in the user's turn."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pillion.contracts.provider import Request
from pillion.testing.kit import FunctionTool, Host, kernel_host
from pillion.testing.scripted import ScriptedProvider, says
from pillion.values import Image, ModelInfo, Text
from pillion_agent.plugin import Plugin

README = "# Tidewatch\n\nTidewatch reads water levels.\n\n## Install\n\n    pip install tidewatch\n"


async def look(arguments: object, call: object) -> str:
    return ""


@pytest.fixture(params=[8_192, 200_000], ids=["small", "large"])
async def chat(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Host]:
    """A kernel whose sessions chat with a model of a small or large window."""
    provider = ScriptedProvider(models=[ModelInfo("scripted/one", context=request.param, output=1000)])
    (tmp_path / "README.md").write_text(README)
    tool, plugins = FunctionTool("look", look), {"agent": Plugin()}
    async with kernel_host(tmp_path, tool, provider=provider, plugins=plugins, defaults__strategy="chat") as host:
        yield host


only_small = pytest.mark.parametrize("chat", [8_192], indirect=True, ids=["small"])
only_large = pytest.mark.parametrize("chat", [200_000], indirect=True, ids=["large"])


async def ask(host: Host, *prompts: str) -> Request:
    """The request of the last of the prompts."""
    session = await host.open()
    for prompt in prompts:
        host.provider.script(says("An answer."))
        await host.run(session, prompt)
    return host.provider.requests[-1]


async def test_no_tools_are_offered(chat: Host) -> None:
    assert not (await ask(chat, "hi")).tools


@only_small
async def test_a_small_window_reads_the_readme_before_the_question(chat: Host) -> None:
    (message,) = (await ask(chat, "What is it?")).messages
    assert message.role == "user"
    assert message.text.index("reads water levels") < message.text.index("What is it?")
    assert "pip install" not in message.text


@only_small
async def test_only_the_last_question_carries_the_readme(chat: Host) -> None:
    first, answer, second = (await ask(chat, "What is it?", "And why?")).messages
    assert (first.text, answer.text) == ("What is it?", "An answer.")
    assert "reads water levels" in second.text


@only_small
async def test_without_a_readme_the_question_stands_alone(chat: Host) -> None:
    (chat.folder / "README.md").unlink()
    request = await ask(chat, "What is it?")
    assert [message.text for message in request.messages] == ["What is it?"]
    assert not request.system


@only_small
async def test_pictures_stay_in_the_turn(chat: Host) -> None:
    chat.provider.script(says("A cat."))
    picture = Image("image/png", b"png")
    await chat.run(await chat.open(), "What is it?", images=(picture,))
    (message,) = chat.provider.requests[-1].messages
    assert [type(part) for part in message.parts] == [Image, Text]


@only_large
async def test_a_large_window_is_told_the_folder_instead(chat: Host) -> None:
    request = await ask(chat, "What is it?")
    assert str(chat.folder) in request.system
    assert [message.text for message in request.messages] == ["What is it?"]
