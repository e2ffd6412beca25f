"""A compactor makes a conversation shorter before it fills its model's window. The log stays as it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

from msgspec import Struct

from ..values import Message

if TYPE_CHECKING:
    from ..turn import Turn

Why = Literal["window", "overflow", "asked"]
"""It would soon be too long; the vendor said that it is; somebody asked for it."""


class Cut(Struct, frozen=True):
    """What is sent of a conversation: `text` instead of its first `messages` messages. `model` wrote it; "": code did.

    Of those the ones numbered in `kept`, from 0, are sent all the same, before it. They are the open task, and the
    kernel's to say: what a compactor says there does not count. Results of tools in the messages before number
    `shortened` are sent up to `characters` each.
    """

    messages: int = 0
    text: str = ""
    model: str = ""
    kept: tuple[int, ...] = ()
    shortened: int = 0
    characters: int = 0


class Conversation(Struct, frozen=True):
    """A conversation that is too long. `now` is what is sent of it, `size` how much that is, `window` how much a model
    takes besides system prompt and tools; both in tokens.

    `sizes` are those of all `messages`, in order. `starts` are the numbers of messages that what is sent may begin
    with, in order: no call stands before them whose result is behind. `task` are the messages with the open task.
    `measure` says the tokens of a cut, `count` those of a text.
    """

    messages: Sequence[Message]
    now: Cut
    size: int
    window: int
    why: Why
    sizes: Sequence[int]
    starts: Sequence[int]
    task: Sequence[int]
    measure: Callable[[Cut], int]
    count: Callable[[str], int]


@runtime_checkable
class Compactor(Protocol):
    """`at` is the share of the window from which on it is asked, e.g. 0.8.

    What it gives is taken when it cuts at one of `starts`, says something, and is shorter than `now`; else all is sent
    as before. Whatever it raises counts as that, too. It has 300 seconds.
    """

    @property
    def at(self) -> float: ...

    async def compact(self, turn: Turn, conversation: Conversation, /) -> Cut: ...

    def cut(self, turn: Turn, conversation: Conversation, /) -> Cut:
        """Without any model, where `compact` failed and the window is full."""
        ...
