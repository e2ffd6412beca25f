"""One model call: a provider's stream becomes items of the log, and a message."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Literal, assert_never

import trio
from msgspec import Struct

from . import events as e
from .callrecord import CallRecord
from .contextsize import Asked
from .contracts.provider import (
    CallPart,
    Chunk,
    Finish,
    Provider,
    RatesSeen,
    Request,
    Restart,
    ThinkingSeal,
    UsageSeen,
    Waiting,
)
from .fallback import PassedOver
from .hearing import SECONDS, Hearing
from .history import voiding
from .values import Message, ModelInfo, Part, Text, Thinking, ToolCall, Usage, priced

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .turn import Turn

BREATH = 48
"""Chunks between two checkpoints, and one after the first: buffered chunks come without a real wait, watchers must not
starve, and each time they get their turn costs a send to each of them."""


class Answer(Struct, frozen=True):
    """A model's whole message; `closing` are the events that make it so, to be written with what follows, and `blobs`
    what they name."""

    message: Message
    closing: tuple[e.Event, ...]
    finish: Literal["stop", "tool_calls", "length", "filtered"]
    usage: Usage
    model: str
    blobs: Mapping[str, bytes] = {}

    @property
    def calls(self) -> tuple[ToolCall, ...]:
        return tuple(part for part in self.message.parts if isinstance(part, ToolCall))


class _Item(Struct, frozen=True):
    """One part of the message while it grows: its number in the log, how it was opened, and the call's index."""

    seq: int
    opened: e.Event
    index: int = -1


class ModelCall:
    """Streams one call of `turn` into its session's log.

    All parts stay open until the message is whole, so that each is closed exactly once: finished together, or voided
    together when the call begins again.
    """

    def __init__(self, turn: Turn, step: int) -> None:
        self._turn, self._step = turn, step
        self._items: list[_Item] = []
        self._signatures: dict[int, str] = {}
        self._hearing: dict[int, Hearing] = {}
        """By the call's item, the tool that hears it."""
        self._may_call = False
        self._record: CallRecord

    async def run(self, provider: Provider, request: Request, model: ModelInfo) -> Answer:
        """The whole answer. Raises ProviderError; what is open then is closed by the turn's end."""
        try:
            return await self._run(provider, request, model)
        finally:
            self._hush()

    async def _run(self, provider: Provider, request: Request, model: ModelInfo) -> Answer:
        finish, count = None, 0
        self._may_call = bool(request.offered)
        self._turn.session.asked = Asked(request, model)
        self._record = self._turn.recorded(request)
        with self._record as call:
            async with provider.stream(request) as chunks:
                async for chunk in chunks:
                    match chunk:
                        case Text():
                            await self._words(e.TextStarted(step=self._step), chunk.text)
                        case Thinking():
                            await self._words(e.ThinkingStarted(step=self._step), chunk.text)
                        case ThinkingSeal():
                            await self._seal(chunk.signature)
                        case CallPart():
                            await self._call(chunk)
                        case UsageSeen():
                            call.usage = priced(chunk.usage, model)
                        case Waiting():
                            self._turn.pass_by(e.ModelWaiting(step=self._step, seconds=chunk.seconds, why=chunk.why))
                        case RatesSeen():
                            pass  # told to wrappers
                        case Restart():
                            await self._void(chunk.why)
                            call.restart(chunk.model)
                        case Finish():
                            finish = chunk
                        case _:
                            assert_never(chunk)
                    if count % BREATH == 0:
                        await trio.lowlevel.checkpoint()
                    count += 1
        assert finish is not None, "the guard raises before"
        await self._taken_in()
        finished = [self._finished(item) for item in self._items]
        items = tuple(item.seq for item in self._items)
        message = Message("assistant", tuple(map(_part, finished)))
        closing = (
            *finished,
            call.told(finish.reason, message),
            e.MessageFinished(step=self._step, items=items, finish=finish.reason),
        )
        return Answer(message, closing, finish.reason, call.usage, call.model, call.blobs)

    @property
    def usage(self) -> Usage:
        """What is known to be used so far."""
        return self._record.usage

    async def give_up(self, why: str) -> None:
        """What came is void, and the log tells of the call: another model is asked."""
        voids = [voiding(item.seq, item.opened, why) for item in self._items]
        await self._turn.emit(*voids, self._record.told(), blobs=self._record.blobs)

    async def passed_over(self, passed: PassedOver, next: str) -> None:
        """The log tells why another model does not answer."""
        await self._turn.emit(passing(passed, next, self._step))

    async def _words(self, opening: e.Event, text: str) -> None:
        last = self._items[-1] if self._items else None
        sealed = last is not None and last.seq in self._signatures
        if last is None or sealed or type(last.opened) is not type(opening):
            last = await self._open(opening)
        self._turn.grow(last.seq, text)

    async def _seal(self, signature: str) -> None:
        last = self._items[-1] if self._items else None
        if last is None or not isinstance(last.opened, e.ThinkingStarted):
            last = await self._open(e.ThinkingStarted(step=self._step))
        self._signatures[last.seq] = signature

    async def _call(self, part: CallPart) -> None:
        item = next((item for item in self._items if item.index == part.index), None)
        if item is None:
            taken = {item.opened.call for item in self._items if isinstance(item.opened, e.CallStarted)}
            id = part.id or f"call_{secrets.token_hex(8)}"
            while id in taken:  # a vendor gave one id twice: each call is one of its own
                id = f"{part.id}_{secrets.token_hex(4)}"
            item = await self._open(e.CallStarted(step=self._step, call=id, tool=part.name), part.index)
            self._listen(item.seq, id, part.name)
        self._turn.grow(item.seq, part.arguments)
        if item.seq in self._hearing:
            self._hearing[item.seq].grow(part.arguments)

    def _listen(self, item: int, id: str, name: str) -> None:
        """Lets the tool hear its call, if it wants to."""
        tool = self._turn.kit.tools.get(name)
        if self._may_call and hasattr(tool, "hear"):
            self._hearing[item] = Hearing(self._turn, tool, id)
            self._turn.nursery.start_soon(self._hearing[item].run)

    async def _taken_in(self) -> None:
        """The message is whole: waits until the tools that hear their calls have worked it out."""
        for hearing in self._hearing.values():
            hearing.end()
        with trio.move_on_after(SECONDS):
            for hearing in self._hearing.values():
                await hearing.over.wait()

    def _hush(self) -> None:
        """Of what they hear nothing counts any more."""
        for hearing in self._hearing.values():
            hearing.cancel()
        self._hearing = {}

    async def _open(self, opening: e.Event, index: int = -1) -> _Item:
        self._record.piece()
        (record,) = await self._turn.emit(opening)
        item = _Item(record.seq, opening, index)
        self._items.append(item)
        return item

    async def _void(self, why: str) -> None:
        if self._items:
            await self._turn.emit(*(voiding(item.seq, item.opened, why) for item in self._items))
        self._items, self._signatures = [], {}
        self._hush()

    def _finished(self, item: _Item) -> e.Event:
        text = self._turn.grown(item.seq)
        match item.opened:
            case e.TextStarted():
                return e.TextFinished(item=item.seq, text=text, step=self._step)
            case e.ThinkingStarted():
                signature = self._signatures.get(item.seq, "")
                return e.ThinkingFinished(item=item.seq, text=text, signature=signature, step=self._step)
            case e.CallStarted(call=call, tool=tool):
                return e.CallFinished(item=item.seq, call=call, tool=tool, text=text, step=self._step)
            case _:
                raise TypeError(f"{e.type_of(item.opened)} is no part of a message.")


class Gathered:
    """One call's chunks put together, for a call that nobody watches."""

    def __init__(self, call: CallRecord, model: ModelInfo) -> None:
        self._call, self._model = call, model
        self._texts: list[str] = []
        self._calls: dict[int, ToolCall] = {}
        self.finish: Finish | None = None

    def take(self, chunk: Chunk) -> None:
        match chunk:
            case Text():
                self._call.piece()
                self._texts.append(chunk.text)
            case CallPart():
                self._call.piece()
                old = self._calls.get(chunk.index) or ToolCall(chunk.id, chunk.name, "")
                self._calls[chunk.index] = ToolCall(old.id, old.name, old.arguments + chunk.arguments)
            case Thinking():
                self._call.piece()
            case UsageSeen():
                self._call.usage = priced(chunk.usage, self._model)
            case Restart():
                self._call.restart(chunk.model)
                self._texts, self._calls = [], {}
            case Finish():
                self.finish = chunk
            case ThinkingSeal() | Waiting() | RatesSeen():
                pass
            case _:
                assert_never(chunk)

    @property
    def message(self) -> Message:
        """The words and calls so far, without thinking."""
        return Message("assistant", (Text("".join(self._texts)), *self._calls.values()))

    def told(self) -> e.UsageRecorded:
        """The event that tells of the call."""
        return self._call.told(self.finish.reason, self.message) if self.finish else self._call.told()


class WholeCall:
    """A model call of `turn` that nobody watches and that is no history."""

    def __init__(self, turn: Turn, role: str) -> None:
        self._turn, self._role = turn, role
        self._record: CallRecord

    async def run(self, provider: Provider, request: Request, model: ModelInfo) -> Answer:
        """The whole answer. Raises ProviderError."""
        self._record = self._turn.recorded(request, self._role)
        gathered = Gathered(self._record, model)
        with self._record as call:
            async with provider.stream(request) as chunks:
                async for chunk in chunks:
                    gathered.take(chunk)
        assert gathered.finish is not None, "the guard raises before"
        closing = (gathered.told(),)
        return Answer(gathered.message, closing, gathered.finish.reason, call.usage, call.model, call.blobs)

    @property
    def usage(self) -> Usage:
        """What is known to be used so far."""
        return self._record.usage

    async def give_up(self, why: str) -> None:
        """The log tells of the call: another model is asked."""
        await self._turn.emit(self._record.told(), blobs=self._record.blobs)

    async def passed_over(self, passed: PassedOver, next: str) -> None:
        """The log tells why another model does not answer."""
        await self._turn.emit(passing(passed, next, self._turn.steps, self._role))


def passing(passed: PassedOver, next: str, step: int, role: str = "") -> e.ModelPassedOver:
    """The event that tells it."""
    why = str(passed.error)
    return e.ModelPassedOver(step=step, model=passed.model, code=passed.error.code, why=why, next=next, role=role)


def _part(event: e.Event) -> Part:
    match event:
        case e.TextFinished(text=text):
            return Text(text)
        case e.ThinkingFinished(text=text, signature=signature):
            return Thinking(text, signature)
        case e.CallFinished(call=call, tool=tool, text=text):
            return ToolCall(call, tool, text)
        case _:
            raise TypeError(f"{e.type_of(event)} is no part of a message.")
