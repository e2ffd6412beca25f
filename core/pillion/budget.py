"""What may be used, as a tree: a child reserves from its parent and settles with what it used."""

from __future__ import annotations

import trio

from .errors import BudgetSpent
from .values import Limits, Usage

_COUNTED = ("steps", "tokens", "cost")


class Budget:
    """Counts steps, tokens and cost against `limits`; `deadline` is on trio's clock.

    What a child may use is reserved in its parent at once, so children side by side can't overshoot together. A call
    that is under way counts when its usage is known, so one call may go over.
    """

    def __init__(self, limits: Limits, parent: Budget | None = None) -> None:
        self.limits = limits
        own = float("inf") if limits.seconds is None else trio.current_time() + limits.seconds
        self.deadline: float = min(own, parent.deadline) if parent else own
        self.steps = 0
        self.usage = Usage()
        self._parent = parent
        self._children: list[Budget] = []

    def left(self) -> Limits:
        """What is neither used nor reserved; `seconds` counts from now."""
        seconds = None if self.deadline == float("inf") else max(0.0, self.deadline - trio.current_time())
        counted = {name: self._left(name) for name in _COUNTED}
        return _limits(seconds, {name: None if left is None else max(0, left) for name, left in counted.items()})

    def step(self) -> None:
        """Counts one step. Raises BudgetSpent when a limit is reached already."""
        self._check()
        self.steps += 1

    def spend(self, usage: Usage) -> None:
        """Counts what a model call used."""
        self.usage += usage

    def reserve(self, limits: Limits) -> Budget:
        """A child's budget: `limits`, or what is left here where that is less. Raises BudgetSpent when nothing is.

        A limit that is None takes all that is left; name the limits of children that run side by side.
        """
        self._check()
        share: dict[str, float | None] = {}
        for name in _COUNTED:
            left, wanted = self._left(name), getattr(limits, name)
            share[name] = wanted if left is None else left if wanted is None else min(wanted, left)
        child = Budget(_limits(limits.seconds, share), self)
        self._children.append(child)
        return child

    def settle(self) -> None:
        """The child's end: its parent gets back what it did not use. A second call does nothing."""
        if self._parent is not None and self in self._parent._children:
            self._parent._children.remove(self)
            self._parent.steps += self.steps
            self._parent.usage += self.usage

    def _check(self) -> None:
        for name in _COUNTED:
            left = self._left(name)
            if left is not None and left <= 0:
                raise BudgetSpent(name)
        if trio.current_time() >= self.deadline:
            raise BudgetSpent("seconds")

    def _used(self, name: str) -> float:
        return {"steps": self.steps, "tokens": self.usage.tokens, "cost": self.usage.cost}[name]

    def _left(self, name: str) -> float | None:
        limit: float | None = getattr(self.limits, name)
        if limit is None:
            return None
        reserved = sum(max(getattr(child.limits, name) or 0, child._used(name)) for child in self._children)
        return limit - self._used(name) - reserved


def _limits(seconds: float | None, counted: dict[str, float | None]) -> Limits:
    steps, tokens = counted["steps"], counted["tokens"]
    return Limits(
        steps=None if steps is None else int(steps),
        seconds=seconds,
        tokens=None if tokens is None else int(tokens),
        cost=counted["cost"],
    )
