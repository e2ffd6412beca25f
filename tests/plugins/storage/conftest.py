"""The tests' own PostgreSQL, and a new place on each kind of database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pillion_storage.database import Place

from ...required import missing
from .places import place_of
from .privatepostgres import Postgres, private_postgres


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    with private_postgres() as server:
        if server is None:
            missing("initdb", "PostgreSQL's programs are not installed: apt install postgresql")
        yield server


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    return place_of(request.param, tmp_path, request)
