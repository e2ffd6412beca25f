"""A model's answer on its way to one client: whole as JSON, or piece by piece as Server-Sent Events."""

from __future__ import annotations

import logging
from typing import Any, Literal

import msgspec
import trio
from msgspec import UNSET, Struct, UnsetType

from pillion.answerschema import AnswerSchema, Misfit
from pillion.completions import Completion
from pillion.contracts.provider import Chunk, Finish, RatesSeen, Restart, Waiting
from pillion.errors import BadAnswer
from pillion.secrets import Secrets
from pillion.values import Text, Thinking, Usage

from . import problems
from .logs import REQUEST
from .streams import BEAT

log = logging.getLogger("pillion.http")


class CompletionView(Struct, frozen=True):
    """The model's whole answer. `value` is what its JSON says, where a `schema` was given: it fits."""

    model: str
    text: str
    thinking: str
    finish: Literal["stop", "tool_calls", "length", "filtered"]
    usage: Usage
    value: Any | UnsetType = UNSET


class _Masked:
    """Text that grows, secrets masked: what `whole` holds has been shown."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets
        self.whole = self._rest = ""

    def grow(self, text: str) -> str:
        shown, self._rest = self._secrets.settled(self._rest + text)
        self.whole += shown
        return shown

    def end(self) -> str:
        shown, self._rest = self._secrets.redact(self._rest), ""
        self.whole += shown
        return shown

    def void(self) -> None:
        self.whole = self._rest = ""


class Answering:
    """An async iterator over the bytes of the stream; `whole` is the answer for who can wait. Leaving it ends the call.

    It is no generator: a client that sleeps leaves it between two pieces, where nothing is open.
    """

    def __init__(self, call: Completion, secrets: Secrets, *, path: str, schema: AnswerSchema | None) -> None:
        self._call, self._secrets, self._path, self._schema = call, secrets, path, schema
        self._text, self._thinking = _Masked(secrets), _Masked(secrets)
        self._finish: Finish | None = None
        self._first: Chunk | None = None
        self._over = False

    async def whole(self) -> CompletionView:
        """Raises what went wrong with the call, and BadAnswer for what does not fit the schema."""
        async for chunk in self._call:
            self._take(chunk)
        return self._view()

    async def begun(self) -> None:
        """Waits for the first piece: what goes wrong before it can still be told by the status."""
        while isinstance(first := await anext(self._call), RatesSeen):
            pass
        self._first = first

    def __aiter__(self) -> Answering:
        return self

    async def __anext__(self) -> bytes:
        while not self._over:
            with trio.move_on_after(BEAT):
                if said := await self._next():
                    return said
                continue
            return b": ping\n\n"
        raise StopAsyncIteration

    async def aclose(self) -> None:
        self._call.cancel()

    async def _next(self) -> bytes:
        """What the next piece says; nothing, if it says nothing."""
        if self._first is not None:
            chunk, self._first = self._first, None
            return self._take(chunk)
        try:
            return self._take(await anext(self._call))
        except StopAsyncIteration:
            self._over = True
            return self._end()
        except Exception as error:  # the edge of HTTP: the status is said already
            self._over = True
            return self._problem(error)

    def _take(self, chunk: Chunk) -> bytes:
        match chunk:
            case Text():
                return _grown("text.delta", self._text.grow(chunk.text))
            case Thinking():
                return _grown("thinking.delta", self._thinking.grow(chunk.text))
            case Restart():
                self._text.void()
                self._thinking.void()
                return _said("answer.voided", {"model": chunk.model, "why": chunk.why})
            case Waiting():
                return _said("model.waiting", {"seconds": chunk.seconds, "why": chunk.why})
            case Finish():
                self._finish = chunk
            case _:
                pass
        return b""

    def _end(self) -> bytes:
        rest = _grown("thinking.delta", self._thinking.end()) + _grown("text.delta", self._text.end())
        try:
            return rest + _said("answer.finished", msgspec.structs.asdict(self._view()))
        except BadAnswer as error:
            return rest + self._problem(error)

    def _view(self) -> CompletionView:
        self._text.end()
        self._thinking.end()
        assert self._finish is not None, "the guard raises before"
        text, value = self._text.whole, UNSET
        if self._schema is not None:
            try:
                value = self._schema.read(text)
            except Misfit as misfit:
                why = "It was cut off: raise max_output." if self._finish.reason == "length" else str(misfit)
                raise BadAnswer(f"The answer does not fit the schema. {why}") from None
        return CompletionView(
            self._call.model, text, self._thinking.whole, self._finish.reason, self._call.usage, value
        )

    def _problem(self, error: Exception) -> bytes:
        refused = problems.refusal(error)
        if refused.status == 500:
            log.error("request failed", exc_info=error)
        body = problems.encode(refused, path=self._path, request_id=REQUEST.get())
        return b"event: problem\ndata: " + self._secrets.redact_bytes(body) + b"\n\n"


def _grown(type: str, text: str) -> bytes:
    return _said(type, {"text": text}) if text else b""


def _said(type: str, fields: dict[str, Any]) -> bytes:
    kept = {name: value for name, value in fields.items() if value is not UNSET}
    return f"event: {type}\ndata: ".encode() + msgspec.json.encode({"type": type} | kept) + b"\n\n"
