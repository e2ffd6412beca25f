"""After an answer that could not be used a model is asked at a higher temperature, where it has one."""

from __future__ import annotations

from pathlib import Path

import pytest

from pillion.contracts.provider import Finish
from pillion.testing.kit import FunctionTool, kernel_host
from pillion.testing.scripted import ScriptedProvider, calls, says
from pillion.values import ModelInfo, Text


async def look(arguments: object, call: object) -> str:
    return "3 files"


@pytest.mark.parametrize(
    ("own", "step", "asked"),
    [
        (0.2, 0.2, [None, 0.4, 0.4, None]),
        (0.9, 0.2, [None, 1.0, 1.0, None]),
        (None, 0.2, [None] * 4),
        (0.2, 0, [None] * 4),
    ],
)
async def test_it_rises_while_calls_are_of_no_use(
    tmp_path: Path, autojump_clock: object, own: float | None, step: float, asked: list[float | None]
) -> None:
    model = ModelInfo("scripted/one", context=100_000, output=4_000, temperature=own)
    unknown, malformed = calls(("nonesuch", "{}")), calls(("look", '{"text": '))
    provider = ScriptedProvider(unknown, malformed, calls(("look", '{"text": "a"}')), says("Three."), models=[model])
    flags = {"defaults__temperature_step": step}
    async with kernel_host(tmp_path, FunctionTool("look", look), provider=provider, **flags) as host:
        await host.run(await host.open(), "How many?")
    assert [request.temperature for request in provider.requests] == asked


async def test_it_rises_where_an_answer_does_not_fit_the_schema(tmp_path: Path, autojump_clock: object) -> None:
    model = ModelInfo("scripted/one", context=100_000, output=4_000, temperature=0.2)
    answers = [[Text(text), Finish("stop")] for text in ("Three.", "three", '{"n": 3}')]
    provider = ScriptedProvider(*answers, models=[model])
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    async with kernel_host(tmp_path, provider=provider) as host:
        session = await host.open()
        await session.prompt("How many?", schema=schema)
        await session.idle()
    assert [request.temperature for request in provider.requests] == [None, None, 0.4]
