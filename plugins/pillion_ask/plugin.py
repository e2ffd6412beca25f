"""The tool `ask_person`: a question, with options to choose from or without, and the answer as the call's result."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta, Struct

from pillion.contracts.tool import Call, Effect, Output, Tool
from pillion.errors import ToolError
from pillion.hookspecs import TurnInfo, hookimpl

WHO = {
    "person": "The person gave no answer.",
    "flag": "There is nobody to ask.",
    "break": "The person says something else first.",
}
"""Why there is no answer, by who said so."""


class Question(Struct, frozen=True, forbid_unknown_fields=True):
    """Arguments of ask_person."""

    question: Annotated[
        str,
        Meta(min_length=1, max_length=4000, description="One question, with what one must know to answer it."),
    ]
    options: Annotated[
        tuple[Annotated[str, Meta(min_length=1, max_length=400)], ...],
        Meta(max_length=12, description="Answers to choose from, the best one first. Leave out for an open question."),
    ] = ()
    free_text: Annotated[bool, Meta(description="With options: may the person also answer something else?")] = True
    default: Annotated[
        Annotated[str, Meta(max_length=4000)] | None,
        Meta(description="What you will take for the answer where nobody gives one; shown."),
    ] = None


class AskPerson:
    """Waits for the person who watches the session."""

    name = "ask_person"
    description = (
        "Ask the person you work for, and wait for the answer. Use it only for what you can't find out yourself and "
        "what decides how to go on: a choice between real alternatives, a missing fact, a go-ahead beyond the task. "
        "Ask one thing at a time. If nobody answers, go on with what seems best and say what you took for granted."
    )
    effect: Effect = "read"
    Arguments = Question

    async def run(self, arguments: Question, call: Call) -> Output:
        question = arguments.question.strip()
        options = tuple(dict.fromkeys(stripped for option in arguments.options if (stripped := option.strip())))
        if not question:
            raise ToolError("The question is empty.")
        answered = await call.ask(question, options, free=arguments.free_text, default=arguments.default)
        if answered.given:
            return Output(f"The person answered: {answered.answer}")
        why = WHO.get(answered.by, "Nobody answered in time.")
        if answered.answer is None:
            return Output(f"{why} Go on with what seems best, and say what you took for granted.")
        return Output(f"{why} What you took for the answer counts: {answered.answer}")


class Plugin:
    """Lets the model ask the person who watches."""

    def __init__(self) -> None:
        self._tools: Sequence[Tool] = [AskPerson()]

    @hookimpl
    def register_tools(self, turn: TurnInfo) -> Sequence[Tool]:
        return self._tools
