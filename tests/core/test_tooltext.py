"""Tools as text: what a model without tools writes becomes calls, however it is cut and whatever is wrong with it."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from pillion import events as e
from pillion.contracts.provider import CallPart, Finish
from pillion.testing.kit import FunctionTool, events, kernel_host
from pillion.testing.scripted import ScriptedProvider
from pillion.tooltext import Parser
from pillion.values import ModelInfo, Text

LOOK = '<pillion:call tool="look">{"text": "a"}</pillion:call>'


def read(*pieces: str) -> tuple[str, list[tuple[str, str]]]:
    """The words, and each call's name and arguments."""
    parser, words, calls = Parser(), "", {}
    for part in [part for piece in pieces for part in parser.feed(piece)] + list(parser.end()):
        match part:
            case Text(text):
                words += text
            case CallPart(index, _, name, arguments):
                old = calls.get(index, ("", ""))
                calls[index] = (old[0] or name, old[1] + arguments)
    return words, list(calls.values())


@pytest.mark.parametrize(
    ("text", "words", "calls"),
    [
        ("Just words, 1 < 2.", "Just words, 1 < 2.", []),
        (f"I look. {LOOK}", "I look. ", [("look", '{"text": "a"}')]),
        (f"{LOOK}\n{LOOK} Done.", "\n Done.", [("look", '{"text": "a"}')] * 2),
        ('<pillion:call tool="look">{"text": "a"}', "", [("look", '{"text": "a"}')]),  # no end
        ('<pillion:call tool="look">{"text": </pillion:call>', "", [("look", '{"text":')]),  # no JSON
        ('<pillion:call name=look>\n```json\n{"text": "a"}\n```\n</pillion:call>', "", [("look", '{"text": "a"}')]),
        ('<pillion:call tool="look"></pillion:call>', "", [("look", "")]),
        ('<pillion:call tool="look">what?</pillion:call>', "", [("look", "what?")]),
        ("A <pillion:call> of nobody", "A <pillion:call> of nobody", []),
        ("It ends in <pillion:ca", "It ends in <pillion:ca", []),
        ('<pillion:call tool="look">{"text": "</b>"}</pillion:call>', "", [("look", '{"text": "</b>"}')]),
    ],
)
def test_words_and_calls_are_told_apart_however_they_are_cut(
    text: str, words: str, calls: list[tuple[str, str]]
) -> None:
    assert read(text) == read(*text) == (words, calls)
    cuts = random.Random(7)
    for _ in range(50):
        at = sorted(cuts.sample(range(len(text)), 3))
        assert read(text[: at[0]], text[at[0] : at[1]], text[at[1] : at[2]], text[at[2] :]) == (words, calls)


async def look(arguments: object, call: object) -> str:
    return "3 files"


async def test_a_model_without_tools_works_with_them(tmp_path: Path, autojump_clock: object) -> None:
    without = ModelInfo("scripted/one", context=100_000, output=4_000, tools="none")
    pieces = [
        Text("I look. <pillion:"),
        Text('call tool="look">{"te'),
        Text('xt": "a"}</pillion:call>'),
        Finish("stop"),
    ]
    broken = [Text('<pillion:call tool="look">{"text": </pillion:call>'), Finish("stop")]
    provider = ScriptedProvider(pieces, broken, [Text("Three."), Finish("stop")], models=[without])
    async with kernel_host(tmp_path, FunctionTool("look", look), provider=provider) as host:
        session = await host.open()
        assert isinstance(await host.run(session, "How many?"), e.TurnFinished)
        first, second, third = provider.requests
        results = [event for event in await events(session) if isinstance(event, e.ToolFinished)]
    assert first.tools == () and '- look: A tool of a test. Arguments: {"' in first.system
    assert [result.error for result in results] == [False, True]  # the malformed one is told
    assert second.messages[-1].text == "<pillion:result>\n3 files\n</pillion:result>"
    assert '<pillion:call tool="look">{"text": "a"}</pillion:call>' in second.messages[-2].text
    assert third.messages[-1].text.startswith("<pillion:result failed>")
    assert first.system == second.system == third.system
