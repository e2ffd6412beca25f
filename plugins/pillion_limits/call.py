"""One model call: its place in the row, and what it takes of each limit."""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, Sequence
from typing import TYPE_CHECKING

import trio

from pillion.contracts.provider import Request, Waiting
from pillion.errors import ProviderBusy
from pillion.values import Rate, Usage

from .lane import Kind, Lane, amounts, characters
from .meter import Meter, Use

if TYPE_CHECKING:
    from .account import Account

SAY_AGAIN = 1.0
"""Seconds, at least, between two things that are said of one wait."""


class Call:
    """Waits until it `may`, is sent, answered, `ended`. What it takes is guessed first, and put right by its usage."""

    def __init__(self, account: Account, lane: Lane, request: Request, most: int | None) -> None:
        self.lane, self.may = lane, False
        self.session = request.caller.root or request.caller.session
        self._account = account
        counts = not lane.known or any(kind != "requests" for kind, _ in account.meters(lane))
        self._characters = characters(request) if counts else 0
        self._guess = lane.guess(self._characters, request, most) if counts else Usage()
        self._usage = Usage()
        self.takes = amounts(self._guess)
        self._uses: list[tuple[Kind, Meter, Use]] = []
        self._sent = self._answered = False
        self._called, self._due = trio.Event(), math.inf

    async def turn(self, longest: float) -> AsyncGenerator[Waiting]:
        """Waits until it may be made, and tells for how long. Raises ProviderBusy when that is more than `longest`."""
        give_up, said = trio.current_time() + longest, -math.inf
        while not self.may:
            now = trio.current_time()
            at, why = self._account.outlook(self, now)
            if at >= give_up and (self.lane.known or now >= give_up):
                raise ProviderBusy(f"It would have to wait {at - now:.0f} s: {why}", at - now)
            if now >= said or at > said + SAY_AGAIN:
                said = max(at, now + SAY_AGAIN)
                yield Waiting(round(at - now, 1), why)
            await self._wait(min(said, give_up))

    def sent(self) -> None:
        """From here on the vendor may count it."""
        self._sent = True

    def answered(self) -> None:
        """The vendor answers."""
        now = trio.current_time()
        self._answered = True
        for _, meter, use in self._uses:
            meter.answered(use, now)
        self._account.go_on(now)

    def learn(self, rates: Sequence[Rate]) -> None:
        """What the vendor said with the answer."""
        now = trio.current_time()
        self.lane.known_now(now)
        self.lane.learn(rates, now)
        self._account.go_on(now)

    def used(self, usage: Usage, *, whole: bool = False) -> None:
        """What it used so far, or as a `whole`."""
        self._usage = usage
        output = usage.output if whole else max(usage.output, self._guess.output)
        self._settle(Usage(usage.input, output, usage.cached))

    def finished(self) -> None:
        """The answer is whole."""
        if self._usage.tokens:
            self.used(self._usage, whole=True)
            self.lane.settle(self._characters, self._usage)

    def busy(self, error: ProviderBusy) -> None:
        """The vendor refused it for now."""
        now = trio.current_time()
        self.lane.busy(error, now)
        self.lane.learn(error.rates, now)
        self._account.told(self.lane)

    def ended(self) -> None:
        """Whatever became of it. Who waited and no longer does leaves his place at once."""
        now = trio.current_time()
        if not self.may:
            self._account.leave(self)
        elif not self._sent:
            for _, meter, use in self._uses:
                meter.drop(use)
        elif not self._answered:
            self._settle(Usage())
            self.answered()
        if self._sent:
            self.lane.known_now(now)
        self._account.go_on(now)

    # ── for the account ──

    def go(self, now: float) -> None:
        """It may be made."""
        self._uses = [
            (kind, meter, meter.take(self.takes[kind], now)) for kind, meter in self._account.meters(self.lane)
        ]
        self.may = True
        self.lane.began(now)
        self._called.set()

    def look_again(self, at: float) -> None:
        """Its time may come then."""
        if at != self._due:
            self._due = at
            self._called.set()

    async def _wait(self, until: float) -> None:
        """Until it may be made, or something is otherwise, or that time."""
        with trio.move_on_at(min(until, self._due)):
            await self._called.wait()
        if self.may:
            return
        self._called = trio.Event()
        now = trio.current_time()
        if now >= self._due:
            self._due = math.inf
        self._account.go_on(now)

    def _settle(self, usage: Usage) -> None:
        now, takes = trio.current_time(), amounts(usage)
        for kind, meter, use in self._uses:
            meter.change(use, takes[kind], now)
        self._account.go_on(now)
