"""Approvals that wait for somebody. The first answer wins; a late one is told so."""

from __future__ import annotations

from typing import Literal

import trio
from msgspec import Struct

from .errors import Conflict, Gone, NotFound
from .events import ApprovalWanted

REMEMBERED = 256
"""Closed approvals that are kept, to tell a second or late answer what happened."""


class Decision(Struct, frozen=True):
    """An answer. `by`: person, flag, rule, deadline, cancel, restart."""

    decision: Literal["allow", "deny"]
    by: str
    reason: str = ""
    remember: Literal["once", "session"] = "once"


class Pending:
    """One open approval: `wanted` as it was shown, of turn `turn`; `key` is what remembering would remember."""

    def __init__(self, wanted: ApprovalWanted, turn: str, key: tuple[str, str]) -> None:
        self.wanted, self.turn, self.key = wanted, turn, key
        self.answer: Decision | None = None
        self._shown = trio.Event()

    def release(self) -> None:
        """The answer is durable: whoever waits goes on."""
        self._shown.set()

    async def wait(self) -> Decision:
        await self._shown.wait()
        assert self.answer is not None
        return self.answer


class Approvals:
    """The approvals of a root session and its children."""

    def __init__(self) -> None:
        self._pending: dict[str, Pending] = {}
        self._closed: dict[str, Decision] = {}
        self._remembered: set[tuple[str, str]] = set()

    def add(self, pending: Pending) -> None:
        self._pending[pending.wanted.approval] = pending

    def remembered(self, key: tuple[str, str]) -> bool:
        """Has somebody allowed this for the session?"""
        return key in self._remembered

    def claim(self, approval: str, decision: Decision) -> Pending:
        """Takes the answer. Raises Conflict when another was first, Gone when the wait is over, NotFound."""
        pending = self._pending.pop(approval, None)
        if pending is None:
            if approval not in self._closed:
                raise NotFound(f"There is no approval {approval!r} in this session.")
            earlier = self._closed[approval]
            if earlier.by in ("deadline", "cancel", "restart"):
                raise Gone(f"The approval is closed since {earlier.by}: it counts as denied.")
            raise Conflict(f"The approval is decided already: {earlier.decision}, by {earlier.by}.")
        pending.answer = decision
        self._closed[approval] = decision
        if len(self._closed) > REMEMBERED:
            del self._closed[next(iter(self._closed))]
        if decision.decision == "allow" and decision.remember == "session":
            self._remembered.add(pending.key)
        return pending

    def of(self, turn: str) -> list[str]:
        """The open approvals of a turn."""
        return [id for id, pending in self._pending.items() if pending.turn == turn]
