"""The prompts that wait, in the order in which they will run: a pure fold, like the history it is part of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from msgspec import Struct

from .errors import Conflict, Gone, NotFound
from .events import PromptQueued


class WaitingPrompt(Struct, frozen=True):
    """`time` is when it was accepted, in milliseconds since 1970 UTC."""

    event: PromptQueued
    time: int

    @property
    def id(self) -> str:
        return self.event.prompt


class Prompts:
    """What waits, and what became of the others. Only `claimed` is of the moment; all else follows from the log."""

    def __init__(self) -> None:
        self._waiting: list[WaitingPrompt] = []
        self._taken: dict[str, str] = {}
        """What waits no more -> the turn that took it, `""` when it was dropped."""
        self._claims: set[str] = set()

    # ── the fold ──

    def queued(self, event: PromptQueued, time: int) -> None:
        """An interrupt comes first, and so does what goes on with an earlier turn. What is to join a turn comes before
        all others, should it miss that turn."""
        places = [i for i, other in enumerate(self._waiting) if event.joins and other.event.joins == event.joins]
        first = 0 if event.joins or event.resumes or event.when == "interrupt" else len(self._waiting)
        self._waiting.insert(places[-1] + 1 if places else first, WaitingPrompt(event, time))

    def taken(self, prompt: str, turn: str) -> PromptQueued | None:
        """`turn` took it, or nothing did (`""`). None: it did not wait."""
        found = next((waiting for waiting in self._waiting if waiting.id == prompt), None)
        if found is None:
            return None
        self._waiting.remove(found)
        self._claims.discard(prompt)
        self._taken[prompt] = turn
        return found.event

    # ── what waits ──

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __iter__(self) -> Iterator[WaitingPrompt]:
        """In the order in which they will run."""
        return (waiting for waiting in self._waiting if waiting.id not in self._claims)

    def joining(self, turn: str) -> list[PromptQueued]:
        """Those that join this turn at its next step."""
        return [waiting.event for waiting in self if waiting.event.joins == turn]

    def next(self) -> PromptQueued | None:
        """Claims the first one, for the turn that is to run it."""
        first = next(iter(self), None)
        if first is None:
            return None
        self._claims.add(first.id)
        return first.event

    @contextmanager
    def claimed(self, prompts: Iterable[str]) -> Iterator[None]:
        """While the block writes what becomes of them, nobody else can. They wait on if it fails."""
        claims = set(prompts)
        self._claims |= claims
        try:
            yield
        finally:
            self._claims -= claims

    def check(self, prompt: str) -> None:
        """Does it wait? Raises NotFound, Conflict (it runs or ran), Gone (it was dropped)."""
        if any(waiting.id == prompt for waiting in self):
            return
        if prompt in self._claims:
            raise Conflict("This prompt is about to run. To stop it, cancel the turn.")
        if prompt not in self._taken:
            raise NotFound(f"There is no prompt {prompt!r} in this session.")
        if turn := self._taken[prompt]:
            raise Conflict(f"This prompt was taken up by turn {turn}. While that runs, it can be cancelled.")
        raise Gone("This prompt was withdrawn already.")
