"""Fixtures for every room."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pillion.testing.kit import Host, kernel_host


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[Host]:
    """A kernel with a scripted provider and no plugin of ours."""
    async with kernel_host(tmp_path) as host:
        yield host
