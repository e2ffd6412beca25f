"""A provider that says what a test tells it to, through the real contract."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import trio
from msgspec import Struct

from ..contracts.provider import CallPart, Chunk, Finish, Provider, Request
from ..hookspecs import hookimpl
from ..values import ModelInfo, Text


class Pause(Struct, frozen=True):
    """Waits `seconds` of trio's clock before the next chunk."""

    seconds: float


class Raise(Struct, frozen=True):
    """Raises the error at this place of the stream."""

    error: Exception


class Gate:
    """The stream waits here until the test opens it; `reached` tells that it waits."""

    def __init__(self) -> None:
        self.reached, self.opened = trio.Event(), trio.Event()


Part = Chunk | Pause | Raise | Gate
Answer = Sequence[Part]


def says(text: str) -> Answer:
    """A whole answer, a word a chunk."""
    words = text.split(" ")
    return [Text(word if i == 0 else f" {word}") for i, word in enumerate(words)] + [Finish("stop")]


def calls(*wanted: tuple[str, str], text: str = "") -> Answer:
    """An answer that calls tools, each a name and the JSON of its arguments."""
    parts: list[Part] = [Text(text)] if text else []
    for index, (name, arguments) in enumerate(wanted):
        parts.append(CallPart(index, f"call_{index}", name))
        parts.append(CallPart(index, arguments=arguments))
    return [*parts, Finish("tool_calls")]


class ScriptedProvider:
    """Gives the scripted answers one after the other; without one left, `otherwise` makes it from the request."""

    def __init__(
        self,
        *answers: Answer,
        name: str = "scripted",
        models: Sequence[ModelInfo] | None = None,
        otherwise: Callable[[Request], Answer] | None = None,
    ) -> None:
        self.name = name
        self.requests: list[Request] = []
        self.running = 0
        self._answers = deque(answers)
        self._models = models or [ModelInfo(f"{name}/one", context=100_000, output=4_000)]
        self._otherwise = otherwise

    def script(self, *answers: Answer) -> None:
        """Appends answers."""
        self._answers.extend(answers)

    def models(self) -> Sequence[ModelInfo]:
        return self._models

    @asynccontextmanager
    async def stream(self, request: Request) -> AsyncIterator[AsyncIterator[Chunk]]:
        self.requests.append(request)
        if self._answers:
            answer = self._answers.popleft()
        elif self._otherwise is not None:
            answer = self._otherwise(request)
        else:
            raise AssertionError(f"no answer is scripted for request {len(self.requests)}")
        chunks = _chunks(answer)
        self.running += 1
        try:
            yield chunks
        finally:
            self.running -= 1
            await chunks.aclose()


async def _chunks(answer: Answer):  # type: ignore[no-untyped-def]
    for part in answer:
        match part:
            case Pause():
                await trio.sleep(part.seconds)
            case Raise():
                raise part.error
            case Gate():
                part.reached.set()
                await part.opened.wait()
            case _:
                yield part


class ProviderPlugin:
    """A plugin that brings the given providers."""

    def __init__(self, *providers: Provider) -> None:
        self._providers = providers

    @hookimpl
    def register_providers(self) -> Sequence[Provider]:
        return self._providers
