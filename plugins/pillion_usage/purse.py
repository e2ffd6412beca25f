"""One budget, filled and used: money or tokens of a session, or of a day."""

from __future__ import annotations

from weakref import WeakValueDictionary

import trio
from msgspec import Struct

from pillion.contracts.provider import Request
from pillion.tokens import Counter, tokens_of
from pillion.values import ModelInfo, Usage, priced


class Spent(Struct, frozen=True):
    """What a call used, or may use at most: US dollars, and tokens in and out."""

    cost: float = 0.0
    tokens: float = 0.0

    @classmethod
    def of(cls, usage: Usage, model: ModelInfo) -> Spent:
        return cls(priced(usage, model).cost, usage.tokens)


def at_most(request: Request, model: ModelInfo, counter: Counter) -> Spent:
    """What a call may use: its input as it is counted before it is sent, all of it put into the vendor's cache where
    that costs more, and the longest answer that the request and the model allow."""
    sent = tokens_of(request.messages, request.system, request.tools, counter)
    output = min(request.max_output or model.output, model.output)
    return Spent.of(Usage(input=sent, output=output, written=sent), model)


class Purse:
    """`most` of what `name` counts (`session_cost`, `day_tokens`, …) may be used; `used` is, and calls under way have
    reserved what they may use.

    A call that is alone may go over: else nobody could use what is left. So it goes over by one call at most.
    """

    def __init__(self, name: str, most: float, used: float) -> None:
        self.name, self.most, self.used = name, most, used
        self.more = most
        """What somebody who is asked may add."""
        self.looked = trio.current_time()
        """When `used` was last compared with the store."""
        self.ended: dict[str, str] = {}
        """The turn, by its session, in which somebody said that it is to end, or nobody said anything."""
        self.asking: WeakValueDictionary[str, trio.Lock] = WeakValueDictionary()
        """Of each session whose person is asked."""
        self._reserved: list[float] = []
        self._changed = trio.Event()

    @property
    def is_money(self) -> bool:
        return self.name.endswith("_cost")

    @property
    def is_spent(self) -> bool:
        return self.used >= self.most

    @property
    def idle(self) -> bool:
        """Would its used amount alone tell all of it?"""
        return not self._reserved and self.most == self.more and not self.ended

    def amount(self, spent: Spent) -> float:
        """What of it counts here."""
        return spent.cost if self.is_money else spent.tokens

    def fits(self, spent: Spent) -> bool:
        """Is there room for such a call beside those that are under way?"""
        return not self._reserved or self.used + sum(self._reserved) + self.amount(spent) <= self.most

    def reserve(self, spent: Spent) -> None:
        self._reserved.append(self.amount(spent))

    def settle(self, reserved: Spent, spent: Spent) -> None:
        """The call that had reserved that much is over, and used so much."""
        self._reserved.remove(self.amount(reserved))
        self.used += self.amount(spent)
        self._tell()

    def allow_more(self) -> None:
        """From what is used now on."""
        self.most = max(self.most, self.used) + self.more
        self._tell()

    async def change(self) -> None:
        """Waits until a call is over, or more is allowed."""
        await self._changed.wait()

    def said(self, amount: float) -> str:
        """`$1.25`, `12,000 tokens`."""
        if not self.is_money:
            return f"{amount:,.0f} tokens"
        return f"${amount:,.2f}" if amount >= 1 else f"${amount:,.4f}"

    def _tell(self) -> None:
        self._changed.set()
        self._changed = trio.Event()
