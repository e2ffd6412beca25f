"""The tool ask_person: what the model reads, whoever answers or does not."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from pillion import events as e
from pillion.testing.kit import events, kernel_host
from pillion.testing.scripted import calls, says
from pillion_ask.plugin import Plugin

from ..attended import attended


async def results(folder: Path, answer: Any, *wanted: dict[str, Any]) -> tuple[list[str], e.QuestionAsked | None]:
    """The results that the model reads, and the question; `answer(session, question)` is called with it."""
    async with kernel_host(folder, plugins={"ask": Plugin()}, deadlines__tool=5.0, deadlines__question=30.0) as host:
        host.provider.script(*(calls(("ask_person", json.dumps(arguments))) for arguments in wanted), says("done"))
        session = await host.open()
        asked = await attended(session, await session.prompt("go"), partial(answer, session))
        question = asked[-1] if asked else None
        assert question is None or isinstance(question, e.QuestionAsked)
        return [event.text for event in await events(session) if isinstance(event, e.ToolFinished)], question


async def nothing(session: Any, question: e.QuestionAsked) -> None:
    """Leaves it to the deadline."""


@pytest.mark.promise("questions.answered")
async def test_the_answer_is_the_result_and_nobody_had_to_allow_it(tmp_path: Path, autojump_clock: Any) -> None:
    async def answer(session: Any, question: e.QuestionAsked) -> None:
        await session.answer(question.question, "blue")

    asked = {"question": "Which one?", "options": ["red", " red", "blue "], "free_text": False}
    found, question = await results(tmp_path, answer, asked)
    assert found == ["The person answered: blue"]
    assert question is not None
    assert (question.text, question.options, question.free) == ("Which one?", ("red", "blue"), False)


@pytest.mark.promise("questions.deadline")
async def test_when_nobody_answers_the_model_is_told(tmp_path: Path, autojump_clock: Any) -> None:
    bare, with_default = {"question": "Which?"}, {"question": "Which one?", "default": "red"}
    found, _ = await results(tmp_path, nothing, bare, with_default)
    assert found == [
        "Nobody answered in time. Go on with what seems best, and say what you took for granted.",
        "Nobody answered in time. What you took for the answer counts: red",
    ]


@pytest.mark.parametrize(
    ("by", "said"), [("person", "The person gave no answer."), ("flag", "There is nobody to ask.")]
)
async def test_who_declines_is_told(tmp_path: Path, autojump_clock: Any, by: str, said: str) -> None:
    async def decline(session: Any, question: e.QuestionAsked) -> None:
        await session.answer(question.question, None, by=by)

    found, _ = await results(tmp_path, decline, {"question": "Which?"})
    assert found[0].startswith(said)


@pytest.mark.parametrize("asked", [{}, {"question": " "}, {"question": "x" * 5000}, {"question": "x", "options": [1]}])
async def test_nonsense_asks_nobody(tmp_path: Path, autojump_clock: Any, asked: dict[str, Any]) -> None:
    found, question = await results(tmp_path, nothing, asked)
    assert question is None
    assert "arguments don't fit" in found[0] or found == ["The question is empty."]
