"""A small model judges what words have found, within the turn's budget; and looks for what a task needs in rounds."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio

from pillion import Limits, ModelInfo, ProviderBusy
from pillion.contracts.provider import Request
from pillion.testing.kit import Host, frames, kernel_host
from pillion.testing.scripted import Answer, Pause, Raise, ScriptedProvider, calls, says
from pillion_index.judging import CALLS, TOGETHER
from pillion_index.plugin import Config, Plugin
from pillion_index.rounds import SearchRound, understood
from pillion_syntax.plugin import Plugin as Syntax


class Small:
    """What the small model says of each piece, by a word in it; how many calls there were, and at once at most."""

    def __init__(self) -> None:
        self.grades: dict[str, Answer] = {}
        self.rounds: list[str] = []
        self.calls = self.most = 0
        self.provider = ScriptedProvider(
            models=[ModelInfo(f"scripted/{name}", context=100_000, output=4_000) for name in ("one", "small")],
            otherwise=self._answer,
        )

    def _answer(self, request: Request) -> Answer:
        said = request.messages[-1].text
        if request.model != "scripted/small":
            return says("done")
        self.calls += 1
        self.most = max(self.most, self.provider.running + 1)
        if "The task:" in said:
            return says(self.rounds.pop(0))
        answer = next((answer for word, answer in self.grades.items() if word in said), says("0: no"))
        return [Pause(0.01), *answer]


@pytest.fixture
def small() -> Small:
    return Small()


@pytest.fixture
async def host(tmp_path: Path, small: Small) -> AsyncIterator[Host]:
    plugins = {"syntax": Syntax(), "index": Plugin(Config())}
    with trio.fail_after(60):
        async with kernel_host(
            tmp_path, provider=small.provider, plugins=plugins,
            **{"models__roles__fast": ["scripted/small"], "defaults__model": "scripted/one"},
        ) as host:  # fmt: skip
            yield host


def write(folder: Path, **texts: str) -> None:
    for name, text in texts.items():
        (folder / f"{name}.py").write_text(text)


async def used(host: Host, tool: str, limits: Limits | None = None, **arguments: Any) -> tuple[str, list[SearchRound]]:
    """What the tool says, and the rounds that the log tells of."""
    host.provider.script(calls((tool, json.dumps(arguments))))
    session = await host.open(limits=limits) if limits else await host.open()
    await host.run(session, "go")
    found = await frames(session)
    (result,) = [json.loads(frame.data)["text"] for frame in found if frame.type == "tool.finished"]
    told = [msgspec.json.decode(frame.data, type=SearchRound) for frame in found if frame.type == "search.round"]
    return result, told


async def test_what_the_model_finds_right_comes_first_and_what_is_wrong_not_at_all(
    host: Host, small: Small, tmp_path: Path
) -> None:
    write(
        tmp_path,
        lamp="def light():\n    'wick wick wick'\n",
        shop="def sell():\n    'wick'\n",
        till="wick = 1\n",
    )
    small.grades = {"lamp.py": says("1: names it"), "shop.py": says("3: sells it"), "till.py": says("0: no")}
    said, _ = await used(host, "semantic_search", question="who sells a wick")
    assert said.split("\n")[0::3] == ["[3] shop.py:1-2 (words: sell, wick)", "[1] lamp.py:1-2 (words: wick)"]
    assert "    sells it" in said and "till" not in said
    pieces = [request.messages[-1].text for request in small.provider.requests if request.model == "scripted/small"]
    assert any("def sell():" in piece for piece in pieces)


async def test_no_more_than_forty_are_judged_and_eight_at_a_time(host: Host, small: Small, tmp_path: Path) -> None:
    write(tmp_path, **{f"lamp{number}": f"def light{number}():\n    'wick'\n" for number in range(50)})
    said, _ = await used(host, "semantic_search", question="wick", judged=CALLS, limit=CALLS, limits=Limits(steps=None))
    assert (small.calls, small.most, said) == (CALLS, TOGETHER, "[nothing is about that]")
    said, _ = await used(host, "semantic_search", question="wick", judged=CALLS + 1)
    assert small.calls == CALLS and "41" not in said.split("lamp")[0][:3]


async def test_the_turn_keeps_half_of_its_steps(host: Host, small: Small, tmp_path: Path) -> None:
    write(tmp_path, **{f"lamp{number}": f"def light{number}():\n    'wick'\n" for number in range(9)})
    said, _ = await used(host, "semantic_search", question="wick", limits=Limits(steps=9))
    assert (small.calls, said.split("\n")[0].split(":")[0]) == (4, "[4 of 9 files were judged")
    assert said.count("(words: wick)") == 5  # those that nobody has judged stay


async def test_a_call_that_fails_is_the_last_one(host: Host, small: Small, tmp_path: Path) -> None:
    write(tmp_path, **{f"lamp{number}": f"def light{number}():\n    'wick'\n" for number in range(30)})
    small.grades = {"wick": [Raise(ProviderBusy("too many"))]}
    said, _ = await used(host, "semantic_search", question="wick", judged=30)
    assert small.calls <= TOGETHER and "0 of 30 files were judged: too many" in said
    assert said.count("(words: wick)") == 10


async def test_rounds_go_on_with_what_the_model_asks_for(host: Host, small: Small, tmp_path: Path) -> None:
    write(tmp_path, lamp="def light():\n    'wick'\n", shop="def sell():\n    'coins'\n", road="def walk(): pass\n")
    small.rounds = ["keep lamp.py: burns\nsearch coins", "Well:\n- keep `shop.py`: sells\nkeep none.py: x\ndone"]
    said, rounds = await used(host, "explore_code", task="sell a wick for money")
    assert [(one.round, one.words, one.kept, one.next) for one in rounds] == [
        (1, "sell a wick for money", ("lamp.py",), "coins"),
        (2, "coins", ("lamp.py", "shop.py"), ""),
    ]
    assert [line for line in said.split("\n") if not line.startswith("    def")] == [
        "lamp.py:1-2 (words: wick)", "    burns", "shop.py:1-2 (words: sell)", "    sells"
    ]  # fmt: skip
    asked = small.provider.requests[1].messages[-1].text
    assert "  1: def light():" in asked and "road.py" not in asked


async def test_there_are_three_rounds_at_most_and_an_error_ends_them(host: Host, small: Small, tmp_path: Path) -> None:
    write(tmp_path, lamp="def light():\n    'wick'\n")
    small.rounds = ["search more"] * 4
    said, rounds = await used(host, "explore_code", task="wick")
    assert (len(rounds), len(small.rounds)) == (3, 1)
    assert said.startswith("[no file was judged to be needed; these were found]\nlamp.py:1-2")
    small.provider.script(calls(("explore_code", '{"task": "wick"}')), [Raise(ProviderBusy("too many"))])
    session = await host.open()
    await host.run(session, "go")
    (told,) = [json.loads(frame.data) for frame in await frames(session) if frame.type == "search.round"]
    assert told["error"] == "too many"


def test_a_models_lines_are_read_whatever_stands_between_them() -> None:
    decided = understood("Sure!\nKEEP a.py: it is\n* keep b/c.py\nsearch: Lamp wick\nsearch no\nkeeping d.py\ndone")
    assert (decided.kept, decided.next) == ({"a.py": "it is", "b/c.py": ""}, "Lamp wick")


@pytest.mark.parametrize(("judge", "there"), [("named", False), ("always", True), ("never", False)])
async def test_without_a_model_for_it_nobody_judges(tmp_path: Path, judge: Any, there: bool) -> None:
    async with kernel_host(tmp_path, plugins={"index": Plugin(Config(judge=judge))}) as host:
        host.provider.script(says("x"))
        await host.run(await host.open(), "go")
        names = [tool.name for tool in host.provider.requests[0].tools]
    assert ("semantic_search" in names, "find_code" in names) == (there, True)
