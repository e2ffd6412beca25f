"""What a model was sent it is sent again at the next step, byte for byte, so that the vendor's cache can have it."""

from __future__ import annotations

import gc
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

import msgspec
import pytest
import trio
from msgspec import Meta, Struct

from pillion import Image, ModelInfo, Output, Session
from pillion.modelconfig import ModelConfig
from pillion.testing.kit import FunctionTool, Host, ToolPlugin
from pillion.values import Price, Usage, priced
from pillion_agent.plugin import Plugin
from pillion_runtime.testing import Asked, Reply, call

from .documented import FORMATS
from .vendors import BOUND, sessions_of

STEPS, TURNS = 10, 5
LONG = 4 * BOUND
"""Seconds for fifty steps on a busy machine."""
MARK = b',"cache_control":{"type":"ephemeral"}'
DOT = Image("image/png", b"\x89PNG of one dot")


class Look(Struct, frozen=True):
    path: Annotated[str, Meta(description="Where.")]
    lines: dict[str, int] = {}


async def look(arguments: Look, call: Any) -> Output:
    return Output(
        f"{arguments.path} holds “{arguments.path}” \u2028\x7f", (DOT,) if arguments.path.endswith("0") else ()
    )


async def fail(arguments: Look, call: Any) -> Output:
    return Output("It is not there.", error=True)


def program(asked: Asked) -> Reply:
    """Nine steps that think and call, then one that says it is done."""
    step = asked.number % STEPS
    if step == 0:
        return Reply(thinking=("Done", "?"), text="All seen, größer als gedacht.")
    wanted = [
        call("look", path=f"a{asked.number * 10 + at}", lines={"to": 2, "from": 1})
        for at in range(1 + 12 * (step == 5))
    ]
    return Reply(
        thinking=("Which", " one?"), text="Looking." * (step % 2), calls=(*wanted, call("fail", path=str(asked.number)))
    )


def fields(asked: Asked) -> dict[str, bytes]:
    """The request's fields as they were sent, without marks."""
    return {
        name: bytes(raw).replace(MARK, b"")
        for name, raw in msgspec.json.decode(asked.body, type=dict[str, msgspec.Raw]).items()
    }


def marks(asked: Asked) -> list[int]:
    """Where marks stand behind, counted in bytes of the messages without marks."""
    pieces = bytes(msgspec.json.decode(asked.body, type=dict[str, msgspec.Raw])["messages"]).split(MARK)
    ends = [len(b"".join(pieces[: at + 1])) for at in range(len(pieces))]
    return ends[:-1]


def marked_where_requests_end(asked: list[Asked]) -> None:
    for last, this in pairwise(asked):
        assert this.body.count(MARK[1:]) == 4, "with those of tools and system, all that the vendor takes"
        assert marks(last)[-1] in marks(this), "the vendor looks there, however many blocks came since"


async def fifty_steps(host: Host) -> Session:
    session = await host.open(strategy="agent")
    for turn in range(TURNS):
        await host.run(session, f"Look at {turn}.", images=[DOT] if turn % 2 else [])
        if turn == 2:
            await session.idle()
            gc.collect()  # readers count until they are gone
            assert await session.rest(), "what comes then, comes from the log"
    return session


async def conversation(folder: Path, format_: str) -> list[Asked]:
    tools = ToolPlugin(FunctionTool("look", look, arguments=Look), FunctionTool("fail", fail, arguments=Look))
    more, models = {"seeing": tools, "agent": Plugin()}, {"scripted": ModelConfig(thinking=True)}
    with trio.fail_after(LONG):
        async with sessions_of(folder, format_, program, more=more, models=models) as (vendor, host):
            await fifty_steps(host)
            return vendor.asked


@pytest.mark.parametrize("format_", FORMATS)
async def test_the_prefix_is_the_same_byte_for_byte_over_fifty_steps(tmp_path: Path, format_: str) -> None:
    asked = await conversation(tmp_path, format_)
    assert len(asked) == STEPS * TURNS
    growing = "input" if format_ == "responses" else "messages"
    for last, this in pairwise(map(fields, asked)):
        assert last.keys() == this.keys()
        assert {name for name in this if this[name] != last[name]} == {growing}
        assert this[growing].startswith(last[growing][:-1] + b","), "the messages so far, and more"
    if format_ == "messages":
        marked_where_requests_end(asked)
    final = asked[-1]
    assert final.images and final.calls and final.tools and final.system
    assert b"encrypted_content" in final.body or b'"thinking"' in final.body or format_ == "chat"


@pytest.mark.parametrize("format_", FORMATS)
async def test_what_is_read_from_the_cache_and_put_into_it_has_its_own_price(tmp_path: Path, format_: str) -> None:
    used = Usage(input=1000, output=100, cached=600, written=300)
    models = {"scripted": ModelConfig(price=Price(input=10.0, output=50.0, cached=1.0, written=12.5))}
    with trio.fail_after(BOUND):
        async with sessions_of(tmp_path, format_, lambda _: Reply(text="ok", usage=used), models=models) as (_, host):
            ended = await host.run(await host.open(), "go")
    cost = (100 * 10.0 + 600 * 1.0 + 300 * 12.5 + 100 * 50.0) / 1_000_000
    assert ended.usage == msgspec.structs.replace(used, cost=pytest.approx(cost))  # type: ignore[attr-defined]


def test_where_no_price_of_the_cache_is_said_it_is_that_of_input() -> None:
    used = Usage(input=1000, cached=600, written=300)
    assert priced(used, ModelInfo("a/b", 1, 1, price=Price(input=10.0))).cost == pytest.approx(0.01)


@pytest.mark.parametrize("format_", ["chat", "responses"])
async def test_openai_is_told_which_calls_belong_together_and_others_are_not(tmp_path: Path, format_: str) -> None:
    with trio.fail_after(BOUND):
        async with sessions_of(tmp_path, format_, lambda _: Reply(text="ok")) as (vendor, host):
            first, second = await host.open(), await host.open()
            for session in (first, second, first):
                await host.run(session, "go")
    keys = [msgspec.json.decode(asked.body)["prompt_cache_key"] for asked in vendor.asked]
    assert keys[0] == keys[2] != keys[1]
    assert first.id not in str(keys)
