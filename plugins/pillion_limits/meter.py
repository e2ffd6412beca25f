"""How much of one thing was used in the last while, and when some more of it fits."""

from __future__ import annotations

from bisect import insort
from operator import attrgetter

from pillion.values import Rate

MARGIN = 0.1
"""Seconds that a use counts longer here than the vendor says: its clock ticks otherwise."""
AT_ONCE = 0.25
"""Of a limit. The rest comes evenly, so that somebody who comes new finds some left."""


class Use:
    """`amount` of something, used until `until`; until then unknown, it is on its way."""

    __slots__ = ("amount", "until")

    def __init__(self, amount: float) -> None:
        self.amount = amount
        self.until = float("inf")


_until = attrgetter("until")


class Meter:
    """At most `limit` in any `seconds`, whichever they are: so it holds for a vendor with fixed windows, with sliding
    ones, and with a bucket that fills steadily. A quarter of it may be used at once, the rest comes evenly (GCRA).

    A use counts from before it is sent until `seconds` after the vendor answered, since nobody knows when the vendor
    began to count.
    """

    def __init__(self, limit: float, seconds: float = 60.0) -> None:
        self.limit, self.seconds = limit, seconds
        self._used = 0.0
        self._paid = 0.0
        """The time until which the use so far reaches, when it comes evenly."""
        self._ending: list[Use] = []
        """Those that have an end, the first to end first."""

    def used(self, now: float) -> float:
        over = 0
        for use in self._ending:
            if use.until > now:
                break
            self._used -= use.amount
            over += 1
        del self._ending[:over]
        return self._used

    def take(self, amount: float, now: float) -> Use:
        """From now on it counts, until it is `answered` and its time is over, or it is `dropped`."""
        self._used += amount
        self._paid = max(self._paid, now) + self._evenly(amount)
        return Use(amount)

    def answered(self, use: Use, now: float, seconds: float | None = None) -> None:
        use.until = now + MARGIN + (self.seconds if seconds is None else seconds)
        insort(self._ending, use, key=_until)

    def change(self, use: Use, amount: float, now: float) -> None:
        """It was another amount than was thought."""
        if use.until > now:
            self._used += amount - use.amount
            self._paid += self._evenly(amount - use.amount)
            use.amount = amount

    def drop(self, use: Use) -> None:
        """It was not used after all. To be called before it is answered."""
        self._used -= use.amount
        self._paid -= self._evenly(use.amount)

    def learn(self, rate: Rate, now: float) -> None:
        """What the vendor says. Where less is left than is known of here, others use the key, too."""
        self.limit, self.seconds = rate.limit, rate.seconds
        if rate.left is None:
            return
        others = self.limit - self.used(now) - rate.left
        if others > 0:
            reset = self.seconds if rate.reset is None else min(rate.reset, self.seconds)
            self._used += others
            self.answered(Use(others), now, reset)

    def when(self, amount: float, now: float) -> float:
        """The time from which on it fits. Infinity: not before something is answered. What is larger than the limit
        fits where nothing else is used."""
        if not amount:
            return now
        return max(self._fits(amount, now), self._paid - AT_ONCE * self.seconds)

    def about(self, amount: float, before: int, now: float) -> float:
        """About the time from which on it fits, when as much is used so many times before."""
        amount = min(amount, self.limit)
        if not amount:
            return now
        rounds, rest = divmod(amount * (before + 1), self.limit)
        if not rest:
            rounds, rest = rounds - 1, self.limit
        evenly = max(self._paid, now) + self._evenly(amount * before) - AT_ONCE * self.seconds
        return max(min(self._fits(rest, now), now + self.seconds) + rounds * self.seconds, evenly)

    def _fits(self, amount: float, now: float) -> float:
        need = self.used(now) + min(amount, self.limit) - self.limit
        if need <= 0:
            return now
        for use in self._ending:
            need -= use.amount
            if need <= 0:
                return use.until
        return float("inf")

    def _evenly(self, amount: float) -> float:
        """The seconds that it takes, when it comes evenly."""
        return amount * self.seconds / self.limit
