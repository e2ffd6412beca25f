"""The embedded provider with its real model."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path

import msgspec
import pytest
import trio

from pillion.contracts.provider import CallPart, Chunk, Finish, Provider, Request, UsageSeen
from pillion.errors import ContextOverflow, ModelNotFound
from pillion.processes import Processes
from pillion.values import Message, Text, ToolCall, ToolResult, ToolSpec

MODEL = "embedded/smollm2-135m"
QUESTION = (Message("user", (Text("Tell me about whales."),)),)
LONG = (Message("user", (Text("Tell me a long story. " * 100),)),)
MUCH_TOO_LONG = (Message("user", (Text("Tell me a long story. " * 3000),)),)
SCRIPT = Path(__file__).with_name("answer_once.py")


async def gather(provider: Provider, request: Request) -> list[Chunk]:
    with trio.fail_after(120):
        async with provider.stream(request) as stream:
            return [chunk async for chunk in stream]


async def test_streams_in_pieces_with_usage_and_reason(embedded: Provider) -> None:
    chunks = await gather(embedded, Request(MODEL, QUESTION, max_output=24))
    assert sum(isinstance(chunk, Text) for chunk in chunks) > 5
    (usage,) = [chunk.usage for chunk in chunks if isinstance(chunk, UsageSeen)]
    assert usage.output == 24
    assert usage.input > 10
    assert chunks[-1] == Finish("length")


async def test_the_same_question_gets_the_same_answer(embedded: Provider) -> None:
    request = Request(MODEL, QUESTION, max_output=40)
    assert await gather(embedded, request) == await gather(embedded, request)


async def test_cancel_in_the_prompt_stops_and_the_next_call_works(embedded: Provider) -> None:
    await gather(embedded, Request(MODEL, QUESTION, max_output=1))  # loaded
    with trio.fail_after(60):
        with trio.move_on_after(0.3) as asked:
            await gather(embedded, Request(MODEL, LONG))
        assert asked.cancelled_caught
        assert await gather(embedded, Request(MODEL, QUESTION, max_output=3))


async def test_leaving_the_stream_stops_the_model(embedded: Provider) -> None:
    with trio.fail_after(60):
        async with embedded.stream(Request(MODEL, QUESTION)) as stream:
            async for _ in stream:
                break
        assert await gather(embedded, Request(MODEL, QUESTION, max_output=3))


async def test_calls_wait_for_each_other(embedded: Provider) -> None:
    ended: list[int] = []

    async def ask(number: int) -> None:
        await gather(embedded, Request(MODEL, QUESTION, max_output=8))
        ended.append(number)

    async with trio.open_nursery() as nursery:
        for number in range(3):
            nursery.start_soon(ask, number)
    assert sorted(ended) == [0, 1, 2]


async def test_a_waiting_call_can_be_cancelled(embedded: Provider) -> None:
    with trio.fail_after(60):
        async with embedded.stream(Request(MODEL, QUESTION, max_output=400)) as first:
            await anext(aiter(first))
            with trio.move_on_after(0.1) as second:
                await gather(embedded, Request(MODEL, QUESTION))
            assert second.cancelled_caught
            assert await anext(aiter(first))


async def test_a_prompt_beyond_the_context_is_named(embedded: Provider) -> None:
    with pytest.raises(ContextOverflow, match="8192"):
        await gather(embedded, Request(MODEL, MUCH_TOO_LONG))


async def test_another_model_is_refused(embedded: Provider) -> None:
    with pytest.raises(ModelNotFound):
        await gather(embedded, Request("embedded/nix", QUESTION))


class Reading(msgspec.Struct):
    """Arguments with a definition of their own."""

    path: str
    lines: int | None = None


async def test_offered_tools_hold_the_model_to_one_call(embedded: Provider) -> None:
    tool = ToolSpec("read_file", "Reads a file of the project.", msgspec.json.schema(Reading))
    messages = (Message("user", (Text("Read the file README.md"),)),)
    chunks = await gather(embedded, Request(MODEL, messages, tools=(tool,), max_output=200))
    parts = [chunk for chunk in chunks if isinstance(chunk, CallPart)]
    assert parts[0].name == "read_file"
    assert msgspec.json.decode("".join(part.arguments for part in parts), type=Reading).path
    assert chunks[-1] == Finish("tool_calls")


async def test_a_conversation_with_calls_is_understood(embedded: Provider) -> None:
    call, result = ToolCall("c1", "read_file", '{"path": "a"}'), ToolResult("c1", "no such file", error=True)
    messages = (*QUESTION, Message("assistant", (call,)), Message("user", (result, Text("Go on."))))
    chunks = await gather(embedded, Request(MODEL, messages, system="You are brief.", max_output=5))
    assert any(isinstance(chunk, Text) for chunk in chunks)


async def test_a_schema_is_kept_also_beside_tools_that_may_not_be_called(embedded: Provider) -> None:
    tool = ToolSpec("read_file", "Reads a file of the project.", msgspec.json.schema(Reading))
    schema = {"type": "object", "properties": {"size": {"enum": ["small", "large"]}}, "required": ["size"]}
    chunks = await gather(
        embedded, Request(MODEL, QUESTION, tools=(tool,), schema=schema, tool_choice="none", max_output=60)
    )
    text = "".join(chunk.text for chunk in chunks if isinstance(chunk, Text))
    assert json.loads(text)["size"] in ("small", "large")


def listening() -> set[str]:
    """Addresses of this process's listening TCP sockets."""
    links = [os.readlink(link) for link in Path("/proc/self/fd").iterdir() if link.exists()]
    ours = {found[1] for link in links if (found := re.match(r"socket:\[(\d+)\]", link))}
    tables = [Path(f"/proc/self/net/{kind}").read_text().splitlines()[1:] for kind in ("tcp", "tcp6")]
    rows = [line.split() for table in tables for line in table]
    return {row[1] for row in rows if row[3] == "0A" and row[9] in ours}


def sockets_on_disk() -> list[str]:
    """Paths of model sockets that somebody could still connect to."""
    paths = [line.split()[-1] for line in Path("/proc/self/net/unix").read_text().splitlines()]
    return [path for path in paths if path.endswith("model.sock") and Path(path).exists()]


@pytest.mark.skipif(not Path("/proc/self/net/tcp").exists(), reason="needs /proc")
async def test_no_port_is_opened(embedded: Provider) -> None:
    before = listening()
    await gather(embedded, Request(MODEL, QUESTION, max_output=1))
    assert listening() == before
    assert not sockets_on_disk()


async def test_nothing_is_written_to_the_terminal(embedded: Provider, tmp_path: Path) -> None:
    environment = {"PYTHONPATH": os.pathsep.join(sys.path), "PATH": "/usr/bin:/bin", "TMPDIR": str(tmp_path)}
    argv = [sys.executable, "-W", "error", str(SCRIPT)]
    ended = await Processes(environment).run(argv, cwd=tmp_path, seconds=120)
    assert (ended.code, ended.output) == (0, "")
    assert os.listdir(tmp_path) == ["answer"]
