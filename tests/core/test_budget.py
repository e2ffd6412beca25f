"""Budgets: children reserve and settle, and can't overshoot side by side."""

from __future__ import annotations

import pytest
import trio
import trio.lowlevel
from hypothesis import given
from hypothesis import strategies as st

from pillion import Limits, Usage
from pillion.budget import Budget
from pillion.errors import BudgetSpent

FREE = Limits(steps=None, seconds=None, tokens=None, cost=None)


def limits(**given) -> Limits:
    return Limits(**({"steps": None, "seconds": None, "tokens": None, "cost": None} | given))


async def spent(budget: Budget) -> str:
    with pytest.raises(BudgetSpent) as caught:
        budget.step()
    return caught.value.limit


async def test_a_limit_ends_the_next_step_and_none_limits_nothing() -> None:
    budget = Budget(limits(steps=2))
    budget.step()
    budget.step()
    assert await spent(budget) == "steps"
    free = Budget(FREE)
    free.spend(Usage(input=10**9, cost=1e6))
    free.step()
    assert free.left() == FREE


async def test_tokens_cost_and_seconds_are_counted(autojump_clock) -> None:
    tokens, cost, seconds = Budget(limits(tokens=10)), Budget(limits(cost=0.5)), Budget(limits(seconds=3))
    tokens.spend(Usage(input=8, output=4))
    cost.spend(Usage(cost=0.5))
    await trio.sleep(3)
    assert [await spent(budget) for budget in (tokens, cost, seconds)] == ["tokens", "cost", "seconds"]
    assert tokens.left() == limits(tokens=0)
    assert seconds.left() == limits(seconds=0.0)


async def test_what_a_child_may_use_is_gone_at_once_and_what_it_left_comes_back() -> None:
    parent = Budget(limits(steps=10, tokens=100))
    child = parent.reserve(limits(steps=4, tokens=60))
    assert parent.left() == limits(steps=6, tokens=40)
    child.step()
    child.spend(Usage(input=20))
    assert parent.left() == limits(steps=6, tokens=40)
    child.settle()
    child.settle()
    assert parent.left() == limits(steps=9, tokens=80)
    assert parent.usage == Usage(input=20)


async def test_a_child_gets_no_more_than_there_is_and_then_none_can_begin() -> None:
    parent = Budget(limits(tokens=50))
    assert parent.reserve(limits(tokens=80)).limits == limits(tokens=50)
    with pytest.raises(BudgetSpent, match="tokens"):
        parent.reserve(limits(tokens=1))


async def test_a_child_lives_no_longer_than_its_parent(autojump_clock) -> None:
    parent = Budget(limits(seconds=5))
    child = parent.reserve(limits(seconds=100))
    assert child.deadline == parent.deadline
    await trio.sleep(5)
    with pytest.raises(BudgetSpent, match="seconds"):
        parent.reserve(FREE)


async def test_a_child_that_went_over_is_counted_in_full() -> None:
    parent = Budget(limits(tokens=100))
    child = parent.reserve(limits(tokens=30))
    child.spend(Usage(input=50))
    assert parent.left() == limits(tokens=50)
    child.settle()
    assert parent.left() == limits(tokens=50)


async def test_children_side_by_side_never_overshoot_together(autojump_clock) -> None:
    parent = Budget(limits(steps=20))
    done: list[int] = []

    async def work() -> None:
        child = parent.reserve(limits(steps=7))
        try:
            while True:
                child.step()
                await trio.lowlevel.checkpoint()
                done.append(1)
        except BudgetSpent:
            child.settle()

    async with trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(work)
    assert len(done) == parent.steps == 20


moves = st.lists(st.tuples(st.sampled_from(["reserve", "spend", "settle"]), st.integers(0, 7), st.integers(1, 40)))


@given(moves=moves)
def test_a_tree_never_promises_more_than_it_has(moves: list[tuple[str, int, int]]) -> None:
    async def play() -> None:
        root = Budget(limits(tokens=100))
        open_: list[Budget] = [root]
        used = 0
        for move, which, amount in moves:
            budget = open_[which % len(open_)]
            left = budget.left().tokens
            if move == "reserve" and left:
                open_.append(budget.reserve(limits(tokens=amount)))
            elif move == "spend" and left:
                budget.spend(Usage(input=min(left, amount)))
                used += min(left, amount)
            elif move == "settle" and budget is not root and not budget._children:
                budget.settle()
                open_.remove(budget)
            assert sum(b.usage.tokens for b in open_) == used <= 100
            assert all((b.left().tokens or 0) >= 0 for b in open_)

    trio.run(play)
