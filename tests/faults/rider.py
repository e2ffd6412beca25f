"""A plugin that leads through the waits which no first-party plugin's turn comes to.

It has a strategy that uses all that a turn offers, one that does not let go, a preview that takes its time, a
projection that fails, and a provider that thinks in secret.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

import trio
from msgspec import Struct

from pillion import hookimpl
from pillion.contracts.context import ContextPart
from pillion.contracts.provider import Chunk, Finish, Request, ThinkingSeal
from pillion.contracts.store import Batch, Record
from pillion.errors import Conflict, ContextOverflow, LostLease, NotFound, NotShorter, ProviderRefused
from pillion.events import Event
from pillion.testing.kit import FunctionTool, Loop
from pillion.toolrun import LARGE
from pillion.turn import Turn
from pillion.values import Message, ModelInfo, Text

HASH = "b5bb9d8014a0f9b1d61e21e796d78dccdf1352f23cd32812f4850b878ae4944c"
"""Of `foo\\n`."""


class Fault(Event, frozen=True, tag="rider.fault"):
    """A projection fails at it."""


class All:
    """Uses all that a turn offers."""

    name = "rider"
    description = "For tests."

    async def run(self, turn: Turn) -> str | None:
        if turn.prompt.text.startswith("brief"):
            await child_of(turn)
            return None
        await turn.context()
        await turn.call_tool("write_file", {"path": f"{turn.id}.txt", "content": "before any step"})
        await turn.ask("Which way?", ["left", "right"])
        await turn.ask("Is nobody there?", default="nobody")
        await turn.complete([Message("user", (Text("aside"),))])
        await turn.complete([Message("user", (Text("aside"),))], role="fast")
        await turn.value(Number, [Message("user", (Text("a number"),))])
        await turn.call_tool("run_command", {"command": "true"})
        await child_of(turn)
        with trio.move_on_after(0):  # before it is opened
            async with turn.child(title="never", strategy="loop"):
                pass
        await strange_batches(turn)
        await rested(turn)
        with suppress(NotShorter):
            await turn.compact()
        await turn.step(view=await turn.view(), answer=True, role="slow")
        return None


class Number(Struct, frozen=True):
    """An answer with a type."""

    n: int


async def child_of(turn: Turn) -> None:
    async with turn.child(title="part", strategy="loop", seed=[Message("user", (Text("seed"),))]) as child:
        accepted = await child.prompt("say a little")
        await child.ended(accepted.turn, accepted.after)


async def rested(turn: Turn) -> None:
    """Prompts a session that went to rest while somebody held it."""
    other = await turn.kernel.create(workspace=turn.session.info.workspace, strategy="chat")
    for _ in range(50):  # when it has become quiet; unless the sweep was there before
        if await other.rest():
            break
        await trio.sleep(0.01)
    await other.prompt("say it")


async def strange_batches(turn: Turn) -> None:
    """What the store must refuse, all at once; and among it what a projection fails at."""
    store, session = turn.kernel.store, turn.session.id
    now = turn.session._actor._eventlog.generation
    strange = [
        (Batch("nobody", 1, 0), NotFound),
        (Batch(session, now, 0), Conflict),
        (Batch(session, 0, 0, [Record(1, "x", "", 0, b"{}")]), LostLease),
    ]

    async def refused(number: int, batch: Batch, kind: type[Exception]) -> None:
        for _ in range(number % 4):
            await trio.lowlevel.checkpoint()
        with suppress(kind):
            await store.commit(batch)
            raise AssertionError(f"The store has taken {batch}.")

    for _ in range(4):
        async with trio.open_nursery() as nursery:
            for number, (batch, kind) in enumerate(strange * 15):
                nursery.start_soon(refused, number, batch, kind)
            nursery.start_soon(partial(turn.emit, Fault(step=turn.steps), blobs={HASH: b"foo\n"}))
    with suppress(Conflict):
        await store.create(turn.session.info)


class Stubborn:
    """Lets go only when it is cut off."""

    name = "stubborn"
    description = "For tests."

    async def run(self, turn: Turn) -> str | None:
        await turn.emit()
        with trio.move_on_after(0 if turn.prompt.resumes else 20, shield=True):
            while not turn.detached:  # noqa: ASYNC110 - the kernel tells it to nobody
                await trio.sleep(0.01)
        return None


class Large(FunctionTool):
    """Says more than anybody reads."""

    def __init__(self) -> None:
        async def run(arguments: Any, call: Any) -> str:
            return "line\n" * LARGE

        super().__init__("large", run)


class Slow(FunctionTool):
    """Says what it would do only when somebody has broken in."""

    def __init__(self) -> None:
        async def run(arguments: Any, call: Any) -> str:
            return "slow"

        super().__init__("slow", run, "execute")

    async def preview(self, arguments: Any, call: Any) -> str:
        with trio.move_on_after(5):
            while not call._broken():  # noqa: ASYNC110 - the kernel tells it to nobody
                await trio.sleep(0.01)
        return "slow"


class Sealed:
    """Its thinking is not shown, just sealed. Another model never answers; one finds each first request of a turn too
    long, one has a window that nothing fits in, and one finds everything too long."""

    name = "rider"

    def __init__(self) -> None:
        self._refused: set[str] = set()

    def models(self) -> Sequence[ModelInfo]:
        names = "sealed", "mute", "narrow", "shut"
        large = [ModelInfo(f"rider/{name}", context=100_000, output=4_000) for name in names]
        return [*large, ModelInfo("rider/small", context=900, output=100)]

    @asynccontextmanager
    async def stream(self, request: Request) -> AsyncIterator[AsyncIterator[Chunk]]:
        if request.model == "rider/mute":
            raise ProviderRefused("It never answers.")
        if request.model == "rider/narrow" and request.caller.turn not in self._refused:
            self._refused.add(request.caller.turn)
            raise ContextOverflow("It is too long.")
        if request.model == "rider/shut":
            raise ContextOverflow("It is too long.")
        yield self._chunks()

    async def _chunks(self) -> AsyncIterator[Chunk]:
        for chunk in (ThinkingSeal("sealed"), Text("Thought."), Finish("stop")):
            yield chunk


class Context:
    async def contribute(self, turn: Turn, budget: int) -> Sequence[ContextPart]:
        return [ContextPart("Known", "All is well.")]


def faulty(projected: Any) -> None:
    if any(record.type == "rider.fault" for record in projected.records):
        raise ValueError("at its mark")


class NoConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """No settings."""


class Plugin:
    """For tests."""

    Config = NoConfig

    def __init__(self, config: NoConfig) -> None:
        pass

    @hookimpl
    def register_strategies(self) -> Sequence[Any]:
        return [All(), Stubborn(), Loop()]

    @hookimpl
    def register_providers(self) -> Sequence[Any]:
        return [Sealed()]

    @hookimpl
    def register_tools(self, turn: Any) -> Sequence[Any]:
        return [Slow(), Large()]

    @hookimpl
    def register_contexts(self, turn: Any) -> Sequence[Any]:
        return [Context()]

    @hookimpl
    def register_events(self) -> Sequence[type[Event]]:
        return [Fault]

    @hookimpl
    def register_projections(self) -> Mapping[str, Any]:
        return {"faulty": faulty}
