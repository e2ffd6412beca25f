"""Budgets of sessions and days: reserved before each call, settled behind it, and asked about when they are used up."""

from __future__ import annotations

import secrets
import time
from typing import Annotated

import trio
from msgspec import Meta, Struct

from pillion import Event, ModelInfo, Session, Turn, Usage
from pillion import events as e
from pillion.contracts.provider import Caller, Request
from pillion.errors import BudgetSpent

from .accounts import Accounts
from .purse import Purse, Spent, at_most
from .sums import DAY

REMEMBERED = 1_000
"""Budgets that are kept; others are added up from their calls again."""
FRESH = 60.0
"""Seconds after which a day's sum is compared with the store: other processes may use it, too."""
MORE, END = "more", "end"

Money = Annotated[float, Meta(gt=0)]
Tokens = Annotated[int, Meta(ge=1)]


class Config(Struct, frozen=True, forbid_unknown_fields=True):
    """`[plugins.usage]`. Budgets, none by default: what a session with its children may use, and what all of them may
    on one day (UTC); US dollars, or tokens in and out."""

    session_cost: Money | None = None
    session_tokens: Tokens | None = None
    day_cost: Money | None = None
    day_tokens: Tokens | None = None

    def of_sessions(self) -> dict[str, float]:
        return _given(session_cost=self.session_cost, session_tokens=self.session_tokens)

    def of_days(self) -> dict[str, float]:
        return _given(day_cost=self.day_cost, day_tokens=self.day_tokens)

    @property
    def keeps(self) -> bool:
        """Is there any?"""
        return bool(self.of_sessions() or self.of_days())


class BudgetReached(Event, frozen=True, tag="budget.reached"):
    """In the root session's log: `used` of what `budget` (session_cost, session_tokens, day_cost, day_tokens) allows,
    `limit`, is used; US dollars or tokens. The question with the id `question` asks whether `more` is added (`more`)
    or the turn ends (`end`), which counts at the `deadline` (ms since 1970)."""

    budget: str
    used: float
    limit: float
    more: float
    question: str
    deadline: int


class Reserved:
    """What one call has reserved; to be settled exactly once."""

    def __init__(self, purses: list[Purse], spent: Spent, model: ModelInfo) -> None:
        self._purses, self._spent, self._model = purses, spent, model

    def settle(self, usage: Usage) -> None:
        for purse in self._purses:
            purse.settle(self._spent, Spent.of(usage, self._model))


class Budgets:
    """Those of one plugin object."""

    def __init__(self, config: Config, accounts: Accounts) -> None:
        self.config, self._accounts = config, accounts
        self._purses: dict[tuple[str, str], Purse] = {}
        """By name, and session or day; the one used last is the last."""

    async def reserve(self, request: Request) -> Reserved:
        """Waits until there is room for the call, or somebody allows more. Raises BudgetSpent, StoreFailed."""
        kernel, caller = self._accounts.kernel, request.caller
        _, model = kernel.catalog.model(request.model)
        most = at_most(request, model, kernel.catalog.counter(model))
        session = kernel.roster.live(caller.session) if caller.session else None
        while True:
            purses = await self._all(caller.root)
            if spent := next((purse for purse in purses if purse.is_spent), None):
                await self._reached(spent, session, caller)
            elif full := next((purse for purse in purses if not purse.fits(most)), None):
                _show(full, session, caller)
                await full.change()
            else:
                break
        for purse in purses:
            purse.reserve(most)
        return Reserved(purses, most, model)

    async def _all(self, root: str) -> list[Purse]:
        """What a call of that session counts for. No wait behind the last one that is found."""
        today = time.time_ns() // 1_000_000 // DAY
        for name, most in self.config.of_days().items():
            await self._purse(name, str(today), most, since=today)
        for name, most in self.config.of_sessions().items() if root else ():
            await self._purse(name, root, most, session=root)
        names = [(name, str(today)) for name in self.config.of_days()]
        names += [(name, root) for name in self.config.of_sessions() if root]
        return [self._purses[key] for key in names]

    async def _purse(self, name: str, of: str, most: float, *, session: str = "", since: int | None = None) -> None:
        """Sees to it that there is one, and that it knows what others have used."""
        purse = self._purses.get((name, of))
        stale = purse is not None and since is not None and trio.current_time() - purse.looked > FRESH
        if purse is not None and not stale:
            self._purses[name, of] = self._purses.pop((name, of))
            return
        if stale and purse is not None:
            purse.looked = trio.current_time()  # who comes meanwhile need not look, too
        usage = await self._accounts.used(session=session, since=since)
        used = Purse(name, most, 0).amount(Spent(usage.cost, usage.tokens))
        known = self._purses.setdefault((name, of), Purse(name, most, used))
        known.used = max(known.used, used)
        for key in [key for key, old in self._purses.items() if old.idle and old is not known][:-REMEMBERED]:
            del self._purses[key]

    async def _reached(self, purse: Purse, session: Session | None, caller: Caller) -> None:
        """Asks whoever watches the turn, once for all its calls; comes back where it may go on. Raises BudgetSpent."""
        turn = session.turn if session else None
        whole = session.root.turn if session else None
        if session is None or turn is None or whole is None or turn.id != caller.turn:
            raise _spent(purse)  # there is nobody to ask
        lock = purse.asking.setdefault(session.root.id, trio.Lock())
        async with lock:
            if purse.is_spent and purse.ended.get(session.root.id) != whole.id:
                answer = await self._asked(purse, session, turn)
                if answer == END:
                    purse.ended[session.root.id] = whole.id
                elif purse.is_spent:  # else somebody in another session was first
                    purse.allow_more()
            if purse.is_spent:
                raise _spent(purse)

    async def _asked(self, purse: Purse, session: Session, turn: Turn) -> str | None:
        seconds = self._accounts.kernel.settings.deadlines.question
        question, deadline = secrets.token_hex(16), int((time.time() + seconds) * 1000)
        told = BudgetReached(
            step=turn.steps,
            budget=purse.name,
            used=purse.used,
            limit=purse.most,
            more=purse.more,
            question=question,
            deadline=deadline,
        )
        await session.root.write(turn, told)
        whose = "of this session" if purse.name.startswith("session_") else "of today"
        text = (
            f"The budget {whose} is used up: {purse.said(purse.used)} of {purse.said(purse.most)}. "
            f"Go on for up to {purse.said(purse.more)} more, or end the turn?"
        )
        return (await turn.ask(text, (MORE, END), free=False, default=END, id=question)).answer


def _show(purse: Purse, session: Session | None, caller: Caller) -> None:
    turn = session.turn if session else None
    if turn is not None and turn.id == caller.turn:
        why = f"Calls under way may use the rest of the budget {purse.name}: one of them ends first."
        turn.pass_by(e.ModelWaiting(step=turn.steps, seconds=0, why=why))


def _spent(purse: Purse) -> BudgetSpent:
    said = f"The budget {purse.name} is used up: {purse.said(purse.used)} of {purse.said(purse.most)}."
    return BudgetSpent(purse.name, said)


def _given(**budgets: float | None) -> dict[str, float]:
    return {name: most for name, most in budgets.items() if most is not None}
