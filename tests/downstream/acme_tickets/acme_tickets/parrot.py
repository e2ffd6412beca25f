"""A provider whose model repeats the question, and a strategy that files a ticket for each prompt."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from pillion import Chunk, Finish, ModelInfo, Request, Text, Turn, Usage, UsageSeen


class Parrot:
    name = "acme"

    def models(self) -> Sequence[ModelInfo]:
        return [ModelInfo("acme/parrot", context=4_000, output=1_000, tools="none")]

    @asynccontextmanager
    async def stream(self, request: Request) -> AsyncIterator[AsyncIterator[Chunk]]:
        yield self._chunks(request.messages[-1].text)

    async def _chunks(self, question: str) -> AsyncIterator[Chunk]:
        for word in question.split():
            yield Text(f"{word}! ")
        yield UsageSeen(Usage(input=len(question), output=len(question)))
        yield Finish("stop")


class Triage:
    name = "acme-triage"
    description = "Files a ticket for each prompt, then lets the model speak."

    async def run(self, turn: Turn) -> str | None:
        question = (await turn.history())[-1].text
        await turn.call_tool("file_ticket", {"title": question})
        await turn.step(tools=False)
        return None
