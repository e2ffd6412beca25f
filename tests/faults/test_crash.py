"""Servers are killed at kill points and at random moments; what their clients were told is kept."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from .crashrun import Harness, Outcome, kills, run_all
from .crashserver import Forker, forking
from .killborder import BESIDE, LEFT_OUT, on_the_paths
from .killpoints import kill_points

KILLS = 40
SEED = 20


@pytest.fixture
async def forker() -> AsyncIterator[Forker]:
    async with forking() as forker:
        yield forker


@pytest.mark.alone
@pytest.mark.promise("storage.kill")
async def test_nothing_that_was_told_is_lost_wherever_a_server_dies(tmp_path: Path, forker: Forker) -> None:
    harness = Harness(forker, tmp_path, kill_points())
    visits = await harness.prepare()
    assert [point.name for point in harness.points if not visits[point.name]] == [], "the scenario passes each"
    outcomes: list[Outcome] = await run_all(harness, kills(visits, KILLS, SEED), lambda outcome: None)
    assert [(str(outcome.kill), outcome.broken, outcome.folder) for outcome in outcomes if outcome.broken] == []
    assert sum(outcome.reached for outcome in outcomes) > KILLS / 2, "they die where they should"


def test_a_kill_point_is_left_out_only_where_there_is_one() -> None:
    known = {name for point in kill_points(all=True) for name in (point.wait, point.place)}
    assert LEFT_OUT.keys() - known == set()
    assert BESIDE.keys() - set(on_the_paths(all=True)) == set()
