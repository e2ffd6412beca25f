"""Virtual time that goes with real sockets: it jumps when all wait for a clock, and on this machine none waits for long
for anything else."""

from __future__ import annotations

import importlib

import pytest
from trio.testing import MockClock


@pytest.fixture(scope="session")
def _imported() -> None:
    """It takes a second."""
    for vendor in ("anthropic.resources.messages", "openai.resources.responses"):
        importlib.import_module(vendor)


@pytest.fixture
def autojump_clock(_imported: None) -> MockClock:
    return MockClock(autojump_threshold=0.02)
