"""Fixtures for every room, and the watch over all that tests write: no key may stand in it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from pillion.testing.kit import Host, kernel_host

from . import canaries

SPOKEN: list[str] = []
"""The tests whose output or log held a key."""


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[Host]:
    """A kernel with a scripted provider and no plugin of ours."""
    async with kernel_host(tmp_path) as host:
        yield host


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if any(canaries.holds(text.encode("utf-8", "surrogateescape")) for _, text in report.sections):
        SPOKEN.append(f"what {report.nodeid} printed or logged")


@pytest.fixture(scope="session", autouse=True)
def no_key_is_left_anywhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """At the end: databases, logs, exports, recordings, whatever tests wrote."""
    yield
    found = [*SPOKEN, *map(str, canaries.files_with_one(tmp_path_factory.getbasetemp()))]
    assert not found, "a key that is a secret stands in: " + ", ".join(found)
