"""read_output: the model reads on in a result that was too long for it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from pillion.contracts.provider import Request
from pillion.testing.kit import FunctionTool, Host, kernel_host
from pillion.testing.scripted import Answer, ScriptedProvider, calls, says
from pillion.values import ToolResult
from pillion_outputs.plugin import Plugin

LONG = "".join(f"{number}: größer 你好\n" for number in range(3_000)) + "x" * 20_000
ROOM = 10_000
NEXT = re.compile(r"read on with start=(\d+)\]$")


async def speak(arguments: Any, call: Any) -> str:
    return LONG


def results(request: Request) -> list[str]:
    return [part.text for said in request.messages for part in said.parts if isinstance(part, ToolResult)]


def reads(**arguments: Any) -> Answer:
    return calls(("read_output", json.dumps(arguments)))


def host_of(folder: Path, provider: ScriptedProvider, **options: Any) -> Any:
    plugins = {"outputs": Plugin()} | options.pop("plugins", {})
    speaks = FunctionTool("speak", speak)
    return kernel_host(folder, speaks, provider=provider, plugins=plugins, defaults__tool_output=ROOM, **options)


async def read(host: Host, *answers: Answer) -> list[str]:
    """The results that the model got in a new session, in order."""
    host.provider.script(*answers, says("ok"))
    await host.run(await host.open(), "go")
    return results(host.provider.requests[-1])


@pytest.mark.promise("tools.whole")
async def test_the_whole_can_be_read_piece_by_piece(tmp_path: Path, autojump_clock: Any) -> None:
    def next_piece(request: Request) -> Answer:
        said = results(request)
        if not said:
            return calls(("speak", "{}"))
        start = NEXT.search(said[-1]) if len(said) > 1 else re.search(r"call='(\w+)' and start=(\d+) reads on", said[0])
        if start is None:
            return says("all read")
        return reads(call="call_0", start=int(start.groups()[-1]))

    async with host_of(tmp_path, ScriptedProvider(otherwise=next_piece)) as host:
        await host.run(await host.open(), "go")
        first, *pieces = results(host.provider.requests[-1])
    assert max(map(len, pieces)) <= ROOM, "none of them is cut again"
    head = first[: first.index("[")]
    assert head + "".join(piece[: piece.rindex("\n[")] for piece in pieces) == LONG


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"call": "call_0", "start": len(LONG)}, f"only {len(LONG):,} characters"),
        ({"call": "call_7"}, "No result of a call 'call_7'"),
        ({"call": "call_0", "start": -1}, "don't fit"),
    ],
)
async def test_what_is_not_there_is_said(tmp_path: Path, autojump_clock: Any, arguments: Any, words: str) -> None:
    async with host_of(tmp_path, ScriptedProvider()) as host:
        assert words in (await read(host, calls(("speak", "{}")), reads(**arguments)))[-1]


async def test_a_limit_is_kept_to(tmp_path: Path, autojump_clock: Any) -> None:
    async with host_of(tmp_path, ScriptedProvider()) as host:
        said = await read(host, calls(("speak", "{}")), reads(call="call_0", start=3, limit=6))
        assert said[-1] == f"größer\n[characters 3 to 9 of {len(LONG):,}; read on with start=9]"


async def test_another_sessions_result_is_not_read(tmp_path: Path, autojump_clock: Any) -> None:
    async with host_of(tmp_path, ScriptedProvider()) as host:
        await read(host, calls(("speak", "{}")))
        (refused,) = await read(host, reads(call="call_0"))
        assert "No result of a call 'call_0'" in refused


async def test_where_it_is_switched_off_no_result_speaks_of_it(tmp_path: Path, autojump_clock: Any) -> None:
    async with host_of(tmp_path, ScriptedProvider(), plugins={"outputs": object()}) as host:
        (said,) = await read(host, calls(("speak", "{}")))
        assert "left out here.]" in said and "read_output" not in said
