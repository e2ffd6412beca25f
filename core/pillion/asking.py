"""What waits for a person's answer: approvals and questions. The first answer wins; a late one is told so."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Generic, Literal, NoReturn, TypeVar

import trio
from msgspec import Struct

from . import events as e
from .errors import ConfigError, Conflict, Gone, NotFound

REMEMBERED = 256
"""Answers that are kept, to tell a second or late one what happened."""
UNASKED = ("deadline", "cancel", "restart", "break")
"""Who answers when nobody did."""
Remember = Literal["once", "session", "always"]


class Decision(Struct, frozen=True):
    """What an approval gets. `by`: person, flag, rule, deadline, cancel, restart, break."""

    decision: Literal["allow", "deny"]
    by: str
    reason: str = ""
    remember: Remember = "once"


class Answered(Struct, frozen=True):
    """What a question gets: `answer` is None where there is none. `by` as in a Decision; `given`: somebody said it."""

    answer: str | None
    by: str
    given: bool = True


class Offer(Struct, frozen=True):
    """What allowing `always` does: `rule` is added to the settings of `plugin`, and its `policy` learns it."""

    plugin: str
    policy: Any
    rule: Mapping[str, Any]


Given = TypeVar("Given", Decision, Answered)


class Pending(Generic[Given]):
    """One open approval or question of turn `turn`, `asked` as it is shown.

    An approval's `key` is what allowing it for the session remembers; `offer` is what allowing it always does.
    `broken` says whether somebody has broken in, so that it waits no longer.
    """

    def __init__(
        self,
        id: str,
        asked: e.Event,
        turn: str,
        *,
        key: tuple[str, str] = ("", ""),
        offer: Offer | None = None,
        broken: Callable[[], bool] = lambda: False,
    ) -> None:
        self.id, self.asked, self.turn, self.key, self.offer, self.broken = id, asked, turn, key, offer, broken
        self.answer: Given | None = None
        self.held: Given | None = None
        """An answer that is being carried out: meanwhile no other one is taken."""
        self._shown = trio.Event()

    def release(self) -> None:
        """The answer is durable: whoever waits goes on."""
        self._shown.set()

    async def wait(self) -> Given:
        await self._shown.wait()
        assert self.answer is not None
        return self.answer


class Asking(Generic[Given]):
    """The approvals, or the questions, of a root session and its children."""

    noun: str

    def __init__(self) -> None:
        self._pending: dict[str, Pending[Given]] = {}
        self._closed: dict[str, Given] = {}

    @abstractmethod
    def nobody(self, by: str) -> Given:
        """What counts when nobody answers."""

    @abstractmethod
    def closing(self, id: str, answer: Given) -> e.Event:
        """The event that tells the answer."""

    @abstractmethod
    def refusal(self, earlier: Given) -> str:
        """Why a second answer is none."""

    def add(self, pending: Pending[Given]) -> None:
        self._pending[pending.id] = pending

    @property
    def remembers(self) -> bool:
        """Would something be forgotten with it?"""
        return bool(self._closed)

    def open(self) -> list[str]:
        """The ids of those that wait."""
        return list(self._pending)

    def of(self, turn: str) -> list[str]:
        """The ids of those that a turn waits for."""
        return [id for id, pending in self._pending.items() if pending.turn == turn]

    def broken(self, turn: str) -> list[str]:
        """The ids of those that it need wait for no longer, since somebody has broken in."""
        return [id for id in self.of(turn) if self._pending[id].broken()]

    def find(self, id: str, answer: Given) -> Pending[Given]:
        """The one that `answer` may answer. Raises Conflict when another was first, Gone when the wait is over,
        NotFound."""
        pending = self._pending.get(id)
        if pending is None:
            self._refuse(id)
        if pending.held is not None and pending.held is not answer and answer.by not in UNASKED:
            raise Conflict(f"Somebody is answering this {self.noun} at this moment.")
        return pending

    def claim(self, id: str, answer: Given) -> Pending[Given]:
        """Takes the answer. Raises what `find` does."""
        pending = self.find(id, answer)
        del self._pending[id]
        pending.answer = answer
        self.remember(id, answer)
        return pending

    def remember(self, id: str, answer: Given) -> None:
        """So that a second or late answer is told what happened."""
        self._closed[id] = answer
        if len(self._closed) > REMEMBERED:
            del self._closed[next(iter(self._closed))]

    def stray(self, id: str) -> e.Event:
        """Closes one that nobody waits for: with the answer that counted, or as nobody's."""
        return self.closing(id, self._closed.get(id) or self.nobody("cancel"))

    def _refuse(self, id: str) -> NoReturn:
        if id not in self._closed:
            raise NotFound(f"There is no {self.noun} {id!r} in this session.")
        earlier = self._closed[id]
        said = self.refusal(earlier)
        if earlier.by in UNASKED:
            raise Gone(f"The {self.noun} is closed since {earlier.by}: {said}.")
        raise Conflict(f"The {self.noun} is answered already: {said}, by {earlier.by}.")


class Approvals(Asking[Decision]):
    """May this call run?"""

    noun = "approval"

    def __init__(self) -> None:
        super().__init__()
        self._allowed: set[tuple[str, str]] = set()

    def nobody(self, by: str) -> Decision:
        return Decision("deny", by)

    def closing(self, id: str, answer: Decision) -> e.Event:
        return e.ApprovalDecided(
            approval=id, decision=answer.decision, by=answer.by, reason=answer.reason, remember=answer.remember
        )

    def refusal(self, earlier: Decision) -> str:
        return "it counts as denied" if earlier.by in UNASKED else earlier.decision

    def allowed(self, key: tuple[str, str]) -> bool:
        """Has somebody allowed this for the session?"""
        return key in self._allowed

    def claim(self, id: str, answer: Decision) -> Pending[Decision]:
        pending = super().claim(id, answer)
        if answer.decision == "allow" and answer.remember == "session":
            self._allowed.add(pending.key)
        return pending

    @contextmanager
    def held(self, id: str, decision: Decision) -> Iterator[Offer]:
        """What `always` does, while no other answer is taken. Raises what `find` does, and ConfigError."""
        pending = self.find(id, decision)
        if pending.offer is None or decision.decision != "allow":
            said = "No rule can be written for this call." if pending.offer is None else "Only `allow` is remembered."
            raise ConfigError(said, key="remember", hint="Answer for once, or for the session.")
        pending.held = decision
        try:
            yield pending.offer
        finally:
            pending.held = None


class Questions(Asking[Answered]):
    """What does the person say?"""

    noun = "question"

    def nobody(self, by: str) -> Answered:
        return Answered(None, by, given=False)

    def closing(self, id: str, answer: Answered) -> e.Event:
        return e.QuestionAnswered(question=id, answer=answer.answer, by=answer.by)

    def refusal(self, earlier: Answered) -> str:
        return "nobody answered" if earlier.answer is None else repr(earlier.answer)

    def find(self, id: str, answer: Answered) -> Pending[Answered]:
        pending = super().find(id, answer)
        asked = pending.asked
        assert isinstance(asked, e.QuestionAsked)
        if answer.answer is not None and not asked.free and answer.answer not in asked.options:
            known = ", ".join(map(repr, asked.options))
            raise ConfigError(f"The answer must be one of: {known}.", key="answer")
        return pending
