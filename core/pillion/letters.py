"""What an actor's mailbox takes, and how the answer comes back to who sent the letter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import trio
from msgspec import Struct

from . import events as e
from .asking import Asking

if TYPE_CHECKING:
    from .turn import Turn


class Accepted(Struct, frozen=True):
    """A prompt is durable: `turn` will take it up; its events come behind the cursor `after`."""

    turn: str
    after: str
    prompt: str


class Prompt(Struct, frozen=True):
    event: e.PromptQueued
    blobs: Mapping[str, bytes]


class Resume(Struct, frozen=True):
    """Go on with the turn that did not come to its end, or with what waits."""


class Withdraw(Struct, frozen=True):
    prompt: str


class Cancel(Struct, frozen=True):
    by: str


class Decide(Struct, frozen=True):
    """The answer to approval or question `id`, one of `asking`."""

    asking: Asking[Any]
    id: str
    answer: Any


class Change(Struct, frozen=True):
    """What the session is called or answers with; None is as before, and so is a label or role that is not named.

    `expected`: versions of the session (`version_of`) of which it must be one; empty: whatever it is.
    """

    title: str | None = None
    labels: Mapping[str, str | None] = {}
    model: str | None = None
    strategy: str | None = None
    archived: bool | None = None
    roles: Mapping[str, Sequence[str] | None] = {}
    expected: frozenset[str] = frozenset()


class Note(Struct, frozen=True):
    events: tuple[e.Event, ...]
    blobs: Mapping[str, bytes] = {}


class Rest(Struct, frozen=True):
    """Leave memory, if nothing needs you there. The answer: do you?"""


class Ended(Struct, frozen=True):
    """The turn's own last word to its actor."""

    turn: Turn


Letter = Prompt | Resume | Withdraw | Cancel | Decide | Change | Note | Rest | Ended


class AtRest(Exception):
    """The letter was not taken: its session is out of memory. Never leaves the session."""


class Reply:
    """Carries a letter's answer, or what it raised, back to its sender."""

    def __init__(self) -> None:
        self._ready = trio.Event()
        self._value: Any = None
        self._error: Exception | None = None

    def set(self, value: Any) -> None:
        self._value = value
        self._ready.set()

    def fail(self, error: Exception) -> None:
        """What came first counts."""
        if not self._ready.is_set():
            self._error = error
            self._ready.set()

    async def wait(self) -> Any:
        await self._ready.wait()
        if self._error is not None:
            raise self._error
        return self._value
