"""Chat: one answer, without tools. A small model is told what the project is before it is asked."""

from __future__ import annotations

from pillion import mountview
from pillion.turn import Turn
from pillion.values import Message, Text

from .readme import Readme, find_readme

SYSTEM = """\
You are Pillion, an assistant for programmers. You talk about the project in the folder {root}. You can't read or \
change files in this conversation: go by what you were given, and say so when that is not enough."""

KEEP_TO_IT = (
    "That is all that stands in the file. Please keep to it, leave out what you would have to make up, and answer in "
    "a few plain sentences. I know how to write programs, but I have not seen this one before. "
    "Here is what I would like to know:"
)
"""Between README and question. It is as long as this on purpose: a repeat penalty looks back some 64 tokens, and where
those hold the README's end, a small model avoids the README's words and invents others."""

SMALL_WINDOW = 16_384
"""Tokens. A model with at most this much context is so small that it needs the project put before its eyes."""
README_TOKENS = 600


class Chat:
    """Any model. Large windows get what the context providers say; small ones a little of the README."""

    name = "chat"
    description = "Answers once, without tools."

    async def run(self, turn: Turn) -> str | None:
        small = turn.model is not None and turn.model.context <= SMALL_WINDOW
        await (self._small(turn) if small else self._large(turn))
        return None

    async def _small(self, turn: Turn) -> None:
        readme = await find_readme(turn.workspace, README_TOKENS)
        if readme is None:
            await turn.step(tools=False, answer=True)
        else:
            await turn.step(tools=False, view=with_readme(await turn.view(), readme), answer=True)

    async def _large(self, turn: Turn) -> None:
        system = SYSTEM.format(root=mountview.inside(turn.workspace.root))
        context = await turn.context()
        await turn.step(system=f"{system}\n\n{context}" if context else system, tools=False, answer=True)


def with_readme(history: tuple[Message, ...], readme: Readme) -> tuple[Message, ...]:
    """The README before the words of the last message, which is the prompt.

    It stands in the user's turn, since the smallest models take a system text for a role to play and invent the rest.
    """
    *earlier, prompt = history
    others = tuple(part for part in prompt.parts if not isinstance(part, Text))
    return (*earlier, Message(prompt.role, (*others, Text(preface(readme, prompt.text)))))


def preface(readme: Readme, question: str) -> str:
    """Ends with the question. The name stands on both sides of the README, since the answer is to begin with it."""
    name = readme.name
    return (
        f"I am reading the README of {name}:\n\n{readme.text}\n\nMy question is about {name}. {KEEP_TO_IT} {question}"
    )
