"""A provider talks to models. Vendor types never leave its plugin, and its SDK's own retries are off."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Literal, Protocol, runtime_checkable

from msgspec import Struct

from ..values import Message, ModelInfo, Rate, Text, Thinking, ToolSpec, Usage


class Caller(Struct, frozen=True):
    """For whom a call is made: by session and turn; `turn` is "" outside of any, both for a call without a session.

    `root` is the session that no turn opened: itself, or the one that its parents come from. `role` is what the model
    is wanted for. Wrappers may go by it; a vendor is sent none of it, unless as a digest that says which calls belong
    together.
    """

    session: str = ""
    turn: str = ""
    role: str = ""
    root: str = ""


class Request(Struct, frozen=True):
    """One model call. `model` is the full name, `provider/model`.

    `schema`: the answer is JSON that fits this JSON Schema, where the provider can hold the model to it.
    `tool_choice`: with `none` the model is told of `tools`, since the conversation speaks of them, but may call none.
    """

    model: str
    messages: tuple[Message, ...]
    system: str = ""
    tools: tuple[ToolSpec, ...] = ()
    max_output: int | None = None
    temperature: float | None = None
    schema: dict[str, Any] | None = None
    tool_choice: Literal["auto", "none"] = "auto"
    caller: Caller = Caller()

    @property
    def offered(self) -> tuple[ToolSpec, ...]:
        """The tools that may be called now."""
        return self.tools if self.tool_choice == "auto" else ()


class CallPart(Struct, frozen=True):
    """A piece of a tool call. The first piece of call number `index` has `id` and `name`; `arguments` grows."""

    index: int
    id: str = ""
    name: str = ""
    arguments: str = ""


class ThinkingSeal(Struct, frozen=True):
    """The vendor's signature of the thinking that came before it; ends that piece of thinking."""

    signature: str


class UsageSeen(Struct, frozen=True):
    """Tokens of this call so far; a later one replaces an earlier one."""

    usage: Usage


class RatesSeen(Struct, frozen=True):
    """What the vendor says that it takes of the key, for this model; before the first piece of the answer.

    For wrappers that keep to it. To everybody else it says nothing.
    """

    rates: tuple[Rate, ...]


class Waiting(Struct, frozen=True):
    """The call waits `seconds` because of `why`. Told to watchers as `model.waiting`."""

    seconds: float
    why: str


class Restart(Struct, frozen=True):
    """All that this call has streamed is void; `model` now begins again because of `why`."""

    why: str
    model: str


class Finish(Struct, frozen=True):
    """The model ended. A stream that ends without it is a fault."""

    reason: Literal["stop", "tool_calls", "length", "filtered"]


Chunk = Text | Thinking | ThinkingSeal | CallPart | UsageSeen | RatesSeen | Waiting | Restart | Finish


@runtime_checkable
class Provider(Protocol):
    """A source of models.

    `stream` opens one call: an async context manager over its chunks. Leaving it closes the connection. The context
    manager may hold a nursery open, the iterator may not: its steps run under cancel scopes of the caller. A wrapper
    enters the stream inside it in no cancel scope that ends before the stream does.
    Raises the ProviderError classes; every other exception counts as a bug of the provider.

    One that also has `counter(model) -> Counter | None` counts tokens as the model does (tokens.py), without asking
    anybody; one that has `async count(request) -> int` asks its vendor to count, and raises as `stream` does. Wrappers
    need neither.

    It may have an attribute `account`, a text: those with the same one speak to one vendor with one key, so that the
    vendor's limits hold for them together. It is made of no more of the key than a Key's `mark`.
    """

    @property
    def name(self) -> str: ...

    def models(self) -> Sequence[ModelInfo]: ...

    def stream(self, request: Request, /) -> AbstractAsyncContextManager[AsyncIterator[Chunk]]: ...
